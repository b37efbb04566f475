"""A small real RAG service that records every metric of `vectorwatch.instrument`: `vectorwatch demo-app`.

Real: the passages and their embedding (a small model where installed, else hashed n-grams), Qdrant with its
alias and payload indexes, an answer cache, the SQL pool, hypervectors, the queue before the models; and what
is computed from what happens: load prediction, affinity, accuracy, quality. Simulated, and called so in every
answer and label: the language model, what it costs, and the money of business events.
"""

SERVICE = "demo-app"
"""`service.name` of its logs and spans."""

ALIAS = "articles"
"""What the service searches; the collections behind it are `articles_v1`, `articles_v2` and so on."""
