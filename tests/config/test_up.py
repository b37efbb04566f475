"""scripts/up: what it tells while it waits, and when something fails.

The engine is a stand-in that answers as `docker` does; scripts/smoke runs the real one.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

DOCKER = """#!/bin/bash
here={here}
[ "$1 $2" = "compose --profile" ] && set -- compose "${{@:4}}"
case "$*" in
  "compose up --detach") echo "${{LOGS_PULL_POLICY:-}}" >$here/policy; exit {up} ;;
  "compose ps --all --format "*)
    look=$(($(cat $here/looks 2>/dev/null || echo 0) + 1)); echo $look >$here/looks
    cat "$here/look-$look" 2>/dev/null || cat $here/look-last ;;
  "compose logs --no-log-prefix --tail 20 "*) echo "log of ${{@: -1}}" ;;
  "compose port $ABSENT "*) echo "no such service: $ABSENT" >&2; exit 1 ;;
  "compose port "*) echo "127.0.0.1:1${{@: -1}}" ;;
  *) echo "not expected: $*" >&2; exit 99 ;;
esac
"""
DONE = "setup|exited||0\ngrafana|running|healthy|0\nmine|running||0\n"

Up = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def up(repository: Path, tmp_path: Path) -> Up:
    (tmp_path / "scripts").mkdir()
    for name in ("up", "settings"):
        shutil.copy(repository / "scripts" / name, tmp_path / "scripts")
    preflight = tmp_path / "scripts" / "preflight"
    preflight.write_text("#!/bin/sh\nexit ${PREFLIGHT:-0}\n", encoding="utf-8")
    preflight.chmod(0o755)

    def run(*looks: str, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        for number, look in enumerate(looks[:-1], 1):
            (tmp_path / f"look-{number}").write_text(look, encoding="utf-8")
        (tmp_path / "look-last").write_text(looks[-1], encoding="utf-8")
        docker = tmp_path / "docker"
        docker.write_text(DOCKER.format(here=tmp_path, up=code), encoding="utf-8")
        docker.chmod(0o755)
        return subprocess.run(
            [str(tmp_path / "scripts" / "up"), "--profile", "demo"],
            env={"PATH": f"{tmp_path}:/usr/bin:/bin", **environment},
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


def test_it_waits_for_all_and_shows_where_they_are(up: Up) -> None:
    done = up("setup|exited||0\ngrafana|running|starting|0\nmine|created||0\n", DONE)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("up: 1 ready; waiting for grafana mine\nup: all 3 ready ")
    assert (
        "  grafana       http://127.0.0.1:13000   dashboards; user and password: make credentials\n"
        in done.stdout
    )
    assert "  inbox         http://127.0.0.1:19446   " in done.stdout
    assert (
        "  kibana        http://127.0.0.1:15601   logs; user and password: make credentials\n" in done.stdout
    )


def test_without_logs_their_images_are_not_fetched_either(up: Up, tmp_path: Path) -> None:
    for env_file, environment, policy in (
        ("LOGS=1\n", {}, ""),
        ("LOGS=0\n", {}, "never"),
        ('LOGS="0"\n', {}, "never"),
        ("LOGS='0' # for now\n", {}, "never"),
        ("LOGS=1\nLOGS = 1\nLOGS= 0 # for now\n", {}, "never"),
        ("LOGS=0\n", {"LOGS": "1"}, ""),
        ("", {"LOGS": "0"}, "never"),
    ):
        (tmp_path / ".env").write_text(env_file, encoding="utf-8")
        assert up(DONE, **environment).returncode == 0
        assert (tmp_path / "policy").read_text(encoding="utf-8").strip() == policy


def test_what_an_override_file_took_out_has_no_address(up: Up) -> None:
    done = up(DONE, ABSENT="grafana")
    assert (done.returncode, done.stderr) == (0, "")
    assert "grafana " not in done.stdout
    assert "prometheus    http://" in done.stdout


def test_a_set_up_that_refuses_is_shown_with_its_words(up: Up) -> None:
    done = up("setup|exited||1\ngrafana|created||0\n", code=1)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "up: setup is not well; its last lines:\nlog of setup\n"


def test_a_service_that_others_wait_for_in_vain_is_shown_with_its_words(up: Up) -> None:
    looks = "setup|exited||0\nelasticsearch|running|unhealthy|0\nlogstash|created||0\n"
    done = up(looks, code=1)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "up: elasticsearch is not well; its last lines:\nlog of elasticsearch\n"


def test_a_service_that_ends_is_shown_at_once(up: Up) -> None:
    done = up("setup|exited||0\ngrafana|running|starting|0\n", "setup|exited||0\ngrafana|exited||137\n")
    assert done.returncode == 1
    assert done.stderr == "up: grafana is not well; its last lines:\nlog of grafana\n"


def test_what_is_not_healthy_at_the_deadline_is_shown(up: Up) -> None:
    done = up("setup|exited||0\ngrafana|running|unhealthy|0\n", UP_DEADLINE_SECONDS="1")
    assert done.returncode == 1
    assert done.stderr == "up: grafana is not well; its last lines:\nlog of grafana\n"


def test_nothing_is_started_on_a_machine_that_will_not_do(up: Up) -> None:
    done = up(DONE, PREFLIGHT="1")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
