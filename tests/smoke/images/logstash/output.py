"""The output to Elasticsearch: documents by `_bulk`, sent again until each is stored or refused for good."""

from __future__ import annotations

import base64
import http.client
import json
import re
import ssl
from collections import Counter
from collections.abc import Sequence
from time import sleep
from typing import Any
from urllib.parse import urlsplit

from tests.smoke.images.logstash.plan import Options
from tests.smoke.images.logstash.queue import Event

_METADATA = re.compile(r"%\{\[@metadata\]\[(\w+)\]\}")
_FIRST_WAIT_SECONDS = 1.0
_LIMIT_SECONDS = 60


class Output:
    """`requests` and `documents` count as Logstash's plugin does, by the names of its API."""

    def __init__(self, options: Options) -> None:
        self._options = options
        url = urlsplit(options["hosts"][0])
        context = ssl.create_default_context(cafile=options["ssl_certificate_authorities"][0])
        self._connection = http.client.HTTPSConnection(
            url.hostname or "", url.port or 9200, timeout=_LIMIT_SECONDS, context=context
        )
        login = base64.b64encode(f"{options['user']}:{options['password']}".encode()).decode()
        self._headers = {"Authorization": f"Basic {login}", "Content-Type": "application/x-ndjson"}
        self.requests = Counter[str]()
        self.documents = Counter[str]()

    def send(self, events: Sequence[Event]) -> list[tuple[Event, str]]:
        """Store every event, however long it takes; return those refused for good, with the reason."""
        waiting, refused, wait_seconds = list(events), list[tuple[Event, str]](), _FIRST_WAIT_SECONDS
        while waiting:
            answer = self._ask(waiting)
            again = waiting if answer is None else self._sort(waiting, answer["items"], refused)
            if again:
                sleep(wait_seconds)
                wait_seconds = min(2 * wait_seconds, self._options["retry_max_interval"])
            waiting = again
        return refused

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _ask(self, events: Sequence[Event]) -> dict[str, Any] | None:
        """Return what a bulk request is answered; None when it failed and is to be sent again."""
        body = "".join(
            f"{json.dumps({self._options['action']: self._place(event)})}\n{json.dumps(event['fields'])}\n"
            for event in events
        )
        try:
            self._connection.request("POST", "/_bulk", body.encode(), self._headers)
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            self._complain(f"no answer: {type(error).__name__}")
            return None
        if answer.status != 200:
            self._complain(f"status {answer.status}")
            return None
        found: dict[str, Any] = json.loads(content)
        self.requests["with_errors" if found["errors"] else "successes"] += 1
        return found

    def _sort(
        self, events: Sequence[Event], items: Sequence[Any], refused: list[tuple[Event, str]]
    ) -> list[Event]:
        again = []
        for event, item in zip(events, items, strict=True):
            status, error = item["create"]["status"], item["create"].get("error")
            if status < 300:
                self.documents["successes"] += 1
            elif status == 409:  # it is there already
                self.documents["non_retryable_failures"] += 1
            elif status in (429, 503):
                self.documents["retryable_failures"] += 1
                again.append(event)
            else:
                self.documents["dlq_routed"] += 1
                refused.append((event, f"status: {status}, response: {json.dumps(error)}"))
        return again

    def _place(self, event: Event) -> dict[str, str]:
        return {
            name: _METADATA.sub(lambda found: str(event["metadata"][found[1]]), self._options[option])
            for name, option in (("_index", "index"), ("_id", "document_id"))
        }

    def _complain(self, what: str) -> None:
        self.requests["failures"] += 1
        print(json.dumps({"level": "WARN", "message": f"bulk request: {what}; sent again"}), flush=True)
