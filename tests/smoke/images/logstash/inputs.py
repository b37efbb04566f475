"""The inputs: Beats over mutual TLS, HTTP, lines over TCP. Each confirms what is in the queue, not before."""

from __future__ import annotations

import socketserver
import ssl
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from tests.smoke.images.logstash.pipeline import Pipeline
from tests.smoke.images.logstash.plan import Options
from tests.smoke.images.lumberjack import ProtocolError, read_windows, write_confirmation

ANY = "0.0.0.0"
_VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


def listen(pipeline: Pipeline) -> None:
    """Listen for all inputs of a pipeline that listen."""
    servers = {"beats": _listen_beats, "http": _listen_http, "tcp": _listen_tcp}
    for name, options in pipeline.plan.inputs.items():
        if name in servers:
            server = servers[name](pipeline, options)
            Thread(target=server.serve_forever, daemon=True).start()


def make_tls(options: Options) -> ssl.SSLContext:
    """Return how the input `beats` listens: with its certificate, and demanding one of the authority's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = min(_VERSIONS[name] for name in options["ssl_supported_protocols"])
    context.load_cert_chain(Path(options["ssl_certificate"]), Path(options["ssl_key"]))
    for authority in options["ssl_certificate_authorities"]:
        context.load_verify_locations(authority)
    if options["ssl_client_authentication"] == "required":
        context.verify_mode = ssl.CERT_REQUIRED
    return context


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that left, or that had no certificate."""


def _listen_beats(pipeline: Pipeline, options: Options) -> socketserver.BaseServer:
    tls = make_tls(options)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with tls.wrap_socket(self.request, server_side=True) as connection:
                try:
                    for events in read_windows(connection.makefile("rb")):
                        pipeline.take("beats", events)
                        connection.sendall(write_confirmation(len(events)))
                except ProtocolError as error:
                    print(f'{{"level": "WARN", "message": "beats: {error}"}}', flush=True)

    return _Server((ANY, options["port"]), Handler)


def _listen_tcp(pipeline: Pipeline, options: Options) -> socketserver.BaseServer:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            for line in self.rfile:
                pipeline.take("tcp", [{"message": line.decode("utf-8", "replace").rstrip("\r\n")}])

    return _Server((ANY, options["port"]), Handler)


def _listen_http(pipeline: Pipeline, options: Options) -> socketserver.BaseServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            too_long = length > options["max_content_length"]
            content = b"" if too_long else self.rfile.read(length)
            if not too_long:
                pipeline.take("http", [{"message": content.decode("utf-8", "replace")}])
            said = b"" if too_long else b"ok"
            self.send_response(413 if too_long else 200)
            for name, value in options["response_headers"].items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_PUT = do_POST  # noqa: N815 - a name that the library calls

        def log_message(self, *arguments: object) -> None:
            pass

    return ThreadingHTTPServer((ANY, options["port"]), Handler)
