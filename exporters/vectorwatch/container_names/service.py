"""`vectorwatch container-names`."""

from __future__ import annotations

import logging
from pathlib import Path
from time import monotonic

from vectorwatch.serve.ending import wait_for_the_end
from vectorwatch.serve.heartbeat import beat
from vectorwatch.serve.log import configure

from .docker_folder import DockerFolder
from .name_list import NameList

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0


def keep_names(containers: Path, out: Path, heartbeat: Path) -> None:
    """Keep the list in `out` until SIGTERM, touching `heartbeat` at each look.

    Raises VectorwatchError when `containers` cannot be read, or `out` or `heartbeat` not be written.
    """
    configure("container-names", "INFO")
    folder, names = DockerFolder(containers), NameList(out)
    was_empty = False
    with wait_for_the_end() as ended:
        while not ended.is_set():
            present = folder.read()
            if not present and not was_empty:
                # In the stack we are a container ourselves.
                log.warning(
                    "%s holds no container that Docker describes, so that log lines carry ids without names."
                    " If Docker keeps them elsewhere, set DOCKER_ROOT to what"
                    " `docker info --format '{{.DockerRootDir}}'` says; Podman and others keep no such files",
                    containers,
                )
            was_empty = not present
            if names.update(present, monotonic()):
                log.info("wrote the names of %d containers", len(present))
            beat(heartbeat)
            ended.wait(LOOK_SECONDS)
