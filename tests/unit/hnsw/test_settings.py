from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from vectorwatch.errors import ConfigError
from vectorwatch.hnsw.settings import HnswSettings
from vectorwatch.settings import load

DEFAULT_URL = "http://127.0.0.1:6333"


def test_the_defaults_are_modest(make_settings: Callable[..., HnswSettings]) -> None:
    settings = make_settings()
    assert (settings.url, settings.port) == (DEFAULT_URL, 9443)
    assert settings.max_load_ratio <= 0.02
    assert settings.ef == ["default", 64, 256]
    assert settings.k == [10]


def test_a_file_describes_collections(tmp_path: Path) -> None:
    file = tmp_path / "probe.yml"
    file.write_text(
        textwrap.dedent(
            """
            url: https://qdrant:6333/vectors
            collections:
              - name: docs
                vector: text
                ef: [default, 128]
                filter_name: german
                filter: {must: [{key: lang, match: {value: de}}]}
                quantization: {rescore: true, oversampling: 2}
                objective_ratio: 0.9
            targets:
              - {url: "http://other:6333", exclude: [scratch]}
            """
        )
    )
    settings = load(HnswSettings, config_file=file, environ={})
    (plan,) = settings.collections
    assert settings.ef_of(plan) == ["default", 128]
    assert settings.k_of(plan) == [10]
    assert settings.objective_of(plan) == 0.9
    assert settings.target_book().labels() == ["https://qdrant:6333/vectors", "http://other:6333"]


def test_a_target_of_the_list_has_the_first_targets_key_and_plans(tmp_path: Path) -> None:
    listed, key = tmp_path / "qdrant.yml", tmp_path / "key"
    listed.write_text("- targets: [qdrant-2:6333]\n")
    key.write_text("secret")
    environ = {"VECTORWATCH_HNSW_TARGETS_FILE": str(listed), "VECTORWATCH_HNSW_API_KEY_FILE": str(key)}
    environ["VECTORWATCH_HNSW_EXCLUDE"] = '["scratch"]'
    book = load(HnswSettings, environ=environ).target_book()
    found = book.find("qdrant-2:6333")
    assert found is not None
    assert (found.url, found.exclude) == ("http://qdrant-2:6333", ["scratch"])
    assert found.headers() == {"api-key": "secret"}
    assert book.find("elsewhere:6333") is None


def test_without_a_url_nothing_is_probed_but_what_the_lists_name(tmp_path: Path) -> None:
    environ = {
        "VECTORWATCH_HNSW_TARGETS_FILE": str(tmp_path / "*" / "qdrant.yml"),
        "VECTORWATCH_HNSW_URL": "",
    }
    book = load(HnswSettings, environ=environ).target_book()
    assert (book.default, book.labels()) == (None, [])
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "qdrant.yml").write_text("- targets: [qdrant:6333]\n")
    assert book.labels() == ["qdrant:6333"]


PREFIX = "VECTORWATCH_HNSW_"
BAD = [
    ("EF", "[0]", "`ef.0`: give a whole number from 1 to 65536, or `default` for the server's own"),
    ("EF", '["fast"]', "`ef.0`: give a whole number from 1 to 65536, or `default` for the server's own"),
    ("EF", "[true]", "`ef.0`: give a whole number from 1 to 65536, or `default` for the server's own"),
    ("EF", "[]", "`ef`: give at least one"),
    ("EF", "[64, 64]", "`ef`: `64` stands twice"),
    ("EF", "64,128", "not valid JSON; lists and objects are JSON"),
    ("EF", "[5]", "`ef` 5 is below `k` 10; the server would search with 10"),
    ("K", "[0]", "`k.0`: Input should be greater than or equal to 1"),
    ("K", "[2000]", "`k.0`: Input should be less than or equal to 1000"),
    ("K", "[10, 10]", "`k`: `10` stands twice"),
    ("MAX_LOAD_RATIO", "2", "`max_load_ratio`: Input should be less than or equal to 1"),
    ("MAX_LOAD_RATIO", "0", "`max_load_ratio`: Input should be greater than 0"),
    ("INTERVAL_SECONDS", "0.1", "`interval_seconds`: Input should be greater than or equal to 1"),
    ("QUERIES_PER_MINUTE", "0", "`queries_per_minute`: Input should be greater than 0"),
    ("PERTURBATION_RATIO", "0", "`perturbation_ratio`: Input should be greater than 0"),
    ("STALE_AFTER_INTERVALS", "2", "`stale_after_intervals`: Input should be greater than or equal to 10"),
    ("OBJECTIVE_RATIO", "95", "`objective_ratio`: Input should be less than or equal to 1"),
    ("URL", "qdrant:6333", "`url`: `qdrant:6333` has no scheme http or https; write `http://qdrant:6333`"),
    ("API_KEY_FILE", "/nowhere/key", "cannot read /nowhere/key: no such file or directory"),
    ("COLLECTIONS", '[{"name": ""}]', "`collections.0.name`: String should have at least 1 character"),
    ("COLLECTIONS", '[{"vector": "a"}]', "`collections.0.name` is required"),
    ("COLLECTIONS", '[{"name": "a", "efs": [1]}]', "unknown key `efs`; did you mean `ef`?"),
    (
        "COLLECTIONS",
        '[{"name": "a", "filter": {}}]',
        "`collections.0`: give `filter` and `filter_name` together; the name is what metrics show",
    ),
    (
        "COLLECTIONS",
        '[{"name": "a", "k": [100]}]',
        "collection `a`: `ef` 64 is below `k` 100; the server would search with 100",
    ),
    (
        "COLLECTIONS",
        '[{"name": "a"}, {"name": "a", "vector": "text"}]',
        "collection `a` is configured twice with the same vector and `filter_name`",
    ),
    ("INTERVAL", "5", "unknown variable `VECTORWATCH_HNSW_INTERVAL`"),
]


@pytest.mark.parametrize(("name", "value", "message"), BAD, ids=[f"{n}={v}" for n, v, _ in BAD])
def test_a_bad_value_is_one_clear_line(name: str, value: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(HnswSettings, environ={PREFIX + name: value})
    (problem,) = caught.value.problems
    assert message in problem
    assert problem.startswith("config: ")
    assert caught.value.exit_code == 2


def test_exclude_beside_collections_is_refused() -> None:
    environ = {PREFIX + "COLLECTIONS": '[{"name": "a"}]', PREFIX + "EXCLUDE": '["b"]'}
    with pytest.raises(ConfigError, match="`exclude` has no meaning beside `collections`"):
        load(HnswSettings, environ=environ)


def test_a_plan_within_the_first_line_of_searches_may_ask_for_more(
    make_settings: Callable[..., HnswSettings],
) -> None:
    settings = make_settings(collections=[{"name": "a", "k": [100], "ef": ["default", 128]}])
    assert settings.k_of(settings.collections[0]) == [100]


def test_the_api_key_never_shows() -> None:
    settings = load(HnswSettings, environ={PREFIX + "API_KEY": "s3cret"})
    assert "s3cret" not in repr(settings) + str(settings) + repr(settings.first_target())


def test_the_documented_file_is_valid(tmp_path: Path) -> None:
    page = Path(__file__).parents[3] / "docs" / "reference" / "hnsw-probe.md"
    (example,) = re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)
    file = tmp_path / "probe.yml"
    file.write_text(example)
    settings = load(HnswSettings, config_file=file, environ={})
    assert [plan.filter_name for plan in settings.collections] == ["", "german", ""]
