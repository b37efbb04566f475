from __future__ import annotations

from pathlib import Path

from tests.smoke.model import read_services

_RENDERED = {
    "services": {
        "setup": {
            "image": "own:1",
            "build": {"context": "/checkout/exporters", "target": "own"},
            "restart": "no",
            "user": "0:0",
            "volumes": [
                {"type": "volume", "source": "secrets", "target": "/secrets"},
                {"type": "bind", "source": "/checkout/docs", "target": "/docs"},
            ],
        },
        "qdrant": {
            "image": "q:1",
            "profiles": ["demo"],
            "restart": "unless-stopped",
            "healthcheck": {"test": []},
            "scale": 0,
            "ulimits": {"memlock": {"soft": -1, "hard": -1}, "nproc": 100},
        },
    }
}


def test_services_are_read_as_compose_renders_them() -> None:
    qdrant, setup = read_services(_RENDERED)
    assert (setup.name, setup.runs_once, setup.user, setup.has_health_check) == ("setup", True, "0:0", False)
    assert setup.build is not None
    assert (setup.build.context, setup.build.target) == (Path("/checkout/exporters"), "own")
    assert (qdrant.name, qdrant.runs_once, qdrant.profiles, qdrant.build) == ("qdrant", False, ["demo"], None)
    assert qdrant.has_health_check


def test_only_named_volumes_count_as_volumes() -> None:
    assert read_services(_RENDERED)[1].volumes == {"/secrets": "secrets"}


def test_a_service_that_is_switched_off_has_no_container() -> None:
    assert [service.scale for service in read_services(_RENDERED)] == [0, 1]


def test_limits_are_read_as_docker_run_takes_them() -> None:
    qdrant, setup = read_services(_RENDERED)
    assert qdrant.limits == {"memlock": "-1:-1", "nproc": "100"}
    assert setup.limits == {}
