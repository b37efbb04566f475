"""All secrets are made anew while lines flow and an alert fires: none is lost, the old ones are refused."""

from __future__ import annotations

import ssl
import subprocess
from hashlib import sha256
from secrets import token_hex
from time import monotonic

from tests.smoke.checks import alert
from tests.smoke.checks.logs import BURST_LINES, burst, explain_burst
from tests.smoke.checks.secret_files import Secrets, read_secrets
from tests.smoke.command import run
from tests.smoke.stage import CheckError, Stage, wait
from vectorwatch.demo.ports import HOST
from vectorwatch.elastic.logins import LOGINS, SUPERUSER, SUPERUSER_SECRET

_CHAIN = ("filebeat", "logstash", "elasticsearch", "kibana")
_LIMIT_SECONDS = 300.0
_BURST_SECONDS = 45
"""Longer than Logstash is stopped."""
_HALFWAY = "certificates:"
_ASK = (
    """curl -s -o /dev/null -w '%{http_code}' --cacert config/secrets/ca.crt --user "$0" """
    "https://127.0.0.1:9200/_security/_authenticate"
)


def loses_nothing(stage: Stage) -> str:
    """Rotate all while lines flow, cut off once; see new passwords, certificates, and each line once."""
    before, shown = read_secrets(stage.project, stage.project.volumes), _read_certificate(stage)
    service = f"smoke-rotation-{token_hex(6)}"
    since = stage.inbox.read_last_id()
    stage.project.compose("--profile", "*", "stop", alert.CACHE)
    with burst(stage, service, _BURST_SECONDS):
        _rotate_and_end(stage)
        start = monotonic()
        try:
            _rotate(stage)
            seconds = monotonic() - start
            alert.see(stage, "firing", since)
        finally:
            stage.project.compose("--profile", "*", "start", alert.CACHE)
        wait(lambda: explain_burst(stage, service), "all lines", _CHAIN, _LIMIT_SECONDS)
    stage.project.wait_healthy(stage.running, monotonic())
    after = read_secrets(stage.project, stage.project.volumes)
    refused = _see_passwords(stage, before, after)
    _rotate(stage, "old-authority")
    if _read_certificate(stage) == shown:
        raise CheckError("Logstash still shows its old certificate", ("logstash",))
    return (
        f"cut off once, then all in {seconds:.0f} s while {BURST_LINES} lines were written, each there once;"
        f" {refused} old passwords refused, new certificates shown"
    )


def _rotate_and_end(stage: Stage) -> None:
    """End the command after the files have changed and before any server has been told."""
    with subprocess.Popen(
        [str(stage.project.folder / "scripts/rotate-secrets")],
        env=dict(stage.project.docker.environment),
        cwd=stage.project.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as command:
        assert command.stdout
        said = []
        for line in command.stdout:
            said.append(line.strip())
            if line.startswith(_HALFWAY):
                command.terminate()
    if command.returncode != 143:
        raise CheckError(f"rotate-secrets was to be cut off, but ended with {command.returncode}: {said}")


def _rotate(stage: Stage, *names: str) -> None:
    """Run the command as a user does."""
    options = [word for name in names for word in ("--only", name)]
    run(
        ["scripts/rotate-secrets", *options],
        environment=stage.project.docker.environment,
        folder=stage.project.folder,
        timeout_seconds=_LIMIT_SECONDS,
    )


def _see_passwords(stage: Stage, before: Secrets, after: Secrets) -> int:
    users = {SUPERUSER: SUPERUSER_SECRET} | {login.user: login.secret for login in LOGINS}
    for user, secret in users.items():
        for secrets, wanted in ((before, "401"), (after, "200")):
            found = _ask(stage, user, secrets["elastic_setup"][secret].text)
            if found != wanted:
                raise CheckError(f"Elasticsearch answers {user} with {found} instead of {wanted}", _CHAIN)
    return len(users)


def _ask(stage: Stage, user: str, password: str) -> str:
    login = f"{user}:{password}"
    return stage.project.compose("exec", "-T", "elasticsearch", "bash", "-c", _ASK, login).strip()


def _read_certificate(stage: Stage) -> str:
    """Return the fingerprint of what Logstash shows a Filebeat elsewhere."""
    found = ssl.get_server_certificate((HOST, stage.project.port("logstash-beats")), timeout=10)
    return sha256(found.encode()).hexdigest()
