from __future__ import annotations

from pathlib import Path

import yaml

from tests.smoke.images.recipe import RECIPES, Absent, Built, GoModule, GoProgram, find_recipe
from tests.smoke.images.supply import find_registry, tells_of_absence

_REPOSITORY = Path(__file__).parents[3]


def _foreign_images() -> list[str]:
    files = ("docker-compose.yml", "caddy/docker-compose.yml")
    texts = [(_REPOSITORY / name).read_text(encoding="utf-8").replace("!override", "") for name in files]
    services = [one for text in texts for one in yaml.safe_load(text)["services"].values() if "image" in one]
    own = {service["image"] for service in services if "build" in service}
    return sorted({service["image"] for service in services} - own)


def test_every_foreign_image_has_a_recipe_and_every_recipe_an_image() -> None:
    assert {image.rpartition(":")[0] for image in _foreign_images()} == set(RECIPES)


def test_a_recipe_does_not_depend_on_tag_or_digest() -> None:
    for image in ("prom/prometheus:v9", "prom/prometheus:v9@sha256:0123", "prom/prometheus"):
        assert isinstance(find_recipe(image), GoProgram)


def test_an_image_without_a_recipe_is_named_as_not_to_be_had() -> None:
    recipe = find_recipe("localhost:5000/new:1")
    assert isinstance(recipe, Absent)
    assert "no recipe" in recipe.reason


def test_every_dockerfile_of_a_stand_in_is_there() -> None:
    folders = [recipe.folder for recipe in RECIPES.values() if isinstance(recipe, Built)]
    assert folders
    for folder in folders:
        assert (_REPOSITORY / "tests" / "smoke" / "images" / folder / "Dockerfile").is_file()


def test_every_script_that_builds_a_go_module_is_there_and_names_the_module() -> None:
    recipes = [recipe for recipe in RECIPES.values() if isinstance(recipe, GoModule)]
    assert recipes
    for recipe in recipes:
        assert f"module={recipe.module}\n" in (_REPOSITORY / recipe.script).read_text(encoding="utf-8")


def test_registries_are_told_apart_as_docker_does() -> None:
    assert find_registry("python:3.14") == "docker.io"
    assert find_registry("grafana/grafana:13") == "docker.io"
    assert find_registry("ghcr.io/a/b:1") == "ghcr.io"
    assert find_registry("localhost/a:1") == "localhost"
    assert find_registry("127.0.0.1:5000/a:1") == "127.0.0.1:5000"


def test_a_registry_that_lacks_an_image_is_not_taken_for_one_that_cannot_be_reached() -> None:
    assert tells_of_absence("Error response from daemon: manifest unknown")
    assert tells_of_absence("pull access denied for a, repository does not exist")
    assert not tells_of_absence("dial tcp: lookup registry-1.docker.io: no such host")
