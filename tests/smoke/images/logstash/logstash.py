"""A stand-in for Logstash: the mounted pipelines, whose Ruby scripts run for real, between ports and a queue.

It speaks Beats' protocol over mutual TLS, HTTP and TCP, keeps what it took in SQLite in its data folder, and
answers `/_node/stats`. Not here: JRuby, workers beside each other, Logstash's own queue, codecs and reloads.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import yaml

from tests.smoke.images.logstash.inputs import ANY, listen
from tests.smoke.images.logstash.pipeline import Pipeline
from tests.smoke.images.logstash.plan import read_plan

VERSION = "9.5.4"
_HOME = Path("/usr/share/logstash")
_NO_LIMIT = 1024**3


def open_pipelines(settings: Sequence[dict[str, Any]], data: Path) -> list[Pipeline]:
    """Return the pipelines of pipelines.yml. Raises PlanError.

    What one with a dead letter queue gives up, the one that reads that queue gets.
    """
    plans = {}
    for one in settings:
        pattern = Path(one["path.config"])
        plans[one["pipeline.id"]] = read_plan(sorted(pattern.parent.glob(pattern.name)), os.environ)
    opened: dict[str, Pipeline] = {}
    for one in sorted(settings, key=lambda each: bool(each["dead_letter_queue.enable"])):
        name = one["pipeline.id"]
        readers = [
            pipeline
            for pipeline in opened.values()
            if pipeline.plan.inputs.get("dead_letter_queue", {}).get("pipeline_id") == name
        ]
        opened[name] = Pipeline(name, plans[name], one, data, readers[0] if readers else None)
    return list(opened.values())


def tell_stats(pipelines: Sequence[Pipeline]) -> dict[str, Any]:
    """Return the answer of `/_node/stats`; the heap is the memory of the process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu = int(1000 * (usage.ru_utime + usage.ru_stime))
    memory = {"heap_used_in_bytes": usage.ru_maxrss * 1024, "heap_max_in_bytes": _NO_LIMIT}
    return {
        **tell_node(),
        "jvm": {"mem": memory},
        "process": {"cpu": {"total_in_millis": cpu}},
        "pipelines": {pipeline.name: _tell_pipeline(pipeline) for pipeline in pipelines},
    }


def tell_node() -> dict[str, Any]:
    """Return what every answer begins with."""
    return {"host": "logstash", "version": VERSION, "name": "logstash", "status": "green"}


def _tell_pipeline(pipeline: Pipeline) -> dict[str, Any]:
    settings = pipeline.settings
    output = {
        "id": pipeline.plan.output["id"],
        "name": "elasticsearch",
        "events": {"in": pipeline.sent, "out": pipeline.sent},
        "bulk_requests": dict(pipeline.output.requests),
        "documents": dict(pipeline.output.documents),
    }
    counts = pipeline.filters.counts
    told: dict[str, Any] = {
        "events": {
            "in": sum(pipeline.came.values()),
            "filtered": pipeline.filtered,
            "out": pipeline.sent,
            "duration_in_millis": int(1000 * pipeline.seconds),
        },
        "plugins": {
            "inputs": [
                {"id": options["id"], "name": name, "events": {"out": pipeline.came[name]}}
                for name, options in pipeline.plan.inputs.items()
            ],
            "codecs": [],
            "filters": [
                {
                    "id": identifier,
                    "name": name,
                    "events": dict(zip(("in", "out"), counts.get(identifier, (0, 0)), strict=True)),
                }
                for identifier, name in pipeline.plan.filters
            ],
            "outputs": [output],
        },
        "reloads": {"successes": 0, "failures": 0},
        "queue": {
            "type": settings["queue.type"],
            "events_count": len(pipeline.queue),
            "queue_size_in_bytes": pipeline.queue.size_bytes,
            "max_queue_size_in_bytes": _NO_LIMIT,
        },
    }
    if settings["dead_letter_queue.enable"]:
        sizes = {"queue_size_in_bytes": 0, "max_queue_size_in_bytes": _NO_LIMIT}
        told["dead_letter_queue"] = {**sizes, "dropped_events": 0, "expired_events": 0}
    return told


def _serve(pipelines: Sequence[Pipeline], port: int) -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0].rstrip("/")
            answers = {f"/_node/pipelines/{pipeline.name}": tell_node for pipeline in pipelines}
            answers |= {"": tell_node, "/_node/stats": lambda: tell_stats(pipelines)}
            answer = answers[path]() if path in answers else {"status": 404, "error": "not found"}
            said = json.dumps(answer).encode()
            self.send_response(200 if path in answers else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *arguments: object) -> None:
            pass

    Thread(target=ThreadingHTTPServer((ANY, port), Handler).serve_forever, daemon=True).start()


def main() -> None:
    """Run as the image would."""
    print(
        f"stand-in for Logstash {VERSION}: the mounted pipelines in Python and Ruby, no Logstash", flush=True
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    settings = yaml.safe_load((_HOME / "config" / "logstash.yml").read_text(encoding="utf-8"))
    pipelines = yaml.safe_load((_HOME / "config" / "pipelines.yml").read_text(encoding="utf-8"))
    opened = open_pipelines(pipelines, Path(settings["path.data"]))
    for pipeline in opened:
        pipeline.start()
        listen(pipeline)
    _serve(opened, settings["api.http.port"])
    print('{"level": "INFO", "message": "pipelines running"}', flush=True)
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
