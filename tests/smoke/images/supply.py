"""Gets every image that the compose file names: pulled, built, replaced, or named as not to be had."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from tests.smoke.command import CommandError
from tests.smoke.docker import Docker
from tests.smoke.images.build import Builder
from tests.smoke.images.dockerfile import find_bases
from tests.smoke.images.recipe import Absent, Built, GoModule, GoProgram, Provided, find_recipe
from tests.smoke.model import Service
from vectorwatch.demo.debian import PackageError
from vectorwatch.errors import VectorwatchError

_PULL_SECONDS = 600


class SupplyError(VectorwatchError):
    """An image that cannot be had although there is a recipe for it."""


class Registries:
    """Pulls images, and asks a registry that could not be reached only once."""

    def __init__(self, docker: Docker) -> None:
        self._docker = docker
        self._unreachable: set[str] = set()

    def pull(self, image: str) -> bool:
        """Pull `image`; return whether it came."""
        registry = find_registry(image)
        if registry in self._unreachable:
            return False
        try:
            done = self._docker.attempt("pull", "--quiet", image, timeout_seconds=_PULL_SECONDS)
        except CommandError:
            self._unreachable.add(registry)
            return False
        if done.returncode and not tells_of_absence(done.stderr):
            self._unreachable.add(registry)
        return done.returncode == 0


class Supplier:
    """Provides images under the names of the compose file."""

    def __init__(self, docker: Docker, builder: Builder, registries: Registries) -> None:
        self._docker = docker
        self._builder = builder
        self._registries = registries

    def supply(self, services: Iterable[Service]) -> Iterator[Provided]:
        """Provide the image of every service, each image once. Raises VectorwatchError."""
        try:
            yield from self._supply(list(services))
        except PackageError as error:
            raise SupplyError(f"smoke: no registry and no stand-in: {error}") from error

    def _supply(self, services: Sequence[Service]) -> Iterator[Provided]:
        own = {service.image: service for service in services if service.build is not None}
        bases = list_bases(services)
        for image in bases:
            yield self._provide_base(image)
        for image in dict.fromkeys(service.image for service in services):
            yield self._provide(image, own.get(image), bases[0] if bases else "")

    def _provide(self, image: str, own: Service | None, base: str) -> Provided:
        if own is not None and own.build is not None:
            self._builder.make_own(image, own.build.context, own.build.target)
            label = self._builder.read_label(image)
            return Provided(image, "own", f"built on the stand-in {label}" if label else "")
        if self._is_official(image):
            return Provided(image, "official")
        return self._replace(image, base)

    def _provide_base(self, image: str) -> Provided:
        if self._is_official(image):
            return Provided(image, "official")
        return Provided(image, "stand-in", self._builder.make_python(image))

    def _is_official(self, image: str) -> bool:
        here = self._docker.find_image(image) is not None and not self._builder.read_label(image)
        return here or self._registries.pull(image)

    def _replace(self, image: str, base: str) -> Provided:
        recipe = find_recipe(image)
        match recipe:
            case GoProgram():
                return Provided(image, "stand-in", self._builder.make_go_program(recipe, image))
            case GoModule():
                try:
                    return Provided(image, "stand-in", self._builder.make_go_module(recipe, image))
                except CommandError as error:
                    # Not every machine has Go.
                    return Provided(image, "none", str(error).strip().splitlines()[-1])
            case Built():
                return Provided(image, "stand-in", self._builder.make_built(recipe, image, base))
            case Absent():
                return Provided(image, "none", recipe.reason)


def list_bases(services: Iterable[Service]) -> list[str]:
    """Return the images that our own are built on, each once."""
    contexts = sorted({service.build.context for service in services if service.build is not None})
    texts = [(context / "Dockerfile").read_text(encoding="utf-8") for context in contexts]
    return list(dict.fromkeys(base for text in texts for base in find_bases(text)))


def find_registry(image: str) -> str:
    """Return the host of an image's registry, as Docker reads names."""
    first, slash, _ = image.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"


def tells_of_absence(complaint: str) -> bool:
    """Tell whether a registry answered that it has no such image, so that it can be asked for others."""
    return any(words in complaint for words in ("not found", "manifest unknown", "denied"))


@contextmanager
def keep_names(docker: Docker, images: Iterable[str]) -> Iterator[None]:
    """Give the names in `images` back to what had them before, so that no stand-in passes for the real one.

    In an engine of our own nobody else looks, so the names stay for the next run.
    """
    before = {} if docker.is_ours else {image: docker.find_image(image) for image in images}
    try:
        yield
    finally:
        for image, former in before.items():
            docker.attempt("image", "rm", "--force", "--no-prune", image)
            if former is not None:
                docker.attempt("tag", former["Id"], image)
