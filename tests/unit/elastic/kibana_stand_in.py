"""A stand-in for Kibana: the few calls of its HTTP API that setting it up makes, over real HTTP.

Paths, bodies and status codes were read, not recorded: in Kibana's documentation (status; saved objects:
import; data views: default) and in its source, `src/core/packages/saved-objects/`:
`server-internal/src/routes/import.ts`, `import-export-server-internal/src/import/`. It checks of an object
what an import checks before the type's own schema: that it is JSON, stands once, is of a known type and
finds what it refers to.

As a program it listens on port 5601 and takes any login until it is ended: `python kibana_stand_in.py`.
It needs nothing but Python.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

USER, PASSWORD = "elastic", "stand-in"
KNOWN_TYPES = ("index-pattern", "search", "dashboard", "visualization", "lens", "tag")
Answer = tuple[int, Mapping[str, Any] | str]


@dataclass
class KibanaStandIn:
    """What it holds, what it was asked, and what it is told to refuse."""

    url: str = ""
    password: str | None = PASSWORD
    """That of `elastic`; None takes any login."""
    objects: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    default_data_view: str | None = None
    levels: list[str] = field(default_factory=lambda: ["available"])
    """What its status says, one after the other, the last one for good; empty while it does not serve yet."""
    slowest_part: str = ""
    """Level of a plugin, which its status tells too, but not by its code."""
    refusals: dict[str, list[Answer]] = field(default_factory=dict)
    """By path: what it answers instead, one after the other; then it serves."""
    object_errors: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    """By type and id: why an import does not take an object."""
    requests: list[tuple[str, str]] = field(default_factory=list)

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        path = urlsplit(target).path
        self.requests.append((method, path))
        if self.refusals.get(path):
            return self.refusals[path].pop(0)
        if path == "/api/status":
            return self._tell_status()
        if method != "GET" and "kbn-xsrf" not in headers:
            return refuse(400, "Bad Request", "Request must contain a kbn-xsrf header.")
        login = base64.b64encode(f"{USER}:{self.password}".encode()).decode()
        if self.password is not None and headers.get("authorization") != f"Basic {login}":
            return refuse(
                401,
                "Unauthorized",
                "[security_exception]: unable to authenticate user [elastic] for REST request",
            )
        match method, path:
            case "POST", "/api/saved_objects/_import":
                options = parse_qs(urlsplit(target).query)
                return self._import(headers, body, overwrite=options.get("overwrite") == ["true"])
            case "POST", "/api/encrypted_saved_objects/_rotate_key":
                return 200, {"total": 0, "successful": 0, "failed": 0}
            case "GET", "/api/data_views/default":
                return 200, {"data_view_id": self.default_data_view}
            case "POST", "/api/data_views/default":
                return self._choose(json.loads(body))
        return refuse(404, "Not Found", "Not Found")

    def _tell_status(self) -> Answer:
        level = self.levels.pop(0) if len(self.levels) > 1 else self.levels[0]
        if not level:
            return 503, "Kibana server is not ready yet"
        shown = self.slowest_part or level
        status = {"overall": {"level": shown, "summary": f"Kibana is {shown}"}}
        served = level in ("available", "degraded")
        return 200 if served else 503, {"name": "kibana", "version": {"number": "9.5.4"}, "status": status}

    def _choose(self, wanted: Mapping[str, Any]) -> Answer:
        if self.default_data_view is None or wanted.get("force"):
            self.default_data_view = wanted["data_view_id"]
        return 200, {"acknowledged": True}

    def _import(self, headers: Mapping[str, str], body: bytes, *, overwrite: bool) -> Answer:
        form = message_from_bytes(f"Content-Type: {headers['content-type']}\r\n\r\n".encode() + body)
        _, part = form.walk()  # the whole, and its one part
        if part.get_param("name", header="content-disposition") != "file":
            return refuse(400, "Bad Request", "[request body.file]: expected value of type [Stream]")
        if not str(part.get_filename()).endswith(".ndjson"):
            return refuse(400, "Bad Request", "Invalid file extension")
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        text = content.decode()
        found = [json.loads(line) for line in text.splitlines() if line.strip()]
        keys = [(saved["type"], saved["id"]) for saved in found]
        if len(set(keys)) < len(keys):
            return refuse(400, "Bad Request", "Non-unique import objects detected")
        errors = [error for saved in found for error in self._find_errors(saved, keys, overwrite=overwrite)]
        refused = {(error["type"], error["id"]) for error in errors}
        taken = [saved for saved in found if (saved["type"], saved["id"]) not in refused]
        # With errors that a person could resolve, Kibana creates nothing.
        if not any(error["error"]["type"] in ("missing_references", "conflict") for error in errors):
            self.objects.update({(saved["type"], saved["id"]): saved for saved in taken})
        answer: dict[str, Any] = {
            "successCount": len(taken),
            "success": not errors,
            "warnings": [],
            "successResults": [
                {"type": saved["type"], "id": saved["id"], "managed": saved.get("managed", False)}
                for saved in taken
            ],
        }
        return 200, {**answer, "errors": errors} if errors else answer

    def _find_errors(
        self, saved: Mapping[str, Any], keys: list[tuple[str, str]], *, overwrite: bool
    ) -> Iterator[Mapping[str, Any]]:
        key = (saved["type"], saved["id"])
        about = {"type": key[0], "id": key[1], "meta": {"title": saved["attributes"].get("title")}}
        missing = [
            {"type": other["type"], "id": other["id"]}
            for other in saved.get("references", [])
            if (other["type"], other["id"]) not in {*keys, *self.objects}
        ]
        if key in self.object_errors:
            yield {**about, "error": self.object_errors[key]}
        elif key[0] not in KNOWN_TYPES:
            yield {**about, "error": {"type": "unsupported_type"}}
        elif missing:
            yield {**about, "error": {"type": "missing_references", "references": missing}}
        elif key in self.objects and not overwrite:
            yield {**about, "error": {"type": "conflict"}}


def refuse(status: int, error: str, message: str) -> Answer:
    """Return how Kibana refuses a request."""
    return status, {"statusCode": status, "error": error, "message": message}


@contextmanager
def serve_kibana(
    host: str = "127.0.0.1", port: int = 0, kibana: KibanaStandIn | None = None
) -> Iterator[KibanaStandIn]:
    """Serve a stand-in until the end of the block."""
    served = kibana or KibanaStandIn()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            length = int(self.headers.get("content-length", 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, answer = served.answer(self.command, self.path, headers, self.rfile.read(length))
            content = (
                answer.encode()
                if isinstance(answer, str)
                else json.dumps(answer, separators=(",", ":")).encode()
            )
            self.send_response(status)
            self.send_header("content-type", "text/plain" if isinstance(answer, str) else "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _serve  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer((host, port), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    served.url = f"http://{host}:{server.server_port}"
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


if __name__ == "__main__":
    with serve_kibana("0.0.0.0", 5601) as stand_in:
        stand_in.password = None
        threading.Event().wait()
