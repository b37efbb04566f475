"""A stand-in for Grafana: the few calls of its HTTP API that an import makes, over real HTTP.

Paths, bodies and status codes were read, not recorded: in Grafana's documentation of the HTTP API (dashboard,
folder, data source, health) and in its source: `pkg/api/apierrors/`, `pkg/services/dashboards/errors.go` for
what each refusal says, `pkg/services/accesscontrol/middleware.go` for 403.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "glsa_stand-in"  # as a service account's begins
Answer = tuple[int, Mapping[str, Any] | list[Any]]


def denied(permission: str) -> Answer:
    """Return what Grafana says to a token that lacks a permission."""
    message = "You'll need additional permissions to perform this action. Permissions needed: "
    return 403, {
        "accessErrorId": "ACE0577385389",
        "message": message + permission,
        "title": "Access denied",
    }


@dataclass
class Saved:
    model: dict[str, Any]
    folder_uid: str
    version: int
    message: str
    provisioned_from: str = ""


@dataclass
class GrafanaStandIn:
    """What it holds, what it was asked, and what it is told to refuse."""

    url: str = ""
    dashboards: dict[str, Saved] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    refusals: dict[tuple[str, str], Answer] = field(default_factory=dict)
    """By method and path; a path that ends in `/` stands for all below it."""
    hides_absence: bool = False
    """Version 13 says 403 for what is not there, to all but administrators."""
    requests: list[tuple[str, str]] = field(default_factory=list)
    authorizations: dict[str, str | None] = field(default_factory=dict)
    data_sources: list[dict[str, Any]] = field(
        default_factory=lambda: [
            {"id": 1, "uid": "metrics", "name": "Metrics", "type": "prometheus", "isDefault": True},
            {"id": 2, "uid": "logs", "name": "Logs", "type": "elasticsearch", "isDefault": False},
        ]
    )

    @property
    def writes(self) -> list[str]:
        """Return the paths of all that was asked to be changed."""
        return [path for method, path in self.requests if method != "GET"]

    def answer(self, method: str, path: str, token: str | None, body: Mapping[str, Any]) -> Answer:
        self.requests.append((method, path))
        self.authorizations[path] = token
        for (refused, place), refusal in self.refusals.items():
            if method == refused and (path == place or (place.endswith("/") and path.startswith(place))):
                return refusal
        if path == "/api/health":
            return 200, {"commit": "0123abc", "database": "ok", "version": "13.2.3"}
        if token != f"Bearer {TOKEN}":
            return 401, {
                "message": "Invalid API key",
                "messageId": "api-key.invalid",
                "statusCode": 401,
                "traceID": "",
            }
        uid = path.rpartition("/")[2]
        match method, path.removesuffix(uid):
            case "GET", "/api/":
                return 200, self.data_sources
            case "GET", "/api/dashboards/uid/":
                return self._read_dashboard(uid)
            case "GET", "/api/folders/":
                if uid in self.folders:
                    return 200, {"id": 1, "uid": uid, "title": self.folders[uid], "version": 1}
                hidden = denied("folders:read")
                return hidden if self.hides_absence else (404, {"message": "folder not found"})
            case "POST", "/api/dashboards/":
                return self._save(body)
            case "POST", "/api/":
                return self._create_folder(body)
        return 404, {"message": "Not found"}

    def _read_dashboard(self, uid: str) -> Answer:
        if uid not in self.dashboards:
            hidden = denied("dashboards:read")
            return hidden if self.hides_absence else (404, {"message": "Dashboard not found", "traceID": ""})
        saved = self.dashboards[uid]
        meta = {
            "slug": uid,
            "version": saved.version,
            "folderUid": saved.folder_uid,
            "provisioned": bool(saved.provisioned_from),
            "provisionedExternalId": saved.provisioned_from,
        }
        kept = {"id": 7, "uid": uid, "version": saved.version}
        return 200, {"dashboard": {**saved.model, **kept}, "meta": meta}

    def _save(self, body: Mapping[str, Any]) -> Answer:
        model, folder_uid = dict(body["dashboard"]), body["folderUid"]
        assert model.pop("id") is None
        assert body["overwrite"] is True
        before = self.dashboards.get(model["uid"])
        if before and before.provisioned_from:
            return 400, {"message": "Cannot save provisioned dashboard"}
        if folder_uid not in self.folders:
            return 400, {"message": "folder not found"}
        if model["uid"] in self.folders:  # one table holds both
            return 400, {"message": "Dashboard cannot be changed to a folder", "status": ""}
        version = before.version + 1 if before else 1
        self.dashboards[model["uid"]] = Saved(model, folder_uid, version, body["message"])
        return 200, {
            "id": 7,
            "uid": model["uid"],
            "url": f"/d/{model['uid']}/slug",
            "status": "success",
            "version": version,
            "slug": "slug",
        }

    def _create_folder(self, body: Mapping[str, Any]) -> Answer:
        self.folders[body["uid"]] = body["title"]
        return 200, {"id": 1, "uid": body["uid"], "title": body["title"], "version": 1}


@contextmanager
def serve_grafana(tls: ssl.SSLContext | None = None) -> Iterator[GrafanaStandIn]:
    """Serve the stand-in on a free port of 127.0.0.1."""
    grafana = GrafanaStandIn()

    class Handler(BaseHTTPRequestHandler):
        def _reply(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            answer = grafana.answer(self.command, self.path, self.headers.get("Authorization"), body)
            status, found = answer
            content = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            if status in (301, 302) and isinstance(found, Mapping):
                self.send_header("Location", found["location"])
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _reply  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Keep the test's output clean."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """Keep the test's output clean where a handshake is refused."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    grafana.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield grafana
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
