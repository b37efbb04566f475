from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from vectorwatch.errors import ConfigError
from vectorwatch.qdrant.settings import QdrantSettings
from vectorwatch.settings import load

PREFIX = "VECTORWATCH_QDRANT_"

BAD_VARIABLES = {
    "no scheme": (
        {"URL": "qdrant:6333"},
        "config: VECTORWATCH_QDRANT_URL: `url`: `qdrant:6333` has no scheme http or https; "
        "write `http://qdrant:6333`",
    ),
    "credentials in the URL": (
        {"URL": "http://user:hunter2@qdrant:6333"},
        "config: VECTORWATCH_QDRANT_URL: `url`: a URL must not hold credentials; use `api_key_file`",
    ),
    "bad port": (
        {"URL": "http://qdrant:99999"},
        "config: VECTORWATCH_QDRANT_URL: `url`: not a URL; write `http://host:port`",
    ),
    "misspelt variable": (
        {"API_KEYFILE": "/x"},
        "config: unknown variable `VECTORWATCH_QDRANT_API_KEYFILE`; "
        "did you mean `VECTORWATCH_QDRANT_API_KEY_FILE`?",
    ),
    "not a number": (
        {"PORT": "http"},
        "config: VECTORWATCH_QDRANT_PORT: `port`: Input should be a valid integer, "
        "unable to parse string as an integer",
    ),
    "list that is no JSON": (
        {"TARGETS": "http://a"},
        "config: VECTORWATCH_QDRANT_TARGETS: not valid JSON; lists and objects are JSON",
    ),
    "missing secret file": (
        {"API_KEY_FILE": "/nowhere/key"},
        "config: `api_key_file`: cannot read /nowhere/key: no such file or directory",
    ),
    "two secrets": (
        {"API_KEY": "hunter2", "API_KEY_FILE": "/nowhere/key"},
        "config: give `api_key` or `api_key_file`, not both",
    ),
}


