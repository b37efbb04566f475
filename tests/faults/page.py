"""A page that this process serves over HTTP or HTTPS: a target, or an address that somebody watches."""

from __future__ import annotations

import ssl
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from vectorwatch.demo.ports import HOST, find_free_ports


@dataclass
class Page:
    """What is served, and with which status; both may be changed at any time."""

    port: int
    body: str
    status: int = 200


def serve_page(body: str, tls: ssl.SSLContext | None = None) -> Page:
    """Serve a page on a free port until this process ends."""
    [port] = find_free_ports(1)
    page = Page(port, body)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = page.body.encode()
            self.send_response(page.status)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer((HOST, port), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return page
