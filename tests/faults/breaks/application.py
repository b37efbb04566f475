"""What the demo service does to itself on request; vectorwatch/demo/app/faults.py says what each is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.fault import Break
from tests.faults.scene import Scene
from vectorwatch.demo.app import SERVICE
from vectorwatch.demo.app.fault_client import FaultClient
from vectorwatch.demo.app.faults import LONGEST_SECONDS


def switch_on(name: str) -> Break:
    """Switch a fault of the demo service on; mended by switching it off."""

    @contextmanager
    def broken(scene: Scene) -> Iterator[None]:
        client = FaultClient(scene.url(SERVICE))
        client.begin(name, LONGEST_SECONDS)
        yield
        client.end(name)

    return broken
