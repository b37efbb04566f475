"""The certificates that `setup` makes, with the TLS of Go, which is Filebeat's, and Elastic's library.

Logstash's own TLS is Java's; it is not tried here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .conftest import Paths

EVENTS = [{"message": f"line {number}"} for number in range(2_000)]


def test_filebeats_certificate_is_accepted_and_every_event_arrives_once(
    receive: Callable[..., Any], send: Callable[..., Any], certificates: Paths, poll: Callable[..., None]
) -> None:
    with receive() as receiver:
        done = send(receiver.port, certificates.authority, certificates.client, EVENTS)
        assert (done.returncode, done.stdout) == (0, f"{len(EVENTS)}\n"), done.stderr
        poll(lambda: len(receiver.events()) >= len(EVENTS), "all events have come")
        assert receiver.events() == EVENTS


def test_who_has_no_certificate_is_refused(
    receive: Callable[..., Any], send: Callable[..., Any], certificates: Paths
) -> None:
    with receive() as receiver:
        done = send(receiver.port, certificates.authority, (), EVENTS)
        assert done.returncode != 0
        assert receiver.events() == []


def test_the_certificate_of_another_stack_is_refused(
    receive: Callable[..., Any], send: Callable[..., Any], certificates: Paths, of_another_stack: Paths
) -> None:
    with receive() as receiver:
        done = send(receiver.port, certificates.authority, of_another_stack.client, EVENTS)
        assert done.returncode != 0
        assert receiver.events() == []


def test_filebeat_sends_nothing_to_the_server_of_another_stack(
    receive: Callable[..., Any], send: Callable[..., Any], certificates: Paths, of_another_stack: Paths
) -> None:
    with receive() as receiver:
        done = send(receiver.port, of_another_stack.authority, certificates.client, EVENTS)
        assert "certificate signed by unknown authority" in done.stderr
        assert receiver.events() == []


def test_filebeat_sends_nothing_to_a_server_of_another_name(
    receive: Callable[..., Any], send: Callable[..., Any], certificates: Paths
) -> None:
    with receive() as receiver:
        done = send(receiver.port, certificates.authority, certificates.client, EVENTS, name="elsewhere")
        assert "certificate is valid for logstash, not elsewhere" in done.stderr
        assert receiver.events() == []
