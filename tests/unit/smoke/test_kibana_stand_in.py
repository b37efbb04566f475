from __future__ import annotations

import base64
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.smoke.images.kibana.kibana import Kibana
from tests.unit.elastic.elasticsearch_stand_in import ElasticsearchStandIn, State, serve

_CHOICE = ("POST", "/api/data_views/default")
_BODY = b'{"data_view_id": "vw-logs"}'


def _login(password: str) -> dict[str, str]:
    pair = base64.b64encode(f"elastic:{password}".encode()).decode()
    return {"kbn-xsrf": "smoke", "authorization": f"Basic {pair}"}


@pytest.fixture
def kibana(tmp_path: Path, certificates: Callable[[str], Path]) -> Iterator[Kibana]:
    """One whose Elasticsearch knows two passwords."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificates("server.crt"), certificates("server.key"))
    with serve(ElasticsearchStandIn(State({"elastic": "secret", "kibana_system": "own"})), tls) as server:
        elasticsearch = {
            "hosts": [server.url],
            "username": "kibana_system",
            "password": "own",
            "ssl.certificateAuthorities": [str(certificates("ca.crt"))],
        }
        yield Kibana({"elasticsearch": elasticsearch}, tmp_path / "objects.json")


def test_it_is_available_once_elasticsearch_takes_its_own_login(kibana: Kibana) -> None:
    assert kibana.answer("GET", "/api/status", {}, b"")[0] == 503
    kibana.log_in()
    assert kibana.answer("GET", "/api/status", {}, b"")[0] == 200


def test_whose_password_elasticsearch_does_not_take_changes_nothing(kibana: Kibana) -> None:
    assert kibana.answer(*_CHOICE, _login("wrong"), _BODY)[0] == 401
    assert kibana.answer(*_CHOICE, {"kbn-xsrf": "smoke"}, _BODY)[0] == 401
    assert kibana.default_data_view is None


def test_what_it_was_told_is_there_after_a_restart(kibana: Kibana, tmp_path: Path) -> None:
    assert kibana.answer(*_CHOICE, _login("secret"), _BODY)[0] == 200
    again = Kibana({"elasticsearch": kibana.elasticsearch}, tmp_path / "objects.json")
    assert again.default_data_view == "vw-logs"
