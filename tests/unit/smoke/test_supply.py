from __future__ import annotations

import subprocess
from typing import Any

from tests.smoke.command import CommandError
from tests.smoke.docker import Docker
from tests.smoke.images.build import Builder
from tests.smoke.images.recipe import GoModule, Provided
from tests.smoke.images.supply import Registries, Supplier, keep_names
from tests.smoke.model import Service


class Engine(Docker):
    """Stands in for an engine: remembers names of images and what it was asked to pull."""

    images: dict[str, str]
    complaints: dict[str, str]
    pulled: list[str]

    def __init__(
        self, images: dict[str, str], complaints: dict[str, str] | None = None, *, is_ours: bool = False
    ) -> None:
        super().__init__({}, is_ours)
        # The class that it stands in for is frozen.
        self.__dict__.update(images=images, complaints=complaints or {}, pulled=[])

    def find_image(self, name: str) -> dict[str, Any] | None:
        return {"Id": self.images[name]} if name in self.images else None

    def attempt(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        match arguments:
            case ("pull", *_, image):
                self.pulled.append(image)
                complaint = self.complaints.get(image, "")
                return subprocess.CompletedProcess(arguments, int(bool(complaint)), "", complaint)
            case ("image", "rm", *_, image):
                self.images.pop(image, None)
            case ("tag", number, image):
                self.images[image] = number
        return subprocess.CompletedProcess(arguments, 0, "", "")


def test_names_are_given_back_to_what_had_them() -> None:
    engine = Engine({"prom/prometheus:1": "official"})
    with keep_names(engine, ["prom/prometheus:1", "grafana:1"]):
        engine.images |= {"prom/prometheus:1": "stand-in", "grafana:1": "stand-in"}
    assert engine.images == {"prom/prometheus:1": "official"}


def test_in_an_engine_of_ours_the_names_stay_for_the_next_run() -> None:
    engine = Engine({}, is_ours=True)
    with keep_names(engine, ["a:1"]):
        engine.images["a:1"] = "stand-in"
    assert engine.images == {"a:1": "stand-in"}


def test_a_registry_out_of_reach_is_asked_once() -> None:
    engine = Engine({}, {"a/b:1": "no such host", "a/c:1": "no such host"})
    registries = Registries(engine)
    assert not registries.pull("a/b:1")
    assert not registries.pull("a/c:1")
    assert registries.pull("ghcr.io/a/b:1")
    assert engine.pulled == ["a/b:1", "ghcr.io/a/b:1"]


def test_a_registry_that_lacks_one_image_is_asked_for_the_next() -> None:
    engine = Engine({}, {"a/b:1": "manifest unknown"})
    registries = Registries(engine)
    assert not registries.pull("a/b:1")
    assert registries.pull("a/c:1")


class NoGo(Builder):
    """Stands in for a builder on a machine without Go."""

    def __init__(self) -> None:
        """Take nothing: only one thing is asked of it."""

    def make_go_module(self, recipe: GoModule, image: str) -> str:
        raise CommandError(
            f"smoke: `{recipe.script}` ended with 1:\njaeger: no Go here; install Go for {image}"
        )

    def read_label(self, image: str) -> str:
        return ""


def test_a_machine_without_go_does_without_the_service_and_says_why() -> None:
    image = "jaegertracing/jaeger:2.0.0"
    engine = Engine({}, {image: "no such host"})
    service = Service("jaeger", image, None, (), "10001:10001", False, True, 1, {}, {})
    [provided] = Supplier(engine, NoGo(), Registries(engine)).supply([service])
    assert provided == Provided(image, "none", f"jaeger: no Go here; install Go for {image}")
    assert not provided.runs
