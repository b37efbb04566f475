"""Everything embedded, for a first look and for proof: stand-ins, a load on them, and the story of an alert.

May import any room; no room imports it. `up.run` is `vectorwatch demo up`, and `check.run` its `check`.
"""

COLLECTION = "documents"
"""The collection that the load writes and searches."""

CACHE = "dragonfly"
"""What the cache is called everywhere in the stack; in the demo it is a Valkey."""
