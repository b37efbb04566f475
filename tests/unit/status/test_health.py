"""The API in front of a real Prometheus."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from vectorwatch.status.matrix import COMPONENTS

Rules = dict[str, dict[str, Any]]


def ask(url: str, path: str = "/health/detailed") -> tuple[int, Any]:
    answer = httpx.get(f"{url}{path}", timeout=60, trust_env=False)
    return answer.status_code, answer.json()


def has_read(prometheus: str, job: str) -> bool:
    query = {"query": f'up{{job="{job}"}} == 1'}
    answer = httpx.get(f"{prometheus}/api/v1/query", params=query, timeout=60, trust_env=False)
    return bool(answer.json()["data"]["result"])


def test_a_critical_alert_of_a_required_component_is_503(
    start_prometheus: Callable[..., str], start_status: Callable[..., str], rule: Rules
) -> None:
    url = start_status(start_prometheus(rule["watchdog"], rule["critical"], rule["warning"]))
    code, found = ask(url)
    assert (code, found["status"], found["problem"]) == (503, "unhealthy", "")
    store = found["components"]["vector_store"]
    assert store["status"] == "unhealthy"
    assert store["reasons"] == ["QdrantDown: It is 7."]
    [alert] = store["alerts"]
    assert alert.pop("since").startswith("20")
    assert alert == {
        "name": "QdrantDown",
        "level": "critical",
        "message": "It is 7.",
        "threshold": 2.5,
        "current": 7.0,
        "labels": {"component": "qdrant", "instance": "q:6333"},
        "runbook": "http://x/r.md",
    }
    assert found["components"]["cache_system"]["reasons"] == ["CacheSlow: The cache is slow."]
    assert [alert["level"] for alert in found["alerts"]] == ["critical", "warning"]
    code, short = ask(url, "/health")
    assert (code, short["status"]) == (503, "unhealthy")
    assert short["components"].keys() == {one.name for one in COMPONENTS}
    assert short["components"]["cache_system"] == "degraded"
    assert ask(url, "/health/vector_store")[0] == 503
    assert ask(url, "/health/cache")[0] == 200
    assert ask(url, "/health/cache")[1]["component"] == "cache_system"


def test_another_components_critical_alert_degrades_unless_it_is_required(
    start_prometheus: Callable[..., str], start_status: Callable[..., str], rule: Rules
) -> None:
    prometheus = start_prometheus(rule["watchdog"], rule["critical"])
    code, found = ask(start_status(prometheus, required='["cache"]'))
    assert (code, found["status"]) == (200, "degraded")
    assert found["components"]["vector_store"]["status"] == "unhealthy"


def test_information_is_no_trouble_and_what_is_not_watched_no_error(
    start_prometheus: Callable[..., str], start_status: Callable[..., str], rule: Rules
) -> None:
    code, found = ask(start_status(start_prometheus(rule["watchdog"], rule["info"])))
    assert (code, found["status"]) == (200, "healthy")
    states = {name: one["status"] for name, one in found["components"].items()}
    assert set(states.values()) == {"not_configured"}
    assert [alert["name"] for alert in found["components"]["gpu_manager"]["alerts"]] == ["GpuUnderused"]


def test_an_alert_of_a_users_own_that_belongs_to_no_component_degrades(
    start_prometheus: Callable[..., str], start_status: Callable[..., str], rule: Rules
) -> None:
    code, found = ask(start_status(start_prometheus(rule["watchdog"], rule["foreign"])))
    assert (code, found["status"]) == (200, "degraded")
    assert [alert["name"] for alert in found["alerts"]] == ["OrdersDown"]


def test_metrics_are_what_prometheus_has_now(
    start_prometheus: Callable[..., str],
    start_status: Callable[..., str],
    play_metrics: Callable[[str], str],
    rule: Rules,
    free_port: Callable[[], int],
    poll: Callable[..., None],
) -> None:
    exporter = play_metrics(
        'gpu_devices 2\ngpu_memory_total_bytes{uuid="a"} 8589934592\n'
        'gpu_temperature_celsius{uuid="a"} 67\ngpu_temperature_celsius{uuid="b"} 71\n'
        'qdrant_collection_unindexed_ratio{collection="a"} 0.5\n'
        'qdrant_collection_approximate_points{collection="a"} 300\n'
        'qdrant_collection_unindexed_ratio{collection="b"} 1\n'
        'qdrant_collection_approximate_points{collection="b"} 100\n'
        "dragonfly_up NaN\ndragonfly_clients_connected NaN\n"
    )
    down = f"127.0.0.1:{free_port()}"
    prometheus = start_prometheus(rule["watchdog"], targets={"gpu-exporter": exporter, "qdrant": down})
    poll(lambda: has_read(prometheus, "gpu-exporter"), "a scrape that was in time")
    _, found = ask(start_status(prometheus, grafana_page="http://g.example:3000/"))
    gpu = found["components"]["gpu_manager"]
    assert gpu["metrics"] == {"gpu_available": True, "vram_total_mb": 8192.0, "gpu_temperature_celsius": 71.0}
    assert (gpu["status"], gpu["dashboard"]) == ("healthy", "http://g.example:3000/d/vw-gpu")
    assert found["metrics"]["gpu_manager.vram_total_mb"] == 8192.0
    assert found["metrics"]["vector_store.index_health_score"] == 0.375
    # One failed scrape is a trouble, but not yet the alert that takes it out of service.
    store = found["components"]["vector_store"]
    assert (store["status"], store["reasons"]) == ("degraded", [f"qdrant {down} does not answer Prometheus"])
    # A value that is no number is not known, which is no error.
    assert found["components"]["cache_system"]["metrics"] == {}


def test_a_server_that_does_not_answer_us_is_unhealthy_before_any_alert(
    start_prometheus: Callable[..., str],
    start_status: Callable[..., str],
    start_valkey: Callable[..., Any],
    list_targets: Callable[..., Path],
    free_port: Callable[[], int],
    rule: Rules,
) -> None:
    cache, dead = start_valkey(), f"127.0.0.1:{free_port()}"
    url = start_status(
        start_prometheus(rule["watchdog"]),
        cache_targets_file=list_targets(
            "cache", f"127.0.0.1:{cache.port}", f"redis://127.0.0.1:{cache.port}"
        ),
        qdrant_targets_file=list_targets("qdrant", dead),
    )
    code, found = ask(url)
    assert (code, found["status"]) == (503, "unhealthy")
    assert found["components"]["vector_store"]["reasons"] == [f"{dead}: no connection"]
    assert found["components"]["cache_system"]["status"] == "healthy"
    assert [one["answers"] for one in found["components"]["cache_system"]["checks"]] == [True, True]


def test_without_prometheus_one_line_says_so_and_nobody_is_taken_out_of_service(
    start_status: Callable[..., str], start_valkey: Callable[..., Any], list_targets: Callable[..., Path]
) -> None:
    cache = start_valkey()
    url = start_status(
        "http://127.0.0.1:9", cache_targets_file=list_targets("cache", f"127.0.0.1:{cache.port}")
    )
    code, found = ask(url)
    assert (code, found["status"]) == (200, "unknown")
    assert found["problem"] == (
        "Prometheus at http://127.0.0.1:9 tells nothing (connect); "
        "components are judged by checks alone until it does"
    )
    assert found["components"]["prometheus"]["reasons"] == [found["problem"]]
    states = {name: one["status"] for name, one in found["components"].items()}
    assert states.pop("prometheus") == "unhealthy"
    assert set(states.values()) == {"unknown"}
    assert ask(url, "/health")[0] == 200


def test_a_password_that_cannot_be_read_any_more_is_no_defect(
    start_prometheus: Callable[..., str], start_status: Callable[..., str], rule: Rules, tmp_path: Path
) -> None:
    password = tmp_path / "password"
    password.write_text("secret\n")
    url = start_status(start_prometheus(rule["watchdog"]), prometheus_password_file=password)
    assert ask(url)[0] == 200
    password.unlink()
    assert ask(url)[0] == 200, "this Prometheus asks for none"


def test_without_prometheus_a_dead_required_server_is_still_503(
    start_status: Callable[..., str], list_targets: Callable[..., Path]
) -> None:
    url = start_status("http://127.0.0.1:9", qdrant_targets_file=list_targets("qdrant", "http://127.0.0.1:9"))
    assert ask(url, "/health")[0] == 503


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"<html>login</html>", "decode"),
        (b'{"status":"success","data":[]}', "decode"),
        (
            b'{"status":"success","data":{"groups":[]}}',
            "it has no alert rules; see rule_files in its configuration",
        ),
    ],
)
def test_what_is_no_prometheus_with_our_rules_is_said(
    start_status: Callable[..., str], raw_server: Callable[..., int], content: bytes, why: str
) -> None:
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(content)
    code, found = ask(start_status(f"http://127.0.0.1:{raw_server(head + content)}"))
    assert (code, found["status"]) == (200, "unknown")
    assert f"tells nothing ({why});" in found["problem"]


def test_a_prometheus_whose_rules_do_not_run_is_unhealthy(
    start_prometheus: Callable[..., str], start_status: Callable[..., str], rule: Rules
) -> None:
    code, found = ask(start_status(start_prometheus(rule["info"])))
    assert (code, found["status"]) == (200, "degraded")
    assert found["components"]["prometheus"]["reasons"] == [
        "the alert Watchdog, which always fires, does not: no rule runs"
    ]


def test_servers_that_hang_cost_one_deadline_together_and_nothing_else(
    start_prometheus: Callable[..., str],
    start_status: Callable[..., str],
    raw_server: Callable[..., int],
    list_targets: Callable[..., Path],
    rule: Rules,
) -> None:
    hanging = [f"127.0.0.1:{raw_server(b'', hold=True)}" for _ in range(30)]
    url = start_status(
        start_prometheus(rule["watchdog"]),
        qdrant_targets_file=list_targets("qdrant", *hanging[:15]),
        cache_targets_file=list_targets("cache", *hanging[15:]),
        deadline_seconds=2,
    )
    start = time.monotonic()
    code, found = ask(url)
    assert time.monotonic() - start < 30 * 2 / 3  # one after the other they would take 60 s
    assert code == 503
    assert {one["problem"] for one in found["components"]["vector_store"]["checks"]} == {
        "no answer within 2 s"
    }
    assert len(found["components"]["cache_system"]["checks"]) == 15
    assert found["components"]["prometheus"]["status"] == "not_configured"  # it does not scrape itself here


async def test_many_who_ask_at_once_are_one_question_to_prometheus(
    start_status: Callable[..., str], serve: Callable[[FastAPI], str]
) -> None:
    asked: list[str] = []
    stand_in = FastAPI()

    @stand_in.middleware("http")
    async def answer(request: Request, _next: object) -> Response:
        asked.append(request.url.path)
        await asyncio.sleep(0.1)
        return Response('{"data":{"result":[],"groups":[]}}', media_type="application/json")

    url = start_status(serve(stand_in), fresh_seconds=300)
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        answers = await asyncio.gather(*(client.get(f"{url}/health") for _ in range(20)))
    assert {one.status_code for one in answers} == {200}
    assert asked.count("/api/v1/rules") == 1
    assert asked.count("/api/v1/query") == len(COMPONENTS)


def test_an_unknown_component_is_404_and_says_which_there_are(start_status: Callable[..., str]) -> None:
    code, found = ask(start_status("http://127.0.0.1:9"), "/health/disk")
    assert code == 404
    assert found["detail"].startswith("there is no such component; known are vector_store, search_quality,")
