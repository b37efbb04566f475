from __future__ import annotations

import json
from pathlib import Path

from tests.smoke.images.recipe import Provided
from tests.smoke.measure import Use
from tests.smoke.report import Report, Result, write_figures, write_image, write_json, write_result


def _report() -> Report:
    return Report(
        engine="28.5.2",
        images=[Provided("prom/prometheus:v3", "stand-in", "Debian's prometheus 3.5")],
        not_run={"grafana": "cannot be had"},
        results=[Result("ports", True, "all", 0.5)],
        healthy_seconds={"up": {"inbox": 9.0}, "up with demo": {"inbox": 0.1, "qdrant": 4.0}},
        use={
            "idle": {"inbox": Use(0.01, 2**20)},
            "demo": {"inbox": Use(0.02, 2**21), "qdrant": Use(0.5, 2**30)},
        },
        image_bytes={"own:1": 100_000_000},
    )


def test_a_run_without_checks_is_no_success() -> None:
    assert not Report().ok


def test_one_failed_check_fails_the_run() -> None:
    report = _report()
    assert report.ok
    report.results.append(Result("alert", False, "not in the inbox", 300.0))
    assert not report.ok


def test_the_file_holds_what_was_found(tmp_path: Path) -> None:
    path = tmp_path / "build" / "smoke.json"
    write_json(_report(), path)
    found = json.loads(path.read_text())
    assert found["ok"] is True
    assert found["images"][0] == {
        "image": "prom/prometheus:v3",
        "kind": "stand-in",
        "what": "Debian's prometheus 3.5",
    }
    assert found["use"]["demo"]["qdrant"] == {"cores": 0.5, "memory_bytes": 2**30}


def test_stand_ins_and_failures_catch_the_eye() -> None:
    assert "STAND-IN" in write_image(Provided("a:1", "stand-in", "Debian's a"))
    assert "NOT RUN" in write_image(Provided("b:1", "none", "nobody has it"))
    assert "FAILED" in write_result(Result("alert", False, "no", 1.0))


def test_figures_show_the_first_start_of_each_service() -> None:
    text = "\n".join(write_figures(_report()))
    assert "9.0 s" in text
    assert "0.1 s" not in text
    assert "1024 MiB  50.0 %" in text
    assert "100 MB" in text
