"""What every exporter needs and nothing more: routes, deadlines, isolation, limits, exposition.

A room hands the kernel one `scrape.Exporter`: a name, its targets and an async `collect(target, sink)`.
The contract of `collect`: put rows into the sink as they become known, raise `TargetError` when the target
cannot be read, and expect to be cancelled at the deadline. Everything else is the kernel's business.
"""
