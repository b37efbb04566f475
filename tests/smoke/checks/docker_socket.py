"""Behind its proxy the engine's socket answers what cAdvisor asks, and nothing that rules the machine."""

from __future__ import annotations

import json

from tests.smoke.stage import CheckError, Stage

_SERVICE = "docker-socket"
_ASK = """
import http.client, json, socket, sys
def ask(method, path):
    connection = http.client.HTTPConnection("engine")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect("/volume/docker.sock")
    connection.request(method, path, body="{}" if method == "POST" else None)
    return connection.getresponse().status
print(json.dumps([ask(*question.split()) for question in sys.argv[1:]]))
"""
_FORBIDDEN = 403
# As docker-compose.yml gives the machine's files to cAdvisor, for which there is no image here.
_MACHINE = ("--volume=/:/rootfs:ro", "--tmpfs=/rootfs/run:mode=0700,size=4k", "--cap-add=DAC_READ_SEARCH")
_LIST = "import os; print(*os.listdir('/rootfs/run'))"


def answers_little(stage: Stage) -> str:
    """Ask the proxied socket as cAdvisor does, and as somebody who means harm. Raises CheckError."""
    volume = stage.project.volumes["docker_socket"]
    own = stage.project.containers()[_SERVICE].id
    allowed = [
        "GET /_ping",
        "HEAD /_ping",
        "GET /v1.41/info",
        "GET /version",
        f"GET /v1.41/containers/{own}/json",
    ]
    refused = [
        "POST /v1.41/containers/create",
        f"POST /v1.41/containers/{own}/exec",
        f"DELETE /v1.41/containers/{own}",
        "GET /v1.41/containers/json",
        f"GET /v1.41/containers/{own}/archive?path=/",
        f"GET /v1.41/containers/{own}/logs?stdout=1",
        "GET /v1.41/info/../secrets",
        "GET /v1.41/images/json",
        f"POST /v1.41/containers/{own}/json",
    ]
    got = json.loads(stage.project.run_on_volume(volume, "0:0", _ASK, arguments=[*allowed, *refused]))
    for question, status in zip(allowed, got[: len(allowed)], strict=True):
        if status >= 400:
            raise CheckError(f"{question} is answered by {status}, and cAdvisor needs it", (_SERVICE,))
    for question, status in zip(refused, got[len(allowed) :], strict=True):
        if status != _FORBIDDEN:
            raise CheckError(f"{question} is answered by {status}", (_SERVICE,))
    _see_that_a_tmpfs_hides_it(stage)
    return f"{len(allowed)} questions answered, {len(refused)} refused"


def _see_that_a_tmpfs_hides_it(stage: Stage) -> None:
    project = stage.project
    options = ("--rm", "--network=none", "--cap-drop=ALL", "--user=0:0", "--entrypoint=python", *_MACHINE)
    image = project.services["setup"].image
    if found := project.docker.run("run", *options, image, "-c", _LIST).strip():
        raise CheckError(f"below /rootfs/run cAdvisor would see {found}", ("cadvisor",))
