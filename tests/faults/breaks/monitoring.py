"""Mistakes in the configuration of the monitoring, and a target that floods it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from tests.faults.page import serve_page
from tests.faults.scene import Scene, write_address

_SERIES = 25_000
_JOB = "flood"


@contextmanager
def break_prometheus_configuration(scene: Scene) -> Iterator[None]:
    """Save prometheus.yml with a mistake; Prometheus reloads by itself."""
    with _mistake(scene.stack.site.configuration.prometheus):
        yield


@contextmanager
def break_alertmanager_configuration(scene: Scene) -> Iterator[None]:
    """Save alertmanager.yml with a mistake and reload."""
    with _mistake(scene.stack.site.configuration.alertmanager):
        scene.signal("alertmanager", signal.SIGHUP)
        yield
    scene.signal("alertmanager", signal.SIGHUP)


@contextmanager
def break_target_list(scene: Scene) -> Iterator[None]:
    """Save a list of targets with a mistake."""
    with _mistake(scene.configuration / "prometheus" / "targets" / "gpu.yml"):
        yield


def watch_page(scene: Scene) -> None:
    """Serve a target with one series, and let Prometheus scrape it."""
    page = serve_page(_write_series(1))
    scene.pages.append(page)
    job = {"job_name": _JOB, "static_configs": [{"targets": [write_address(page.port)]}]}
    path = scene.configuration / "prometheus" / "jobs" / f"{_JOB}.yml"
    path.write_text(yaml.safe_dump({"scrape_configs": [job]}), encoding="utf-8")
    scene.reload_prometheus()
    scene.wait_for(f'up{{job="{_JOB}"}} == 1', "the target is scraped")


@contextmanager
def flood(scene: Scene) -> Iterator[None]:
    """Let the target of `watch_page` serve a series for each of 25,000 requests."""
    [page] = scene.pages
    page.body = _write_series(_SERIES)
    yield
    page.body = _write_series(1)


def _write_series(count: int) -> str:
    return "".join(f'flood_requests_total{{request="{number}"}} 1\n' for number in range(count))


@contextmanager
def _mistake(path: Path) -> Iterator[None]:
    right = path.read_bytes()
    path.write_bytes(b"- this: [is no\n" + right)
    yield
    path.write_bytes(right)
