"""A page that blackbox_exporter watches, by the repository's own jobs: it fails, its certificate expires."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
import yaml

from tests.faults.page import serve_page
from tests.faults.scene import Scene, write_address
from vectorwatch.demo.ports import HOST, find_free_ports
from vectorwatch.demo.readiness import answers_http
from vectorwatch.demo.repository import find_repository
from vectorwatch.demo.supervisor import Service
from vectorwatch.demo.tools import ensure_tools

_EXPORTER = "blackbox-exporter"
_PROBED = "blackbox"
_FRESH = timedelta(days=90)
EXPIRES_AFTER_SECONDS = 60

_authority = trustme.CA()
_tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)


def watch_page(scene: Scene) -> None:
    """Serve a page over HTTPS, run blackbox_exporter, and let Prometheus probe the page."""
    _present(_FRESH)
    page = serve_page("well\n", _tls)
    scene.pages.append(page)
    _start_exporter(scene)
    targets = scene.configuration / "prometheus" / "targets" / "blackbox.yml"
    targets.write_text(yaml.safe_dump([{"targets": [f"https://{write_address(page.port)}/"]}]))
    scene.reload_prometheus()
    scene.wait_for("probe_success == 1 and probe_ssl_earliest_cert_expiry", "the page is probed")


@contextmanager
def fail(scene: Scene) -> Iterator[None]:
    """Answer with status 503."""
    [page] = scene.pages
    page.status = 503
    yield
    page.status = 200


@contextmanager
def expire_certificate(scene: Scene) -> Iterator[None]:
    """Present a certificate that expires while it is watched; mended by a fresh one."""
    _present(timedelta(seconds=EXPIRES_AFTER_SECONDS))
    yield
    _present(_FRESH)


def _present(valid: timedelta) -> None:
    """Use a new certificate for the connections to come."""
    now = datetime.now(UTC)
    certificate = _authority.issue_cert(HOST, not_before=now - timedelta(hours=1), not_after=now + valid)
    certificate.configure_cert(_tls)


def _start_exporter(scene: Scene) -> None:
    repository = find_repository()
    [port] = find_free_ports(1)
    folder = scene.configuration / _PROBED
    folder.mkdir()
    authority = folder / "authority.pem"
    _authority.cert_pem.write_to_path(str(authority))
    program = ensure_tools(["blackbox_exporter"], repository / ".tools")["blackbox_exporter"]
    modules = repository / "blackbox" / "blackbox.yml"
    service = Service(
        name=_EXPORTER,
        command=(str(program), f"--config.file={modules}", f"--web.listen-address={HOST}:{port}"),
        ready=answers_http(f"http://{HOST}:{port}/-/healthy"),
        environment={"SSL_CERT_FILE": str(authority)},
    )
    scene.stack.supervisor.start([service], announce=lambda _: None)
    _add_jobs(repository, scene.configuration / "prometheus", port)


def _add_jobs(repository: Path, folder: Path, port: int) -> None:
    """Give Prometheus the repository's own jobs, which the demo leaves out: it runs no such exporter."""
    text = (repository / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    replaced = text.replace(f"{_EXPORTER}:9115", f"{HOST}:{port}")
    replaced = replaced.replace("targets/blackbox.yml", str(folder / "targets" / "blackbox.yml"))
    jobs = yaml.safe_load(replaced)["scrape_configs"]
    own = {"scrape_configs": [job for job in jobs if job["job_name"] in (_EXPORTER, _PROBED)]}
    (folder / "jobs" / f"{_PROBED}.yml").write_text(yaml.safe_dump(own), encoding="utf-8")
