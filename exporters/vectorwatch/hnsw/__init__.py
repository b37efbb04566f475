"""HNSW probe: the recall and latency of a live vector index, measured from outside.

Qdrant tells how long searches took, never how good they were. The probe asks the same question twice, once
through the graph and once with `exact: true`, and counts how many of the true neighbours the graph found.
It works on a timetable of its own, because a comparison costs too much to make at every scrape: `/metrics`
shows what the last rounds measured and calls no server. It only ever reads. Servers 1.12 to 1.20.
"""
