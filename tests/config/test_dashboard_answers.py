"""What answers a query of a dashboard, and the stand-ins that do: recordings and a made-up past."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.dashboards.answers import Answers, explain_empty, list_past_names
from tests.dashboards.history import make_blocks, write_history
from tests.dashboards.playback import play, read_exposition
from tests.dashboards.queries import Query

EXPOSITION = """\
# TYPE a_total counter
a_total{b="c"} 4
# TYPE t_seconds histogram
t_seconds_bucket{le="1"} 2
t_seconds_bucket{le="+Inf"} 6
t_seconds_sum 9
t_seconds_count 6
# TYPE q_seconds summary
q_seconds{quantile="0.5"} 0.25
q_seconds_count 6
# TYPE free gauge
free 7
untyped_total 2
"""


def read(text: str) -> dict[str, float]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_what_counts_grows_in_step_and_the_rest_stays() -> None:
    write = read_exposition(EXPOSITION)
    first, later = read(write(0)), read(write(300))
    assert first == read(EXPOSITION)
    stay = {'q_seconds{quantile="0.5"}', "free"}
    assert {name for name, value in later.items() if value == first[name]} == stay
    assert {value / first[name] for name, value in later.items() if name not in stay} == {1.5}


def test_a_recording_is_served_whatever_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.prom"
    path.write_text(EXPOSITION, encoding="utf-8")
    with play(path) as address:
        found = httpx.get(f"http://{address}/probe?target=x", trust_env=False)
    assert set(read(found.text)) == set(read(EXPOSITION))


@pytest.fixture
def answers(tmp_path: Path, start_prometheus: Callable[..., Any]) -> Iterator[Answers]:
    """A Prometheus that scrapes itself."""
    (tmp_path / "prometheus.yml").write_text("scrape_configs: []\n", encoding="utf-8")
    server = start_prometheus(tmp_path, "--web.enable-lifecycle")
    job = {"job_name": "itself", "scrape_interval": "1s", "static_configs": [{"targets": [server.url[7:]]}]}
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump({"scrape_configs": [job]}), encoding="utf-8")
    httpx.post(f"{server.url}/-/reload", trust_env=False).raise_for_status()
    found = Answers(server.url)
    yield found
    found.close()


def explain(query: Query, answers: Answers) -> str:
    return explain_empty(query, answers)[0]


def ask(expr: str, label: str = "") -> Query:
    return Query("vw-a", "panel", "A", "A", expr, expr, True, label)


def test_only_a_number_of_a_series_that_exists_is_an_answer(
    answers: Answers, poll: Callable[..., None]
) -> None:
    def is_scraped() -> bool:
        answers.refresh_names()
        return not explain(ask("up == 1 and prometheus_tsdb_head_series"), answers)

    poll(is_scraped, "Prometheus reads itself")
    expected: Mapping[str, str] = {
        "up": "",
        "count(up)": "",
        '{__name__=~"prometheus_tsdb_.+"}': "",
        "up > 2": "no series",
        "up * NaN": "not a number",
        "(up - 1) / (up - 1)": "not a number",
        "nothing_total or vector(0)": "no series is called nothing_total",
        "up or nothing_total": "no series is called nothing_total",
        '{__name__=~"nothing_.+"}': "no series is called nothing_.+",
    }
    assert {expr: explain(ask(expr), answers) for expr in expected} == expected
    assert "parse error" in explain(ask("up{"), answers)
    assert explain(ask("up", label="job"), answers) == ""
    assert explain(ask("up{job='other'}", label="job"), answers) == "no series"


def test_the_past_that_a_query_needs_is_found_also_behind_recordings(answers: Answers) -> None:
    recorded = {"a:b": "rate(raw_total[1h] offset 1w)", "c:d": "avg_over_time(a:b[5m])"}
    expr = "now_total + x offset 1d + avg_over_time(y[1d]) + c:d + max_over_time(z[6h:5m]) + rate(w[5m])"
    found = list_past_names(answers.parse(expr), recorded, answers)
    assert found == {"x", "y", "raw_total", "z"}


def test_a_made_up_past_is_read_by_a_running_prometheus(
    tmp_path: Path, promtool: str, start_prometheus: Callable[..., Any], poll: Callable[..., None]
) -> None:
    now = time.time()
    source = tmp_path / "past.om"
    gauge, counter = {"__name__": "g", "a": 'b"c'}, {"__name__": "n_total", "a": "é"}
    write_history([(gauge, 10.0), (counter, 900.0)], now, source)
    (tmp_path / "prometheus.yml").write_text("scrape_configs: []\n", encoding="utf-8")
    make_blocks(Path(promtool), source, tmp_path / "tsdb")
    answers = Answers(start_prometheus(tmp_path).url)
    poll(lambda: bool(answers.ask("g offset 1w")), "the past is read")
    [(labels, value)] = answers.ask("g offset 1w")
    assert labels == gauge
    assert value == pytest.approx(10, rel=0.2)
    [(_, rate)] = answers.ask("rate(n_total[5m] offset 1w)")
    assert rate == pytest.approx(900 / (9 * 86_400), rel=0.01)
    assert answers.ask("stddev_over_time(g[1d]) > 0")
    answers.close()
