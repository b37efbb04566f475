from __future__ import annotations

import pytest

from tests.smoke.engine.provide import explain_lack, read_version

_GOOD_COMPOSE = "Docker Compose version v2.40.3"


@pytest.mark.parametrize(
    ("engine", "compose", "told"),
    [
        ("28.5.2+dfsg4\n", _GOOD_COMPOSE, ""),
        ("25.0.0", "Docker Compose version v2.24.0", ""),
        ("20.10.24+dfsg1", _GOOD_COMPOSE, "the Docker engine 20.10.24+dfsg1 is too old for the compose file"),
        ("", "", "no Docker engine answers here"),
        ("", _GOOD_COMPOSE, "no Docker engine answers here"),
        ("28.5.2", "", "there is no `docker compose` here"),
        (
            "28.5.2",
            "Docker Compose version v2.5.0",
            "Docker Compose version v2.5.0 is too old for the compose file",
        ),
    ],
)
def test_an_engine_is_used_if_it_understands_the_compose_file(engine: str, compose: str, told: str) -> None:
    assert explain_lack(engine, compose) == told


def test_a_text_without_a_version_has_none() -> None:
    assert read_version("command not found") is None
    assert read_version("Docker version 28.5.2+dfsg4, build 3ef3c07") == (28, 5)
