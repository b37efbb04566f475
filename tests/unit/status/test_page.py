"""The page, in a real browser where there is one."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest

from vectorwatch.errors import ConfigError
from vectorwatch.settings import load
from vectorwatch.status.page import PAGE
from vectorwatch.status.settings import StatusSettings

Rules = dict[str, dict[str, Any]]


@pytest.fixture
def browse(tmp_path: Path, give_up: Callable[[str], NoReturn]) -> Callable[[str], str]:
    """Open an address in headless Chromium; return the document as its scripts have made it."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        give_up("no chromium: install it to see the page tested")

    def open_page(url: str) -> str:
        flags = ("--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'browser'}")
        # Virtual time: the browser ends when requests are answered and so much of its own time is over.
        ended = subprocess.run(
            [browser, *flags, "--virtual-time-budget=9000", "--dump-dom", url],
            capture_output=True,
            text=True,
            timeout=120,
        )
        return ended.stdout

    return open_page


def text_of(document: str, place: str) -> str:
    """Return the text of the elements below an id up to the next heading."""
    part = document.partition(f'id="{place}"')[2].partition(">")[2]
    return re.sub(r"<[^>]+>", " ", re.split(r"<h2>|</main>|</header>", part)[0])


def test_the_page_shows_states_reasons_alerts_and_what_was(
    start_prometheus: Callable[..., str],
    start_status: Callable[..., str],
    rule: Rules,
    browse: Callable[[str], str],
) -> None:
    notes = {"summary": "<img src=x onerror=document.title='owned'>", "runbook_url": "javascript:alert(1)"}
    hostile = {**rule["critical"], "annotations": notes}
    warning = {**rule["warning"], "annotations": {"summary": "Slow.", "runbook_url": "http://x/r.md"}}
    url = start_status(start_prometheus(rule["watchdog"], hostile, warning), grafana_page="http://g:3000")
    document = browse(url)
    assert "<title>unhealthy · Status</title>" in document
    assert '<h1 id="state" class="unhealthy">unhealthy</h1>' in document
    assert "&lt;img src=x onerror" in document  # text, no element
    assert "<img" not in document
    assert "CacheSlow" in text_of(document, "alerts")
    assert "not known" not in text_of(document, "alerts")
    components = text_of(document, "components")
    assert components.index("Vector store") < components.index("Cache")  # the worst first
    assert 'href="http://g:3000/d/vw-qdrant"' in document
    assert 'href="http://x/r.md"' in document
    assert 'href="javascript' not in document
    assert "Critical alerts" in text_of(document, "trends")
    assert "GPU" in text_of(document, "idle")


def test_the_page_says_that_nothing_can_be_told(
    start_status: Callable[..., str], browse: Callable[[str], str]
) -> None:
    document = browse(start_status("http://127.0.0.1:9"))
    assert '<h1 id="state" class="unknown">unknown</h1>' in document
    assert "tells nothing (connect)" in text_of(document, "problem")
    assert "not known" in text_of(document, "alerts")
    assert "nothing yet" in text_of(document, "trends")


def test_the_page_loads_nothing_from_elsewhere_and_may_run_only_its_own_script(
    start_status: Callable[..., str],
) -> None:
    assert re.findall(r"""(?:src|href)\s*=\s*["'](?!data:)[^"']*""", PAGE) == []
    assert set(re.findall(r"https?://[\w./]+", PAGE)) == {"http://www.w3.org/2000/svg"}
    headers = httpx.get(start_status("http://127.0.0.1:9"), trust_env=False).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


def test_the_page_shows_a_throughput_with_its_peak_and_its_target(
    start_prometheus: Callable[..., str],
    play_metrics: Callable[[str], str],
    start_status: Callable[..., str],
    poll: Callable[..., None],
    browse: Callable[[str], str],
) -> None:
    prometheus = start_prometheus(targets={"app": play_metrics("db_query_duration_seconds_count 5\n")})
    url = start_status(prometheus, throughput_targets='{"database_queries": 150}')

    def trends() -> dict[str, Any]:
        found = httpx.get(f"{url}/history", timeout=30, trust_env=False).json()["trends"]
        return {one["title"]: one for one in found}

    asked = 'rate(db_query_duration_seconds_count{job="app"}[5m])'

    def is_known() -> bool:
        """A rate needs two samples, and the API asks once a minute, for whole seconds."""
        at = {"query": asked, "time": str(time.time() - 2)}
        answer = httpx.get(f"{prometheus}/api/v1/query", params=at, timeout=30, trust_env=False)
        return bool(answer.json()["data"]["result"])

    poll(is_known, "two samples")
    poll(lambda: "Database queries" in trends(), "the trend")
    assert trends()["Database queries"]["target"] == 150
    assert trends()["Warnings"]["target"] is None
    assert "peak 0 /s · target 150 /s" in text_of(browse(url), "trends")


def test_a_target_of_what_has_no_throughput_is_refused() -> None:
    environ = {"VECTORWATCH_STATUS_THROUGHPUT_TARGETS": '{"dreams": 1}'}
    with pytest.raises(ConfigError, match=r"`dreams` has no throughput; known are searches, inferences"):
        load(StatusSettings, environ=environ)
