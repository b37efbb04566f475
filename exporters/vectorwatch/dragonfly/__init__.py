"""DragonflyDB exporter, for Valkey and Redis too: what on-call needs and Dragonfly's own `/metrics` lacks.

Adds the slow log, CPU seconds, loading state, snapshot age, command and error counts by name, the scrape's
own PING, and one set of names that means the same on all three servers. Leaves to Dragonfly's native endpoint
its fibers, pipelines, memory classes and transactions; no name is equal to a native one
(`docs/reference/dragonfly.md` says which to use for what).

A scrape is one pipelined round trip on a kept connection: PING, INFO ALL, SLOWLOG LEN, SLOWLOG GET 1. INFO is
parsed here from its raw text, because a client library's parse loses what the repair of Dragonfly's CPU
fields needs. Dragonfly 1.32 to 1.40, Valkey 7.2 to 9.1, Redis 6.2 to 8.
"""
