"""Is all well? The health of every component, for load balancers, scripts and people.

`matrix` says which components there are; `observe` asks Prometheus and `ping` the servers themselves, all at
once; `judge` makes one state of it. The API serves that, `vectorwatch status` prints it.
"""
