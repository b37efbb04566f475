"""The real command."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import Response
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from .conftest import StandIn

Start = Callable[..., Any]


@pytest.fixture
def start(start_program: Start, vectorwatch_command: list[str], free_port: Callable[[], int]) -> Start:
    """Start `vectorwatch probe hnsw` for one target; return its base URL and process."""

    def run(url: str, **variables: Any) -> tuple[str, Any]:
        port = free_port()
        environ = {"VECTORWATCH_HNSW_PORT": str(port), "VECTORWATCH_HNSW_URL": url}
        environ |= {
            f"VECTORWATCH_HNSW_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
            for name, value in variables.items()
        }
        base = f"http://127.0.0.1:{port}"
        argv = [*vectorwatch_command, "probe", "hnsw"]
        return base, start_program(argv, ready_url=f"{base}/readyz", env=environ)

    return run


def get(url: str, **options: Any) -> httpx.Response:
    return httpx.get(url, timeout=30, trust_env=False, **options)


def values(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_and_probe_show_the_target_and_nothing_else(
    stand_in: StandIn, serve_stand_in: Callable[..., str], start: Start, poll: Callable[..., None]
) -> None:
    url = serve_stand_in(stand_in)
    base, _ = start(url, k=[10], ef=[16])

    def scrape(path: str = "/metrics") -> dict[tuple[str, ...], float]:
        return values(get(base + path).text)

    poll(lambda: scrape()["hnsw_up",] == 1, "the first round ended well")
    shown = scrape()
    assert shown["hnsw_recall_ratio", "docs", "", "", "16", "10"] == 0.9
    assert shown["vectorwatch_build_info", "hnsw-probe", "0.1.0"] == 1
    probed = scrape(f"/probe?target={url}")
    assert probed["hnsw_up",] == 1
    assert ("vectorwatch_build_info", "hnsw-probe", "0.1.0") not in probed
    refused = get(base + "/probe", params={"target": "http://elsewhere:6333"})
    assert refused.status_code == 400
    assert url in refused.text


def test_openmetrics_is_valid_and_compressed(
    stand_in: StandIn, serve_stand_in: Callable[..., str], start: Start, poll: Callable[..., None]
) -> None:
    base, _ = start(serve_stand_in(stand_in))
    poll(lambda: "hnsw_up 1" in get(base + "/metrics").text, "the first round ended well")
    answer = get(base + "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-encoding"] == "gzip"
    families = {family.name: family for family in parse(answer.text)}
    assert families["hnsw_recall_hits"].type == "counter"
    assert families["hnsw_search_duration_seconds"].type == "histogram"
    assert "_created" not in answer.text + get(base + "/metrics").text


def test_a_hanging_server_freezes_no_route_and_no_end(
    stand_in: StandIn,
    serve_stand_in: Callable[..., str],
    start: Start,
    poll: Callable[..., None],
    always: Callable[..., Any],
    end_gently: Callable[..., None],
) -> None:
    stand_in.fault = always("/points/query", hang_seconds=60)
    base, program = start(serve_stand_in(stand_in), query_timeout_seconds=60)
    poll(lambda: stand_in.searches() > 0, "the probe asked")
    text = get(base + "/metrics").text
    assert "hnsw_up 0" in text
    assert 'hnsw_scrape_failed{reason="partial"} 1' in text
    assert get(base + "/healthz").text == "ok\n"
    end_gently(program.process)


def test_the_end_comes_soon_after_sigterm(
    stand_in: StandIn,
    serve_stand_in: Callable[..., str],
    start: Start,
    poll: Callable[..., None],
    end_gently: Callable[..., None],
) -> None:
    base, program = start(serve_stand_in(stand_in))
    poll(lambda: "hnsw_up 1" in get(base + "/metrics").text, "the first round ended well")
    end_gently(program.process)


def test_the_key_appears_nowhere(
    stand_in: StandIn, serve_stand_in: Callable[..., str], start: Start, poll: Callable[..., None]
) -> None:
    async def echo(method: str, path: str, body: dict[str, Any]) -> Response | None:
        return Response("Invalid API key s3cret-key", 401)

    stand_in.fault = echo
    base, program = start(serve_stand_in(stand_in), api_key="s3cret-key")
    poll(
        lambda: 'hnsw_scrape_failed{reason="auth"} 1' in get(base + "/metrics").text,
        "the key was refused",
    )
    shown = get(base + "/metrics").text + get(base + "/").text + program.text()
    assert "the last round failed: auth" in shown
    assert "s3cret" not in shown


def test_logs_are_json_and_say_each_change_once(
    stand_in: StandIn,
    serve_stand_in: Callable[..., str],
    start: Start,
    poll: Callable[..., None],
    always: Callable[..., Any],
) -> None:
    stand_in.fault = always("/points/query", 200, "<html>", exact=True)
    _, program = start(serve_stand_in(stand_in), interval_seconds=1, backoff_max_seconds=1)
    poll(lambda: stand_in.searches() > 12, "several rounds failed")
    records = [json.loads(line) for line in program.text().splitlines()]
    about = [record["message"] for record in records if "collection 'docs'" in record["message"]]
    assert len(about) == 1
    assert "decode" in about[0]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "EF",
            "[0]",
            "config: VECTORWATCH_HNSW_EF: `ef.0`: give a whole number from 1 to 65536, "
            "or `default` for the server's own\n",
        ),
        (
            "URL",
            "qdrant:6333",
            "config: VECTORWATCH_HNSW_URL: `url`: `qdrant:6333` has no scheme http or https; "
            "write `http://qdrant:6333`\n",
        ),
    ],
)
def test_bad_settings_end_with_one_line_and_code_2(
    vectorwatch_command: list[str], name: str, value: str, message: str
) -> None:
    ended = subprocess.run(
        [*vectorwatch_command, "probe", "hnsw"],
        env={**os.environ, f"VECTORWATCH_HNSW_{name}": value},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (2, message)
