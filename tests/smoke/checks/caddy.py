"""The overlay with Caddy on a running stack: TLS and one password before every page, and no page beside."""

from __future__ import annotations

import ssl
from functools import partial
from time import monotonic

import bcrypt
import httpx

from tests.smoke.project import OVERLAY, OVERRIDE, Project
from tests.smoke.stage import CheckError, Stage, changed_settings, wait
from vectorwatch.demo.ports import HOST

SERVICE = "caddy"
_LOGIN = ("me", "for-the-smoke-test")
_PAGES = {
    "prometheus": "/api/v1/query?query=up",
    "alertmanager": "/api/v2/silences",
    "inbox": "/readyz",
    "status": "/health/detailed",
    "jaeger": "/",
}
_ROOT = "print(open('/volume/caddy/pki/authorities/local/root.crt').read())"


def stands_before_the_pages(stage: Stage) -> str:
    """Switch it on as a user does, and WEB_LOGIN; ask each page; switch both off. Raises CheckError."""
    project = stage.project
    hashed = bcrypt.hashpw(_LOGIN[1].encode(), bcrypt.gensalt(4)).decode()
    (project.folder / "caddy" / "secrets" / "users").write_text(f"{_LOGIN[0]} {hashed}\n", encoding="utf-8")
    files = [*OVERLAY, *([OVERRIDE] if (project.folder / OVERRIDE).exists() else [])]
    with changed_settings(stage, f"COMPOSE_FILE={':'.join(files)}", "WEB_LOGIN=1"):
        try:
            seconds = _see_pages(stage)
        finally:
            project.compose("--profile", "*", "rm", "--stop", "--force", SERVICE)
    return (
        f"{len(_PAGES)} pages by TLS with one password after {seconds:.0f} s; without the overlay as before"
    )


def _see_pages(stage: Stage) -> float:
    """Return after how many seconds all was up, once each page is as it should be."""
    project, start = stage.project, monotonic()
    project.up([*stage.started, SERVICE])
    seconds = monotonic() - start
    trusted = ssl.create_default_context(
        cadata=project.run_on_volume(project.volumes["caddy_data"], "10001:10001", _ROOT)
    )
    for page, path in _PAGES.items():
        wait(partial(_explain_page, project, trusted, page, path), page, (SERVICE, page))
    _refuse_published(project)
    return seconds


def _explain_page(project: Project, trusted: ssl.SSLContext, page: str, path: str) -> str:
    plain = httpx.get(f"{project.url(page)}/x", timeout=10, trust_env=False)
    url = f"https://{HOST}:{project.port(page)}"
    if not plain.is_redirect or plain.headers["location"] != f"{url}/x":
        return f"plain HTTP gets {plain.status_code}"
    with httpx.Client(verify=trusted, timeout=10, trust_env=False) as client:
        answers = [client.get(url + path, auth=auth).status_code for auth in (None, ("me", "wrong"), _LOGIN)]
    return "" if answers == [401, 401, 200] else f"answers {answers}"


def _refuse_published(project: Project) -> None:
    own = {project.port(page) for page in _PAGES}
    for name, container in project.containers().items():
        if name != SERVICE and (left := own & {port.port for port in container.published}):
            raise CheckError(f"{name} is still published on {left}", (name,))
