"""A stand-in for Kibana's server: that of the unit tests, which asks Elasticsearch whether a login is right.

Its own login is the one of the mounted kibana.yml; it is `available` once Elasticsearch takes that. Objects
are kept in its data folder; Kibana itself keeps them in Elasticsearch. Not here: any page.
"""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import ssl
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.unit.elastic.kibana_stand_in import Answer, KibanaStandIn, refuse, serve_kibana

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_RETRY_SECONDS = 1.0


class Kibana(KibanaStandIn):
    """One that knows nobody's password itself."""

    def __init__(self, settings: Mapping[str, Any], kept: Path) -> None:
        super().__init__(password=None, levels=["unavailable"])
        self.elasticsearch = settings["elasticsearch"]
        authority = self.elasticsearch["ssl.certificateAuthorities"][0]
        self._context = ssl.create_default_context(cafile=authority)
        self._kept = kept
        if kept.exists():
            found = json.loads(kept.read_text(encoding="utf-8"))
            self.objects = {(one["type"], one["id"]): one for one in found["objects"]}
            self.default_data_view = found["default"]

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        self.requests.clear()
        is_open = target.partition("?")[0] == "/api/status"
        if not is_open and not self._knows(headers.get("authorization", "")):
            return refuse(401, "Unauthorized", "[security_exception]: unable to authenticate user")
        answer = super().answer(method, target, headers, body)
        if method == "POST":
            kept = {"objects": list(self.objects.values()), "default": self.default_data_view}
            self._kept.write_text(json.dumps(kept), encoding="utf-8")
        return answer

    def log_in(self) -> None:
        """Wait until Elasticsearch takes the login of kibana.yml."""
        pair = f"{self.elasticsearch['username']}:{self.elasticsearch['password']}"
        header = "Basic " + base64.b64encode(pair.encode()).decode()
        while not self._knows(header):
            print('{"message": "Elasticsearch does not take the login of kibana_system yet"}', flush=True)
            threading.Event().wait(_RETRY_SECONDS)
        self.levels = ["available"]

    def _knows(self, authorization: str) -> bool:
        url = f"{self.elasticsearch['hosts'][0]}/_security/_authenticate"
        request = urllib.request.Request(url, headers={"Authorization": authorization})
        try:
            with urllib.request.urlopen(request, timeout=10, context=self._context):
                return True
        except OSError:
            return False


def main() -> None:
    """Run `kibana --config FILE` as the image would."""
    print("stand-in for Kibana: a program of the tests, no Kibana", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    path = Path(sys.argv[sys.argv.index("--config") + 1])
    text = _VARIABLE.sub(lambda found: os.environ[found[1]], path.read_text(encoding="utf-8"))
    kibana = Kibana(yaml.safe_load(text), Path("/usr/share/kibana/data/objects.json"))
    with serve_kibana("0.0.0.0", 5601, kibana):
        kibana.log_in()
        threading.Event().wait()


if __name__ == "__main__":
    main()
