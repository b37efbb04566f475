"""What a graph and its vectors take: pure."""

from __future__ import annotations

import math

_LINK_BYTES = 4
_FLOAT32_BYTES = 4


def most_link_bytes(points: float, m: int) -> int:
    """Return the most bytes that the links of a graph over `points` take, for one copy of the collection.

    Qdrant keeps at most 2 m links of a point on the lowest level and m on each level above (`m0: m * 2` in
    `hnsw_index/config.rs`), each of 4 bytes (`PointOffsetType`). The level of a point is -ln(U) / ln(m),
    rounded (`graph_layers_builder.rs`): a share of m^(1/2 - l) reaches level l, in sum sqrt(m) / (m - 1).
    Offsets between the links, the links that payload indexes add, and the vectors that `inline_storage`
    copies into the graph come on top; compressed links take less.
    """
    if m == 0:
        return 0
    base = max(m, 2)
    links = 2 * m + m * math.sqrt(base) / (base - 1)
    return round(points * links * _LINK_BYTES)


def vector_bytes(points: float, dimensions: int) -> int:
    """Return the bytes of the vectors as Qdrant keeps them by default: 32-bit numbers, not quantized."""
    return round(points * dimensions * _FLOAT32_BYTES)
