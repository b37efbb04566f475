from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from fastapi import Depends, FastAPI

from vectorwatch.demo.app.gate import Gate
from vectorwatch.demo.app.keys import FILE, Caller, Keys
from vectorwatch.demo.app.limit import RequestLimit
from vectorwatch.errors import VectorwatchError


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def read_keys(folder: Path) -> list[str]:
    found: list[str] = json.loads((folder / FILE).read_text())["keys"]
    return found


def test_keys_are_made_anew_and_only_their_owner_can_read_them(tmp_path: Path) -> None:
    keys = Keys()
    keys.create(tmp_path)
    first = read_keys(tmp_path)
    keys.create(tmp_path)
    assert not set(first) & set(read_keys(tmp_path))
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert keys.find(first[0]) is None
    assert {keys.find(key) for key in read_keys(tmp_path)} == set(keys.callers)
    assert {caller.tenant for caller in keys.callers} == {"atlas", "borealis", "cobalt"}


def test_what_a_start_left_behind_opens_the_keys_to_nobody(tmp_path: Path) -> None:
    left = tmp_path / f".{FILE}.new"
    left.touch()
    left.chmod(0o666)
    Keys().create(tmp_path)
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_a_folder_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(VectorwatchError, match=r"cannot write .*set `VECTORWATCH_APP_DATA`"):
        Keys().create(tmp_path / "file")


def test_a_caller_has_so_many_requests_a_minute() -> None:
    clock = Clock()
    limit = RequestLimit(3, clock)
    assert [limit.admit("a") for _ in range(4)] == [True, True, True, False]
    assert limit.admit("b")
    clock.now = 20.0
    assert [limit.admit("a") for _ in range(2)] == [True, False]


def test_the_gate_lets_in_who_has_a_key_until_there_are_too_many_requests(
    tmp_path: Path, serve: Callable[[FastAPI], str]
) -> None:
    keys = Keys()
    keys.create(tmp_path)
    gate = Gate(keys, RequestLimit(1, Clock()))
    app = FastAPI()

    @app.get("/")
    def read(caller: Caller = Depends(gate)) -> str:  # noqa: B008 - FastAPI reads it there
        return caller.tenant

    url = serve(app)

    def ask(**headers: str) -> httpx.Response:
        return httpx.get(url, headers=headers, trust_env=False)

    assert ask().status_code == 401
    assert ask(**{"X-API-Key": "x"}).json()["detail"].startswith("the header X-API-Key holds no key")
    key = {"X-API-Key": read_keys(tmp_path)[0]}
    assert ask(**key).json() == "atlas"
    refused = ask(**key)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
