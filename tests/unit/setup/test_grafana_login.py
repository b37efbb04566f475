"""Grafana is told another password, over real HTTP; a stand-in answers as `pkg/api/user.go` does."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from vectorwatch.errors import VectorwatchError
from vectorwatch.setup.grafana_login import refuse_old, tell

_ROUTES = {("GET", "/api/user"), ("PUT", "/api/user/password")}


class GrafanaStandIn:
    """One user, and how often somebody came with a wrong password."""

    def __init__(self) -> None:
        self.url = ""
        self.password = "old"
        self.refused = 0
        self.cuts_off = False

    def answer(self, method: str, path: str, login: str, body: dict[str, str]) -> tuple[int, dict[str, str]]:
        if base64.b64decode(login.removeprefix("Basic ")).decode() != f"admin:{self.password}":
            self.refused += 1
            return 401, {"message": "Invalid username or password"}
        assert (method, path) in _ROUTES
        if method == "PUT":
            assert body["oldPassword"] == self.password
            self.password = body["newPassword"]
        return 200, {"message": "User password changed"}


@pytest.fixture
def grafana() -> Iterator[GrafanaStandIn]:
    stand_in = GrafanaStandIn()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            login = self.headers["Authorization"]
            status, body = stand_in.answer(self.command, self.path, login, json.loads(content or b"{}"))
            if stand_in.cuts_off and self.command == "PUT":
                return  # it is done, and nobody hears of it
            said = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_PUT = _serve  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    stand_in.url = f"http://127.0.0.1:{server.server_port}"
    yield stand_in
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    (tmp_path / "admin_password").write_text("new")
    (tmp_path / ".previous.admin_password").write_text("old")
    return tmp_path


def test_it_takes_the_new_one_and_refuses_the_old(grafana: GrafanaStandIn, secrets: Path) -> None:
    assert tell(grafana.url, secrets) == "admin_password: Grafana has taken it"
    assert grafana.password == "new"
    assert refuse_old(grafana.url, secrets) == "admin_password: Grafana refuses the one before"


def test_once_told_it_is_not_told_again(grafana: GrafanaStandIn, secrets: Path) -> None:
    tell(grafana.url, secrets)
    assert tell(grafana.url, secrets) == "admin_password: Grafana has taken it"
    assert grafana.refused == 1  # after five Grafana would refuse the right one, too


def test_an_answer_that_is_lost_is_no_loss(grafana: GrafanaStandIn, secrets: Path) -> None:
    grafana.cuts_off = True
    with pytest.raises(
        VectorwatchError, match=r"^rotate-secrets: Grafana does not answer \(.+\); run this again"
    ):
        tell(grafana.url, secrets)
    grafana.cuts_off = False
    assert tell(grafana.url, secrets) == "admin_password: Grafana has taken it"


def test_who_has_chosen_another_keeps_it(grafana: GrafanaStandIn, secrets: Path) -> None:
    grafana.password = "a person's"
    assert "where somebody has chosen another" in tell(grafana.url, secrets)
    assert grafana.password == "a person's"


def test_without_a_rotation_nothing_is_asked(grafana: GrafanaStandIn, secrets: Path) -> None:
    (secrets / ".previous.admin_password").unlink()
    assert tell(grafana.url, secrets) == "admin_password: nothing to tell Grafana"
    assert grafana.refused == 0


def test_an_old_one_that_is_still_taken_is_told(grafana: GrafanaStandIn, secrets: Path) -> None:
    with pytest.raises(VectorwatchError, match="Grafana still takes the password of before"):
        refuse_old(grafana.url, secrets)


def test_nobody_there_is_one_line(secrets: Path) -> None:
    with pytest.raises(VectorwatchError, match=r"^rotate-secrets: Grafana does not answer \(ConnectError\)"):
        tell("http://127.0.0.1:1", secrets)
