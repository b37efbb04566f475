"""The exporter against stand-ins over real HTTP: sources that answer, and sources that fail in every way."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import Response
from prometheus_client.parser import text_string_to_metric_families

Answers = Callable[[str], dict[str, Any]]
Start = Callable[..., Callable[..., str]]
GOLDEN = Path(__file__).parent / "golden"
SOURCES = ("logstash", "filebeat", "kibana", "elasticsearch")
# What differs from run to run.
VOLATILE = re.compile(r"^(# (HELP|TYPE) )?(process_|python_|vectorwatch_build_info|logs_scrape_duration)")
# A series that each source has when it answers.
SIGNS = {
    "logstash": "logstash_jvm_heap_max_bytes",
    "filebeat": "filebeat_memory_bytes",
    "kibana": "kibana_status",
    "elasticsearch": "log_newest_event_timestamp_seconds",
}


def values(text: str) -> dict[tuple[str, ...], float]:
    """Return sample values by name and label values."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def reasons(text: str, source: str | None = None) -> list[str]:
    name = ("logs_scrape_failed",) if source is None else ("logs_source_failed", source)
    return [key[-1] for key, value in values(text).items() if key[:-1] == name and value == 1]


def test_the_answers_give_what_a_person_has_read_the_golden_ones(
    version: str,
    recorded_answers: Answers,
    play: Callable[..., Any],
    start_exporter: Start,
    poll: Callable[..., None],
) -> None:
    sources = play(recorded_answers(version))
    scrape = start_exporter(sources.url, interval_seconds=1)
    scrape()  # new series are 0 in the first scrape that has them
    poll(lambda: len(sources.searches) >= 3, "the second search has been read")
    scrape()
    lines = sorted(line for line in scrape().splitlines() if not VOLATILE.match(line))
    golden = GOLDEN / f"{version}.prom"
    if not golden.exists():  # `make golden` removes them; the diff shows what has moved
        golden.parent.mkdir(exist_ok=True)
        golden.write_text("\n".join(lines) + "\n")
        pytest.fail(f"{golden.name} was missing and is written now: read it, then run again")
    assert lines == golden.read_text().splitlines()


def test_growth_is_counted_from_0(
    recorded_answers: Answers, play: Callable[..., Any], start_exporter: Start, poll: Callable[..., None]
) -> None:
    sources = play(recorded_answers("9.5"))
    scrape = start_exporter(sources.url, interval_seconds=1)
    found = values(scrape())
    assert found["log_events_total", "inbox", "info", "application"] == 0  # there before the start
    poll(lambda: len(sources.searches) >= 3, "the second search has been read")
    found = values(scrape())
    assert found["log_events_total", "inbox", "info", "application"] == 10
    assert found["log_events_total", "inbox", "error", "application"] == 3
    assert found["log_events_total", "inbox", "other", "application"] == 0  # a new series
    found = values(scrape())
    assert found["log_events_total", "inbox", "other", "application"] == 2
    assert found["log_events_total", "inbox", "none", "alerts"] == 0
    assert found["log_ingest_delay_seconds",] == 3


@pytest.mark.parametrize("broken", SOURCES)
def test_one_source_that_fails_leaves_the_others(
    recorded_answers: Answers, play: Callable[..., Any], start_exporter: Start, broken: str
) -> None:
    answers = recorded_answers("9.5") | {broken: Response("<html>", 500)}
    text = start_exporter(play(answers).url)()
    found = values(text)
    assert (found["logs_up",], reasons(text)) == (0, ["partial"])
    for source in SOURCES:
        assert found["logs_source_up", source] == (source != broken)
        assert reasons(text, source) == (["http_status"] if source == broken else [])
        assert any(key[0] == SIGNS[source] for key in found) == (source != broken)
        if source != "elasticsearch":
            assert found[f"{source}_up",] == (source != broken)


def test_sources_without_an_address_are_left_out(
    recorded_answers: Answers, play: Callable[..., Any], start_exporter: Start
) -> None:
    sources = play(recorded_answers("9.5"))
    text = start_exporter(sources.url, kibana_url="", elasticsearch_url="", filebeat_url="")()
    found = values(text)
    assert found["logs_up",] == 1
    assert [key for key in found if key[0] == "logs_source_up"] == [("logs_source_up", "logstash")]
    assert not any(key[0] in ("kibana_up", "filebeat_up") for key in found)
    assert [name for name in SOURCES if sources.requests[name]] == ["logstash"]


def test_a_kibana_that_says_it_is_unwell_was_read(
    recorded_answers: Answers, play: Callable[..., Any], start_exporter: Start
) -> None:
    unwell = Response('{"status": {"overall": {"level": "critical"}}}', 503)
    found = values(start_exporter(play(recorded_answers("9.5") | {"kibana": unwell}).url)())
    assert (found["logs_source_up", "kibana"], found["kibana_up",]) == (1, 0)
    assert (found["kibana_status", "critical"], found["kibana_status", "available"]) == (1, 0)


def test_a_kibana_that_only_starts_is_an_http_status(
    recorded_answers: Answers, play: Callable[..., Any], start_exporter: Start
) -> None:
    starting = Response("Kibana server is not ready yet", 503)
    text = start_exporter(play(recorded_answers("9.5") | {"kibana": starting}).url)()
    assert (values(text)["kibana_up",], reasons(text, "kibana")) == (0, ["http_status"])


