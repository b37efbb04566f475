"""An embedded Qdrant: Qdrant's REST routes in front of the real Qdrant engine, without Docker.

Real, from the `qdrant-edge-py` wheel (the server's own segment and shard code): storage and write-ahead
log, HNSW graphs and their optimizer, `hnsw_ef`, `exact`, `indexed_only`, payload filters and indexes,
quantization, named, sparse and multi vectors, scores, and the counts of points, indexed vectors and segments.

Stand-in, ours, shaped after Qdrant 1.19:
- the HTTP layer: routes, envelopes, status codes, error texts, the API key (no read-only key, JWT or TLS);
- collections and aliases: a name on one engine shard each; no replicas, cluster, snapshots or gRPC;
- when to optimize, and `status` (green, yellow, red): the engine optimizes only when told to, so we tell it
  by the collection's own `indexing_threshold`, in a child process on a copy of the shard; searches and
  writes continue meanwhile, writes are replayed on the copy before it takes over;
- strict mode, rate limits, `/telemetry`, `/issues` (always empty) and the names in `/metrics`;
  `memory_resident_bytes` is this process's RSS, not jemalloc's figure, and
  `collection_indexed_only_excluded_points` is an estimate from the counts above;
- payload index parameters and the configuration are kept beside the engine, which does not tell them;
- floats are written in double precision (0.800000011920929) where Qdrant writes the shortest single (0.8).

Unproven here, therefore: everything of a cluster, snapshots, inference, groups, recommendations, discovery,
`/metrics?per_collection` and `anonymize`, and real server timings: the engine's Python binding holds the
interpreter lock during each call, so calls run one after another, and a flush (20 to 50 ms) stops them all.
"""

from __future__ import annotations

from pathlib import Path


def run(host: str, port: int, data: Path, api_key_file: Path | None = None) -> None:
    """Serve until SIGTERM or SIGINT. Raises VectorwatchError (port or folder in use) and ConfigError."""
    # Imported late: the child process that builds an index imports this package but needs no HTTP server.
    from vectorwatch.demo.engine.server import serve
    from vectorwatch.demo.engine.settings import read_settings

    serve(read_settings(host, port, data, api_key_file))
