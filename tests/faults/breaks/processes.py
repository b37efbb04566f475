"""Programs that crash, hang, or run out of disk."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from tests.faults.fault import Break
from tests.faults.scene import Scene


def kill(service: str) -> Break:
    """End a service by SIGKILL; mended by a new start."""

    @contextmanager
    def killed(scene: Scene) -> Iterator[None]:
        scene.kill(service)
        yield
        scene.start(service)

    return killed


def freeze(service: str) -> Break:
    """Stop a service by SIGSTOP, so that it takes connections and answers none; mended by SIGCONT."""

    @contextmanager
    def frozen(scene: Scene) -> Iterator[None]:
        scene.signal(service, signal.SIGSTOP)
        yield
        scene.signal(service, signal.SIGCONT)

    return frozen


def forbid_writing(service: str) -> Break:
    """Let every write to a file fail, as a full disk does, by a limit of the kernel that needs no root."""

    def forbidden(scene: Scene) -> AbstractContextManager[None]:
        return _limit_file_size(scene.process_id(service))

    return forbidden


@contextmanager
def _limit_file_size(process_id: int) -> Iterator[None]:
    _, most = resource.prlimit(process_id, resource.RLIMIT_FSIZE)
    # Not the hard limit: only root could raise that again.
    resource.prlimit(process_id, resource.RLIMIT_FSIZE, (1, most))
    yield
    resource.prlimit(process_id, resource.RLIMIT_FSIZE, (most, most))
