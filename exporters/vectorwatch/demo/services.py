"""What the demo runs: one description a service, in the order in which they are announced."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vectorwatch.demo import CACHE, COLLECTION
from vectorwatch.demo.app import SERVICE
from vectorwatch.demo.configuration import Configuration
from vectorwatch.demo.ports import HOST
from vectorwatch.demo.readiness import answers_http
from vectorwatch.demo.supervisor import Service
from vectorwatch.demo.valkey import describe_valkey

_VECTORWATCH = str(Path(sys.executable).parent / "vectorwatch")


@dataclass(frozen=True)
class Site:
    """Where things are: ports by service, programs by name, folders."""

    ports: Mapping[str, int]
    tools: Mapping[str, Path]
    folder: Path
    configuration: Configuration
    documentation: Path

    def url(self, service: str, path: str = "") -> str:
        """Return an HTTP address of a service."""
        return f"http://{HOST}:{self.ports[service]}{path}"


def describe_watched(site: Site) -> list[Service]:
    """Return what is watched: the engine, the cache, the load on both, and a service with users."""
    watched = [describe_engine(site), describe_cache(site), describe_workload(site)]
    return [*watched, describe_app(site), describe_app_load(site)]


def describe_watchers(site: Site) -> list[Service]:
    """Return the exporters, the probe, the inbox, Alertmanager, Jaeger if any, benchmarks, the status API."""
    qdrant = {"URL": site.url("qdrant"), **_targets_file(site, "qdrant")}
    cache = {"URL": f"redis://{HOST}:{site.ports[CACHE]}", **_targets_file(site, CACHE)}
    inbox = {
        "SMTP_HOST": HOST,
        "SMTP_PORT": str(site.ports["inbox-smtp"]),
        "DATA": str(site.folder / "inbox"),
    }
    return [
        _describe_own(site, "qdrant-exporter", ("exporter", "qdrant"), "QDRANT", qdrant),
        _describe_own(site, "dragonfly-exporter", ("exporter", "dragonfly"), "DRAGONFLY", cache),
        _describe_own(site, "gpu-exporter", ("exporter", "gpu"), "GPU", {}),
        _describe_own(site, "hnsw-probe", ("probe", "hnsw"), "HNSW", qdrant),
        _describe_own(site, "inbox", ("inbox",), "INBOX", inbox),
        describe_alertmanager(site),
        *([describe_jaeger(site)] if "jaeger" in site.ports else []),
        describe_benchmark(site),
        describe_status(site),
    ]


def describe_engine(site: Site) -> Service:
    """Return the embedded Qdrant."""
    options = ("--host", HOST, "--port", str(site.ports["qdrant"]), "--data", str(site.folder / "qdrant"))
    return Service(
        name="qdrant",
        command=(sys.executable, "-m", "vectorwatch.demo.engine", *options),
        ready=answers_http(site.url("qdrant", "/readyz")),
        url=site.url("qdrant"),
    )


def describe_cache(site: Site) -> Service:
    """Return the embedded Valkey."""
    return describe_valkey(CACHE, site.ports[CACHE], site.folder / CACHE)


def describe_workload(site: Site) -> Service:
    """Return the load; it waits for the engine by itself."""
    options = ("--qdrant-url", site.url("qdrant"), "--cache-url", f"redis://{HOST}:{site.ports[CACHE]}")
    command = (sys.executable, "-m", "vectorwatch.demo.workload", *options)
    return Service(
        name="workload",
        command=command,
        ready=answers_http(site.url("qdrant", f"/collections/{COLLECTION}")),
        url=f"writes, searches and caches `{COLLECTION}`",
    )


def describe_app(site: Site) -> Service:
    """Return the RAG service; it waits for the engine by itself."""
    settings = {
        "QDRANT_URL": site.url("qdrant"),
        "CACHE_URL": f"redis://{HOST}:{site.ports[CACHE]}",
        "DATA": str(site.folder / SERVICE),
        "DEMO_FAULTS": "true",
    }
    return _describe_own(site, SERVICE, ("demo-app",), "APP", settings)


def describe_app_load(site: Site) -> Service:
    """Return the users of the RAG service; they wait for it by themselves."""
    options = ("--url", site.url(SERVICE), "--keys-file", str(site.folder / SERVICE / "keys.json"))
    return Service(
        name="demo-load",
        command=(sys.executable, "-m", "vectorwatch.demo.app.load", *options),
        ready=answers_http(site.url(SERVICE, "/readyz")),
        url=f"asks {SERVICE}, with few questions at night and many at noon",
    )


def describe_alertmanager(site: Site) -> Service:
    """Return Alertmanager, started in the folder of its configuration as that demands."""
    configuration = site.configuration.alertmanager
    return Service(
        name="alertmanager",
        command=(
            str(site.tools["alertmanager"]),
            f"--config.file={configuration}",
            f"--storage.path={site.folder / 'alertmanager'}",
            f"--web.listen-address={HOST}:{site.ports['alertmanager']}",
            f"--web.external-url={site.url('alertmanager')}",
            "--cluster.listen-address=",  # alone: no gossip, no port for it
        ),
        ready=answers_http(site.url("alertmanager", "/-/ready")),
        url=site.url("alertmanager"),
        folder=configuration.parent,
    )


def describe_jaeger(site: Site) -> Service:
    """Return Jaeger, which keeps its traces in the folder of this run."""
    return Service(
        name="jaeger",
        command=(str(site.tools["jaeger"]), *(f"--config={path}" for path in site.configuration.jaeger)),
        ready=answers_http(site.url("jaeger-health", "/status")),
        url=site.url("jaeger"),
    )


def describe_status(site: Site) -> Service:
    """Return the status API; until Prometheus runs it says that it cannot tell."""
    asked = [name for name in ("prometheus", "alertmanager", "inbox", "jaeger") if name in site.ports]
    lists = {"QDRANT": _targets_file(site, "qdrant"), "CACHE": _targets_file(site, CACHE)}
    settings = {
        **{f"{name.upper()}_URL": site.url(name) for name in asked},
        **{f"{kind}_{name}": value for kind, file in lists.items() for name, value in file.items()},
    }
    return _describe_own(site, "status", ("status-api",), "STATUS", settings)


def describe_benchmark(site: Site) -> Service:
    """Return the benchmarks of the engine and the cache."""
    lists = {"QDRANT": _targets_file(site, "qdrant"), "CACHE": _targets_file(site, CACHE)}
    settings = {
        "DATA": str(site.folder / "benchmark"),
        # So that there is a baseline to look at after two minutes, not after an hour.
        "INTERVAL_SECONDS": "15",
        "BASELINE_RUNS": "6",
        **{f"{kind}_{name}": value for kind, file in lists.items() for name, value in file.items()},
    }
    return _describe_own(site, "benchmark", ("benchmark", "serve"), "BENCHMARK", settings)


def describe_prometheus(site: Site) -> Service:
    """Return Prometheus; it starts last, so that its first scrapes find everybody."""
    return Service(
        name="prometheus",
        command=(
            str(site.tools["prometheus"]),
            f"--config.file={site.configuration.prometheus}",
            f"--storage.tsdb.path={site.folder / 'prometheus'}",
            f"--web.listen-address={HOST}:{site.ports['prometheus']}",
            f"--web.external-url={site.url('prometheus')}",
            f"--web.user-assets={site.documentation}",  # alerts link to the runbooks there
            "--enable-feature=exemplar-storage",
            "--web.enable-lifecycle",
            "--enable-feature=auto-reload-config",
        ),
        ready=answers_http(site.url("prometheus", "/-/ready")),
        url=site.url("prometheus"),
    )


def clean_environment() -> dict[str, str]:
    """Return our environment without settings meant for another Vectorwatch, and with no proxy to HOST."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VECTORWATCH_")}
    return {**kept, "NO_PROXY": HOST, "no_proxy": HOST}


def _describe_own(
    site: Site, name: str, arguments: tuple[str, ...], prefix: str, settings: Mapping[str, str]
) -> Service:
    variables = {"HOST": HOST, "PORT": str(site.ports[name]), **settings}
    if "jaeger-otlp" in site.ports:
        variables["TRACES_ENDPOINT"] = site.url("jaeger-otlp")
    return Service(
        name=name,
        command=(_VECTORWATCH, *arguments),
        ready=answers_http(site.url(name, "/readyz")),
        url=site.url(name),
        environment={f"VECTORWATCH_{prefix}_{key}": value for key, value in variables.items()},
    )


def _targets_file(site: Site, kind: str) -> dict[str, str]:
    return {"TARGETS_FILE": str(site.configuration.prometheus.parent / "targets" / f"{kind}.yml")}
