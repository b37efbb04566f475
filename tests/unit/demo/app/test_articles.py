from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vectorwatch.demo.app import articles
from vectorwatch.demo.app.articles import Articles
from vectorwatch.demo.app.embedding import HashedNgrams
from vectorwatch.demo.app.passages import Passage, make_passages


@pytest.fixture
def url(start_program: Callable[..., Any], free_port: Callable[[], int], tmp_path: Path) -> str:
    address = f"http://127.0.0.1:{(port := free_port())}"
    options = ("--port", str(port), "--data", str(tmp_path / "qdrant"))
    argv = [sys.executable, "-m", "vectorwatch.demo.engine", *options]
    start_program(argv, ready_url=f"{address}/readyz")
    return address


@pytest.fixture(scope="module")
def passages() -> list[Passage]:
    return make_passages()


@pytest.fixture(scope="module")
def embedding(passages: list[Passage]) -> HashedNgrams:
    found = HashedNgrams()
    found.fit([passage.text for passage in passages])
    return found


@pytest.fixture
async def kept(url: str, embedding: HashedNgrams, passages: list[Passage]) -> AsyncIterator[Articles]:
    found = Articles(url, embedding, passages)
    await found.prepare()
    yield found
    await found.close()


async def test_they_are_written_once_and_found_by_what_they_say(
    kept: Articles, embedding: HashedNgrams
) -> None:
    assert kept.ready
    await kept.prepare()
    assert await kept.check() == {"collection": "articles_v1", "passages": 240}
    [first, *_] = await kept.search(embedding.embed("the usual causes why replication gets worse"), 3)
    assert first.subject == "replication"
    assert first.score > 0.5


async def test_a_subject_narrows_the_search(kept: Articles, embedding: HashedNgrams) -> None:
    found = await kept.search(embedding.embed("recall"), 4, subject="trace")
    assert [source.subject for source in found] == ["trace"] * 4


async def test_a_new_collection_takes_the_place_of_the_old_one(
    kept: Articles, embedding: HashedNgrams
) -> None:
    assert await kept.reindex() == "articles_v2"
    assert await kept.read_alias() == "articles_v2"
    assert await kept._list_collections() == ["articles_v2"]
    assert await kept.search(embedding.embed("recall"), 1)


async def test_passages_of_another_embedding_are_written_anew(
    kept: Articles, url: str, passages: list[Passage]
) -> None:
    other = HashedNgrams()
    other.fit([passages[0].text])
    later = Articles(url, other, passages)
    await later.prepare()
    assert await later.read_alias() == "articles_v2"
    await later.prepare()
    assert await later.read_alias() == "articles_v2"
    await later.close()


async def test_a_collection_of_as_many_other_passages_is_written_anew(
    kept: Articles, url: str, embedding: HashedNgrams, passages: list[Passage]
) -> None:
    others = [replace(passage, number=passage.number + 1) for passage in passages]
    later = Articles(url, embedding, others)
    await later.prepare()
    assert await later.read_alias() == "articles_v2"
    await kept.prepare()
    assert await kept.read_alias() == "articles_v3"
    await later.close()


async def test_one_passage_is_read_by_its_number(kept: Articles, passages: list[Passage]) -> None:
    found = await kept.get(7)
    assert found is not None
    assert found.text == passages[6].text
    assert await kept.get(9_999) is None


async def test_what_goes_astray_is_refused_by_the_server_and_changes_nothing(kept: Articles) -> None:
    with pytest.raises(articles.Failures):
        await kept.move_alias_astray()
    with pytest.raises(articles.Failures):
        await kept.index_payload_astray()
    assert await kept.read_alias() == "articles_v1"


async def test_a_server_that_is_gone_is_a_failure(
    free_port: Callable[[], int], embedding: HashedNgrams, passages: list[Passage]
) -> None:
    kept = Articles(f"http://127.0.0.1:{free_port()}", embedding, passages)
    with pytest.raises(articles.Failures):
        await kept.prepare()
    assert not kept.ready
    await kept.close()
