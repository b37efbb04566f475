"""A stand-in for Filebeat: reads the files that the mounted filebeat.yml names, sends lines to Logstash.

It speaks Beats' protocol over mutual TLS. How far each file was read is kept in its data folder, and noted
once Logstash has confirmed. Not here: Go, Filebeat's own queue, its limits of memory, files behind links.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import ssl
import sys
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic, sleep
from typing import Any, BinaryIO

import yaml

from tests.smoke.images.filebeat.files import Input, Place, Step
from tests.smoke.images.filebeat.lines import read_seconds
from tests.smoke.images.lumberjack import Event, ProtocolError, read_confirmation, write_window

VERSION = "9.5.4"
_LIMIT_SECONDS = 60
_LOOK_SECONDS = 0.25


class Output:
    """The connection to Logstash; `counts` are those of Filebeat's `/stats`."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        host, _, port = settings["hosts"][0].partition(":")
        self._address = (host, int(port))
        self._first_wait = read_seconds(settings["backoff"]["init"])
        self._longest_wait = read_seconds(settings["backoff"]["max"])
        tls = settings["ssl"]
        self._context = ssl.create_default_context(cafile=tls["certificate_authorities"][0])
        self._context.load_cert_chain(tls["certificate"], tls["key"])
        self._socket: ssl.SSLSocket | None = None
        self._stream: BinaryIO | None = None
        self.counts = Counter[str](acked=0, failed=0, dropped=0, duplicates=0, active=0)

    def send(self, events: Sequence[Event]) -> None:
        """Send events and wait until Logstash has taken all, however long that lasts."""
        wait_seconds = self._first_wait
        self.counts["active"] = len(events)
        while not self._try(events):
            self.counts["failed"] += len(events)
            sleep(wait_seconds)
            wait_seconds = min(2 * wait_seconds, self._longest_wait)
        self.counts["acked"] += len(events)
        self.counts["active"] = 0

    def _try(self, events: Sequence[Event]) -> bool:
        try:
            if self._socket is None or self._stream is None:
                plain = socket.create_connection(self._address, timeout=_LIMIT_SECONDS)
                self._socket = self._context.wrap_socket(plain, server_hostname=self._address[0])
                self._stream = self._socket.makefile("rb")
            self._socket.sendall(write_window(events))
            while read_confirmation(self._stream) < len(events):
                pass
        except (OSError, ProtocolError) as error:
            print(f"not sent: {type(error).__name__} {error}; sent again", flush=True)
            if self._socket is not None:
                self._socket.close()
            self._socket = None
            return False
        return True


class Beat:
    """All inputs, one output, and the registry."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._registry = Path(settings["path.data"]) / "registry.json"
        kept = json.loads(self._registry.read_text(encoding="utf-8")) if self._registry.exists() else {}
        self.inputs = {
            one["id"]: Input(one, [Place(**place) for place in kept.get(one["id"], ())])
            for one in settings["filebeat.inputs"]
        }
        self.output = Output(settings["output.logstash"])
        self._agent = {"name": settings["name"], "type": "filebeat", "version": VERSION}
        self._most = settings["queue.mem"]["flush.min_events"]
        self._wait_seconds = read_seconds(settings["queue.mem"]["flush.timeout"])
        self.published = 0

    def run(self) -> None:
        """Read and send for ever."""
        waiting, oldest = list[Step](), monotonic()
        while True:
            before = len(waiting)
            for one in self.inputs.values():
                for step in one.read():
                    oldest = oldest if waiting else monotonic()
                    waiting.append(step)
                    if len(waiting) >= self._most:
                        self._send(waiting)
                        waiting.clear()
            if waiting and monotonic() - oldest >= self._wait_seconds:
                self._send(waiting)
                waiting.clear()
            if len(waiting) == before:
                sleep(_LOOK_SECONDS)

    def _send(self, steps: Sequence[Step]) -> None:
        events = [{**step.event, "agent": self._agent} for step in steps if step.event is not None]
        self.published += len(events)
        if events:
            self.output.send(events)
        for step in steps:
            step.file.place.offset = step.offset
        kept = {name: [asdict(place) for place in one.places] for name, one in self.inputs.items()}
        scratch = self._registry.with_suffix(".new")
        scratch.write_text(json.dumps(kept), encoding="utf-8")
        scratch.replace(self._registry)

    def tell_stats(self) -> dict[str, Any]:
        """Return the answer of `/stats`."""
        open_files = sum(len(one.files) for one in self.inputs.values())
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        events = {"published": self.published, "filtered": 0, "dropped": 0, "failed": 0, "retry": 0}
        return {
            "beat": {"info": {"version": VERSION}, "memstats": {"rss": memory}},
            "filebeat": {"harvester": {"open_files": open_files, "running": open_files}},
            "libbeat": {
                "output": {
                    "events": dict(self.output.counts),
                    "read": {"errors": 0},
                    "write": {"errors": 0},
                },
                "pipeline": {"events": events, "queue": {"filled": {"pct": 0.0}}},
            },
        }


def _serve(beat: Beat, settings: Mapping[str, Any]) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            said = json.dumps(beat.tell_stats() if self.path == "/stats" else {"beat": "filebeat"}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer((settings["http"]["host"], settings["http"]["port"]), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def main() -> None:
    """Run `filebeat … -c FILE` as the image would."""
    print(f"stand-in for Filebeat {VERSION}: a program of the tests, no Filebeat", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    path = Path(sys.argv[sys.argv.index("-c") + 1])
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    beat = Beat(settings)
    _serve(beat, settings)
    beat.run()


if __name__ == "__main__":
    main()