def test_the_password_reaches_elasticsearch_and_nothing_else(
    recorded_answers: Answers,
    play: Callable[..., Any],
    start_exporter: Start,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    poll: Callable[..., None],
) -> None:
    password = tmp_path / "password"
    password.write_text("s3cret\n")
    sources = play(recorded_answers("9.5"))
    scrape = start_exporter(
        sources.url,
        elasticsearch_user="logs_exporter",
        elasticsearch_password_file=password,
        interval_seconds=1,
    )
    text = scrape()
    assert sources.requests["elasticsearch"][0]["authorization"] == "Basic bG9nc19leHBvcnRlcjpzM2NyZXQ="
    for source in ("logstash", "filebeat", "kibana"):
        assert all("authorization" not in request for request in sources.requests[source])
    sources.answers["elasticsearch"] = Response("unable to authenticate user", 401)
    poll(lambda: reasons(scrape(), "elasticsearch") == ["auth"], "the password is refused")
    password.unlink()
    seen = len(sources.searches)
    poll(lambda: reasons(scrape(), "elasticsearch") == ["auth"], "the file is lost")
    assert len(sources.searches) <= seen + 1
    assert "s3cret" not in text + scrape() + caplog.text


def http_answer(body: bytes, kind: str = "application/json", length: int | None = None) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length or len(body)}\r\n\r\n"
    return head.encode() + body


LIES = {
    "html": (http_answer(b"<html>nginx</html>", "text/html"), False, "decode"),
    "truncated json": (http_answer(b'{"version": "9'), False, "decode"),
    "cut connection": (http_answer(b'{"version"', length=500), False, "decode"),
    "a list": (http_answer(b"[]"), False, "decode"),
    "null": (http_answer(b"null"), False, "decode"),
    "another server": (http_answer(b'{"status": "ok"}'), False, "decode"),
    "nan": (http_answer(b'{"version": NaN}'), False, "decode"),
    "deep": (http_answer(b"[" * 200_000), False, "decode"),
    "ten megabytes": (http_answer(b" " * 10_000_000), False, "too_large"),
    "nothing": (b"", False, "connect"),
    "not http": (b"-ERR unknown command\r\n", False, "decode"),
    "silence": (b"", True, "timeout"),
    "redirect": (
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        False,
        "http_status",
    ),
    "forbidden": (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", False, "auth"),
}


@pytest.mark.parametrize(("answer", "hold", "reason"), LIES.values(), ids=LIES)
def test_lying_servers_are_down_with_a_reason(
    raw_server: Callable[..., int], start_exporter: Start, answer: bytes, hold: bool, reason: str
) -> None:
    scrape = start_exporter(f"http://127.0.0.1:{raw_server(answer, hold=hold)}")
    text = scrape(2) if reason == "timeout" else scrape()
    assert (values(text)["logs_up",], reasons(text)) == (0, [reason])
    for source in SOURCES:
        assert reasons(text, source) == [reason]


@pytest.mark.parametrize("slow", SOURCES)
def test_a_slow_source_costs_the_others_nothing_at_the_deadline(
    recorded_answers: Answers,
    play: Callable[..., Any],
    raw_server: Callable[..., int],
    start_exporter: Start,
    slow: str,
) -> None:
    silent = f"http://127.0.0.1:{raw_server(b'', hold=True)}"
    text = start_exporter(play(recorded_answers("9.5")).url, **{f"{slow}_url": silent})(2)
    found = values(text)
    assert (found["logs_up",], reasons(text)) == (0, ["timeout"])
    for source in SOURCES:
        assert reasons(text, source) == (["timeout"] if source == slow else [])
        assert any(key[0] == SIGNS[source] for key in found) == (source != slow)


def test_servers_that_are_not_there_are_down(start_exporter: Start, free_port: Callable[[], int]) -> None:
    assert reasons(start_exporter(f"http://127.0.0.1:{free_port()}")()) == ["connect"]


def test_tls_where_there_is_none_is_a_tls_reason(
    raw_server: Callable[..., int], start_exporter: Start
) -> None:
    port = raw_server(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    assert reasons(start_exporter(f"https://127.0.0.1:{port}")()) == ["tls"]


def paths_of(answer: Any, *path: str) -> list[tuple[str, ...]]:
    found = [path] if path else []
    if isinstance(answer, dict):
        for key, value in answer.items():
            found.extend(paths_of(value, *path, key))
    return found


@pytest.mark.parametrize("source", ["logstash", "filebeat"])
def test_any_field_may_be_absent_and_is_then_no_series(recorded_answers: Answers, source: str) -> None:
    from vectorwatch.errors import TargetError
    from vectorwatch.logs.filebeat import parse_beat
    from vectorwatch.logs.logstash import parse_node

    parse: Callable[[Any], object] = parse_node if source == "logstash" else parse_beat
    whole = recorded_answers("9.5")[source]
    refused = set()
    for path in paths_of(whole):
        lacking = copy.deepcopy(whole)
        parent = lacking
        for key in path[:-1]:
            parent = parent[key]
        del parent[path[-1]]
        try:
            parse(lacking)
        except TargetError:
            refused.add(path)
    assert (
        refused
        == {
            "logstash": {("version",), ("pipelines",)},
            "filebeat": {("beat",), ("libbeat",)},
        }[source]
    )
