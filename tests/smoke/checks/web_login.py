"""With WEB_LOGIN=1 Prometheus and Alertmanager ask everybody for a password, and the stack has it."""

from __future__ import annotations

import httpx

from tests.smoke.checks import health
from tests.smoke.checks.secret_files import read_secrets
from tests.smoke.stage import CheckError, Stage, changed_settings, wait
from vectorwatch.serve.web_login import WEB_USER

_ASKED = {"prometheus": "/api/v1/query?query=up", "alertmanager": "/api/v2/silences"}
_UP = "min_over_time(up{job=~'prometheus|alertmanager'}[30s])"


def is_asked_for(stage: Stage) -> str:
    """Switch it on as a user does, see who is let in, and that all goes on; switch it off again."""
    started = {name: stage.project.containers()[name].started_at for name in _ASKED}
    with changed_settings(stage, "WEB_LOGIN=1"):
        stage.project.up(stage.started)
        secrets = read_secrets(stage.project, stage.project.volumes)
        passwords = {server: secrets[server][f"{server}_password"].text for server in _ASKED}
        for server, path in _ASKED.items():
            for password, wanted in (("", 401), ("wrong", 401), (passwords[server], 200)):
                if (found := _ask(stage, server, path, password).status_code) != wanted:
                    raise CheckError(f"{server} answers {found} instead of {wanted}", (server,))
        watched = health.stay_healthy(stage)
        wait(lambda: _explain_scrapes(stage, passwords["prometheus"]), "both are scraped", tuple(_ASKED))
        wait(lambda: _explain_status(stage), "the status API reads Prometheus", ("status",))
    for server, path in _ASKED.items():
        if (found := _ask(stage, server, path, "any").status_code) != httpx.codes.OK:
            raise CheckError(f"{server} still asks for a password and answers {found}", (server,))
        if stage.project.containers()[server].started_at != started[server]:
            raise CheckError(f"{server} was started again", (server,))
    return (
        f"strangers are refused, scrapes and the status API are not; {watched}; off again without a restart"
    )


def _ask(stage: Stage, server: str, path: str, password: str) -> httpx.Response:
    login = (WEB_USER, password) if password else None
    return httpx.get(stage.project.url(server) + path, auth=login, timeout=10, trust_env=False)


def _explain_scrapes(stage: Stage, password: str) -> str:
    answer = _ask(stage, "prometheus", f"/api/v1/query?query={_UP}", password).json()
    values = [row["value"][1] for row in answer["data"]["result"]]
    return "" if values == ["1", "1"] else f"up is {values}"


def _explain_status(stage: Stage) -> str:
    return str(stage.get("status", "/health/detailed").json().get("problem") or "")
