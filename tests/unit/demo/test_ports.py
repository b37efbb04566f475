from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from vectorwatch.demo.ports import (
    DEFAULT_PORTS,
    HOST,
    PortTakenError,
    choose_ports,
    find_free_ports,
    refuse_taken,
)
from vectorwatch.errors import VectorwatchError


@pytest.fixture
def taken_port() -> Iterator[int]:
    with closing(socket.create_server((HOST, 0))) as listener:
        yield listener.getsockname()[1]


def test_a_taken_port_is_named_with_its_service_and_the_remedy(taken_port: int) -> None:
    free = find_free_ports(1)[0]
    with pytest.raises(PortTakenError) as caught:
        refuse_taken({"qdrant": free, "prometheus": taken_port})
    assert str(caught.value) == (
        f"demo: port {taken_port} (wanted by prometheus) is in use;"
        " stop what uses it or run `make demo PORTS=free`; nothing was started"
    )
    assert caught.value.exit_code == 1


def test_all_taken_ports_stand_in_one_line(taken_port: int) -> None:
    with pytest.raises(PortTakenError) as caught:
        refuse_taken({"inbox": taken_port, "prometheus": taken_port})
    message = str(caught.value)
    assert f"ports {taken_port} (wanted by inbox), {taken_port} (wanted by prometheus) are in use" in message
    assert "\n" not in message


def test_a_port_that_listens_on_every_address_is_taken_too() -> None:
    with closing(socket.create_server(("", 0))) as listener, pytest.raises(PortTakenError):
        refuse_taken({"qdrant": listener.getsockname()[1]})


def test_free_ports_are_distinct_free_and_not_those_of_outgoing_connections() -> None:
    ports = find_free_ports(20, random.Random(7))
    assert len(set(ports)) == 20
    refuse_taken({str(port): port for port in ports})
    with closing(socket.socket()) as outgoing:
        outgoing.bind((HOST, 0))
        assert max(ports) < 32_768 or max(ports) < outgoing.getsockname()[1]


def test_a_taken_port_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    first = find_free_ports(1, random.Random(3))[0]
    with closing(socket.create_server((HOST, first))):
        assert find_free_ports(1, random.Random(3))[0] != first


def test_free_ports_are_given_to_every_service() -> None:
    ports = choose_ports("free")
    assert ports.keys() == DEFAULT_PORTS.keys()
    assert len(set(ports.values())) == len(ports)


def test_an_unknown_choice_is_refused_with_the_known_ones() -> None:
    with pytest.raises(VectorwatchError, match="PORTS is `any`; write `default` or `free`"):
        choose_ports("any")
