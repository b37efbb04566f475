from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

import pytest
from fastapi import FastAPI, Response

from vectorwatch.demo.ports import HOST, find_free_ports
from vectorwatch.demo.readiness import accepts_tcp, answers_http, answers_ping


@pytest.mark.parametrize(
    ("status", "ready"), [(HTTPStatus.OK, True), (HTTPStatus.SERVICE_UNAVAILABLE, False)]
)
def test_http_is_ready_only_with_a_success(
    serve: Callable[[FastAPI], str], status: HTTPStatus, ready: bool
) -> None:
    app = FastAPI()
    app.get("/ready")(lambda: Response(status_code=status))
    assert answers_http(f"{serve(app)}/ready")() is ready


def test_nobody_listening_is_not_ready() -> None:
    port = find_free_ports(1)[0]
    assert not answers_http(f"http://{HOST}:{port}/")()
    assert not answers_ping(HOST, port)()
    assert not accepts_tcp(HOST, port)()


def test_a_server_that_is_not_http_is_not_ready(raw_server: Callable[..., int]) -> None:
    assert not answers_http(f"http://{HOST}:{raw_server(b'no http at all')}/")()


def test_a_silent_server_is_not_ready_and_does_not_hold_us(raw_server: Callable[..., int]) -> None:
    port = raw_server(b"", hold=True)
    assert not answers_http(f"http://{HOST}:{port}/")()
    assert not answers_ping(HOST, port)()


@pytest.mark.parametrize("arguments", [(), ("--requirepass", "secret")], ids=["open", "with password"])
def test_valkey_is_ready_with_and_without_a_password(
    start_valkey: Callable[..., object], arguments: tuple[str, ...]
) -> None:
    port = find_free_ports(1)[0]
    start_valkey(*arguments, port=port)
    assert answers_ping(HOST, port)()
    assert accepts_tcp(HOST, port)()


def test_an_error_that_is_not_about_passwords_is_not_ready(raw_server: Callable[..., int]) -> None:
    assert not answers_ping(HOST, raw_server(b"-LOADING Redis is loading the dataset in memory\r\n"))()
