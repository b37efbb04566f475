"""The requests that the exporter makes: one method for each source, reading only."""

from __future__ import annotations

import base64
import ssl

import aiohttp

from vectorwatch.errors import Reason, TargetError
from vectorwatch.serve.http_client import JsonClient, StatusError, decode_json
from vectorwatch.settings import read_secret

from .filebeat import Beat, parse_beat
from .kibana import parse_level
from .logstash import Node, parse_node
from .search import Findings, parse_findings, search_body, search_path
from .settings import LogsSettings

_UNAVAILABLE = 503


class Client:
    """All four sources over one session. Every method raises TargetError."""

    def __init__(self, settings: LogsSettings, session: aiohttp.ClientSession) -> None:
        self._settings = settings
        self._session = session

    async def logstash(self) -> Node:
        """Return what Logstash says of itself."""
        return parse_node(await self._http(self._settings.logstash_url).get("/_node/stats"))

    async def filebeat(self) -> Beat:
        """Return what Filebeat says of itself."""
        return parse_beat(await self._http(self._settings.filebeat_url).get("/stats"))

    async def kibana(self) -> str:
        """Return Kibana's overall level, also where the status of the answer says that it is not well."""
        path = "/api/status"
        try:
            return parse_level(await self._http(self._settings.kibana_url).get(path))
        except StatusError as error:
            level = _level_of(error, path)
            if level is None:
                raise
            return level

    async def arrivals(self, since: float, next_since: float, look_back: float) -> Findings:
        """Return what has arrived in Elasticsearch since each of the times, in Unix seconds."""
        http = self._http(self._settings.elasticsearch_url, self._credentials())
        body = search_body(since, next_since, look_back)
        return parse_findings(await http.post(search_path(self._settings.data_streams), body))

    def _http(self, url: str, headers: dict[str, str] | None = None) -> JsonClient:
        return JsonClient(
            self._session, url, headers or {}, self._tls(url), max_bytes=self._settings.max_answer_bytes
        )

    def _credentials(self) -> dict[str, str]:
        password = read_secret(None, self._settings.elasticsearch_password_file)
        if password is None:
            return {}
        pair = f"{self._settings.elasticsearch_user}:{password}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}

    def _tls(self, url: str) -> ssl.SSLContext | bool:
        if self._settings.ca_file is None or not url.startswith("https://"):
            return True
        try:
            return ssl.create_default_context(cafile=self._settings.ca_file)
        except OSError as error:  # ssl.SSLError is one
            raise TargetError(Reason.TLS, f"`ca_file` cannot be used: {error.strerror}") from error


def _level_of(error: StatusError, path: str) -> str | None:
    """Return the level in an answer with status 503, or None: Kibana sends a plain text before it listens."""
    if error.status != _UNAVAILABLE:
        return None
    try:
        return parse_level(decode_json(error.content, path))
    except TargetError:
        return None
