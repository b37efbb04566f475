"""Qdrant exporter: what the server's own `/metrics` lacks.

Adds, per collection, its status, optimizer state, indexed vectors, segments, payload indexes, vector
parameters, shards and replicas, aliases; per node its version, consensus and reported issues. Leaves to the
native endpoint what it has: request counts and durations, memory, collection points by optimizer state.

Reads `/collections/{name}` instead of `/telemetry`: telemetry takes a process-wide lock that the native
`/metrics` needs too, and does not hold a collection's status.

Written for servers 1.12 to 1.20; tested against recorded answers of 1.12, 1.14 and 1.15 and against answers
built after the documentation of 1.19.
"""