@pytest.mark.parametrize(("variables", "line"), BAD_VARIABLES.values(), ids=BAD_VARIABLES)
def test_a_bad_variable_is_one_line(variables: dict[str, str], line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(QdrantSettings, environ={PREFIX + name: value for name, value in variables.items()})
    assert caught.value.problems == (line,)
    assert "hunter2" not in str(caught.value)


BAD_FILES = {
    "unknown key": ("zzz: 5\n", "exporters.yml:1: unknown key `zzz`; known are api_key, "),
    "unknown key, close": (
        "max_colections: 5\n",
        "exporters.yml:1: unknown key `max_colections`; did you mean `max_collections`?",
    ),
    "unknown key in a list": (
        "targets:\n- url: http://a:1\n  api_kee: x\n",
        "exporters.yml:3: unknown key `api_kee`; did you mean `api_key`?",
    ),
    "bad URL in a list": (
        "targets:\n- url: http://a:1\n- url: b:1\n",
        "exporters.yml:3: `targets.1.url`: `b:1` has no scheme http or https; write `http://b:1`",
    ),
    "key twice": ("port: 1\nport: 2\n", "exporters.yml:2: key `port` stands twice; the first is on line 1"),
    "alias inside what it names": (
        "targets: &a [*a]\n",
        "exporters.yml: an alias (`*`) stands inside what it names",
    ),
    "not YAML": ("url: [\n", "exporters.yml:2: not valid YAML: "),
    "not a map": ("- a\n", "exporters.yml:1: expected `key: value` lines at the top level"),
}


@pytest.mark.parametrize(("text", "line"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_one_line_with_its_place(tmp_path: Path, text: str, line: str) -> None:
    file = tmp_path / "exporters.yml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(QdrantSettings, config_file=file, environ={})
    (problem,) = caught.value.problems
    assert problem.startswith(f"config: {tmp_path}/{line}")


def test_two_targets_of_one_name_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "exporters.yml"
    file.write_text("targets:\n- url: http://b:1\n- url: http://b:1\n")
    with pytest.raises(ConfigError, match="two targets are called `http://b:1`; give one another `name`"):
        load(QdrantSettings, config_file=file, environ={}).target_book()


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "exporters.yml"
    file.write_text("porrt: 1\nurl: qdrant\n")
    with pytest.raises(ConfigError) as caught:
        load(QdrantSettings, config_file=file, environ={PREFIX + "PORT": "x", PREFIX + "HOSTT": "y"})
    assert len(caught.value.problems) == 4


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "exporters.yml"
    file.write_text("port: 1000\nhost: 10.0.0.1\n")
    settings = load(QdrantSettings, environ={PREFIX + "CONFIG": str(file), PREFIX + "PORT": "2000"})
    assert (settings.host, settings.port) == ("10.0.0.1", 2000)


def test_secrets_stay_out_of_every_dump(tmp_path: Path) -> None:
    file = tmp_path / "exporters.yml"
    file.write_text("api_key: hunter2\ntargets:\n- url: http://b:1\n  api_key: hunter2\n")
    settings = load(QdrantSettings, config_file=file, environ={})
    first, second = settings.target_book().default, settings.target_book().find("http://b:1")
    for shown in (
        repr(settings),
        str(settings.model_dump()),
        settings.model_dump_json(),
        repr((first, second)),
    ):
        assert "hunter2" not in shown
    assert first is not None
    assert first.headers() == {"api-key": "hunter2"}


def test_a_file_sd_target_is_allowed_without_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "qdrant.yml"
    settings = load(
        QdrantSettings, environ={PREFIX + "TARGETS_FILE": str(file), PREFIX + "API_KEY": "hunter2"}
    )
    book = settings.target_book()
    assert book.find("qdrant-2:6333") is None
    file.write_text(yaml.safe_dump([{"targets": ["qdrant-2:6333", "bad url"], "labels": {"a": "b"}}]))
    found = book.find("qdrant-2:6333")
    assert found is not None
    assert (found.url, found.headers()) == ("http://qdrant-2:6333", {"api-key": "hunter2"})
    assert book.find("qdrant-3:6333") is None
    assert book.labels() == ["http://127.0.0.1:6333", "qdrant-2:6333"]


def test_lists_of_several_folders_are_one_and_each_may_come_and_go(tmp_path: Path) -> None:
    for folder in ("own", "own/examples", "profiles"):
        (tmp_path / folder).mkdir()
    environ = {PREFIX + "TARGETS_FILE": str(tmp_path / "*" / "qdrant.yml"), PREFIX + "URL": ""}
    book = load(QdrantSettings, environ=environ).target_book()
    assert (book.default, book.labels()) == (None, [])
    (tmp_path / "own" / "qdrant.yml").write_text("- targets: [a:6333, b:6333]\n")
    (tmp_path / "own" / "examples" / "qdrant.yml").write_text("- targets: [c:6333]\n")
    (tmp_path / "profiles" / "qdrant.yml").write_text("- targets: [b:6333, d:6333]\n")
    assert book.labels() == ["a:6333", "b:6333", "d:6333"]
    assert book.find("d:6333") is not None
    assert book.find("c:6333") is None
    (tmp_path / "profiles" / "qdrant.yml").unlink()
    assert book.find("d:6333") is None


def test_without_a_url_the_configured_targets_are_all_there_are() -> None:
    targets = '[{"url": "http://a:6333"}]'
    book = load(QdrantSettings, environ={PREFIX + "URL": "", PREFIX + "TARGETS": targets}).target_book()
    assert book.labels() == ["http://a:6333"]
    assert book.find("") is None


@pytest.mark.parametrize("wanted", ["main", "http://qdrant:6333", "qdrant:6333"])
def test_a_target_is_found_by_name_url_and_address(wanted: str) -> None:
    settings = load(QdrantSettings, environ={PREFIX + "URL": "http://qdrant:6333", PREFIX + "NAME": "main"})
    found = settings.target_book().find(wanted)
    assert found is not None
    assert found.label == "main"


@pytest.mark.parametrize(
    "wanted", ["qdrant", "qdrant:6334", "https://qdrant:6333", "", "http://[", "x@qdrant:6333"]
)
def test_anything_else_is_not_found(wanted: str) -> None:
    settings = load(QdrantSettings, environ={PREFIX + "URL": "http://qdrant:6333", PREFIX + "NAME": "main"})
    assert settings.target_book().find(wanted) is None


@pytest.mark.parametrize("text", ["{", "5", "[5]", "[{targets: 5}]", ""])
def test_a_broken_file_sd_file_allows_nothing(tmp_path: Path, text: str) -> None:
    file = tmp_path / "qdrant.yml"
    file.write_text(text)
    settings = load(QdrantSettings, environ={PREFIX + "TARGETS_FILE": str(file)})
    assert settings.target_book().labels() == ["http://127.0.0.1:6333"]


def test_a_secret_file_that_may_not_be_read_says_who_needs_what(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "key"
    file.write_text("x")

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    # The tests may run as root, whom no mode stops.
    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr("os.getuid", lambda: 65532)
    with pytest.raises(ConfigError, match=r"permission denied \(uid 65532 needs read\)"):
        load(QdrantSettings, environ={PREFIX + "API_KEY_FILE": str(file)})
