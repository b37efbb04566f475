"""A pipeline: its queue, its filters in a Ruby process, its output."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any

from tests.smoke.images.logstash.output import Output
from tests.smoke.images.logstash.plan import Plan, Step
from tests.smoke.images.logstash.queue import Event, Queue, insist

_CHAIN = Path(__file__).with_name("chain.rb")


class Filters:
    """The Ruby process that runs the filters."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.counts: dict[str, tuple[int, int]] = {}
        """By id of the filter: events in and out."""
        self._process = subprocess.Popen(
            ["/usr/bin/env", "ruby", str(_CHAIN)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        self._ask(steps)

    def run(self, events: Sequence[Event]) -> list[Event]:
        """Return what the filters make of events."""
        answer = self._ask({"events": events})
        self.counts = {name: (came, went) for name, (came, went) in answer["counts"].items()}
        for error in answer["errors"]:
            print(json.dumps({"level": "ERROR", "message": error}), flush=True)
        done: list[Event] = answer["events"]
        return done

    def close(self) -> None:
        """End Ruby."""
        with self._process:
            self._process.communicate(timeout=30)

    def _ask(self, request: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("logstash: Ruby has ended; its last words are above")
        answer: dict[str, Any] = json.loads(line)
        return answer


class Pipeline:
    """Takes events, works on them in a thread of its own, hands to `dead_letters` what is refused."""

    def __init__(
        self, name: str, plan: Plan, settings: Step, data: Path, dead_letters: Pipeline | None
    ) -> None:
        self.name = name
        self.plan = plan
        self.settings = settings
        self.queue = Queue(data / "queue" / f"{name}.sqlite")
        self.output = Output(plan.output)
        self.filters = Filters(plan.steps)
        self.came: dict[str, int] = dict.fromkeys(plan.inputs, 0)
        """By name of the input."""
        self.filtered = self.sent = 0
        self.seconds = 0.0
        self._dead_letters = dead_letters

    def start(self) -> None:
        """Begin to work."""
        Thread(target=self._work, daemon=True).start()

    def take(self, by: str, events: Sequence[dict[str, Any]], metadata: dict[str, Any] | None = None) -> None:
        """Put what an input has received into the queue; when this returns it is on disk."""
        added = {
            name.removeprefix("[@metadata][").removesuffix("]"): value
            for name, value in self.plan.inputs[by].get("add_field", {}).items()
        }
        added |= metadata or {}
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.queue.put([_make_event({"@timestamp": now, "@version": "1", **one}, added) for one in events])
        self.came[by] += len(events)

    def _work(self) -> None:
        while True:
            read = self.queue.read(self.settings["pipeline.batch.size"])
            start = monotonic()
            done = self.filters.run([event for _, event in read])
            self.filtered += len(read)
            for event, reason in self.output.send(done):
                insist(partial(self._give_up, event, reason))
            insist(partial(self.queue.forget, [number for number, _ in read]))
            self.sent += len(done)
            self.seconds += monotonic() - start

    def _give_up(self, event: Event, reason: str) -> None:
        if self._dead_letters is not None:
            metadata = {**event["metadata"], "dead_letter_queue": {"reason": reason}}
            self._dead_letters.take("dead_letter_queue", [event["fields"]], metadata)


def _make_event(fields: dict[str, Any], metadata: dict[str, Any]) -> Event:
    return {"metadata": {**fields.pop("@metadata", {}), **metadata}, "fields": fields}
