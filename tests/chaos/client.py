"""A container of ours that prints a numbered line each second, and from which unpublished servers are asked.

Its lines are what Docker has written down, so each must reach Elasticsearch.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.smoke.command import CommandError
from tests.smoke.project import Project

PRINTED = "chaos-printed"
"""`service.name` of its lines; `log.logger` is the number."""
_SERVICE = "com.docker.compose.service"
_ASK_SECONDS = 15.0
_PRINT = """
import json, time
begin = time.time_ns()
number = 0
while True:
    number += 1
    logger = f"{begin}-{number}"
    line = {"level": "info", "message": "printed", "logger": logger, "service": {"name": "chaos-printed"}}
    print(json.dumps(line), flush=True)
    time.sleep(1)
"""
_ASK = """
import json, socket, sys, urllib.request
verb, names = sys.argv[1], sys.argv[2:]
def qdrant(method, path, body):
    data = json.dumps(body).encode()
    head = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"http://qdrant:6333{path}", data, head, method=method)
    return json.load(urllib.request.urlopen(request, timeout=5))["result"]
def cache(line):
    with socket.create_connection(("dragonfly", 6379), timeout=5) as connection:
        connection.sendall(line.encode() + b"\\r\\n")
        return connection.makefile("rb").readline().decode().strip()
points = "/collections/chaos/points"
if verb == "create":
    qdrant("PUT", "/collections/chaos", {"vectors": {"size": 4, "distance": "Cosine"}})
    print("ok")
elif verb == "put-point":
    point = {"id": int(names[0]), "vector": [1.0, 0.5, 0.25, 0.125]}
    print(qdrant("PUT", points + "?wait=true", {"points": [point]})["status"])
elif verb == "points":
    found = qdrant("POST", points, {"ids": [int(name) for name in names]})
    print(json.dumps([point["id"] for point in found]))
elif verb == "put-key":
    print(cache(f"SET {names[0]} kept"))
else:
    print(json.dumps([name for name in names if cache(f"EXISTS {name}") == ":1"]))
"""


@contextmanager
def run_client(project: Project) -> Iterator[str]:
    """Run the container; yield its name. Raises CommandError."""
    name = f"{project.name}-client-{secrets.token_hex(3)}"
    options = [f"--name={name}", f"--network={project.name}_targets", "--restart=unless-stopped"]
    options += [f"--label={_SERVICE}={PRINTED}", "--log-driver=json-file", f"--log-opt=labels={_SERVICE}"]
    image = project.services["setup"].image
    project.docker.run("run", "--detach", *options, "--entrypoint=python", image, "-c", _PRINT)
    try:
        yield name
    finally:
        project.docker.attempt("rm", "--force", name)


def ask(project: Project, client: str, verb: str, *names: str) -> str:
    """Return what a server answers. Raises ConnectionError when it does not."""
    try:
        return project.docker.run(
            "exec", client, "python", "-c", _ASK, verb, *names, timeout_seconds=_ASK_SECONDS
        ).strip()
    except CommandError as error:
        raise ConnectionError(str(error)) from error


def read_printed(project: Project, client: str) -> Sequence[str]:
    """Return the numbers of all lines that Docker has written down. Raises CommandError."""
    lines = project.docker.run("logs", client).splitlines()
    return [json.loads(line)["logger"] for line in lines if line.startswith("{")]
