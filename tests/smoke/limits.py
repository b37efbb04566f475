"""Limits of the compose file (`ulimits`) that this machine lets no container have: in a sandbox, for one."""

from __future__ import annotations

from tests.smoke.model import Service
from tests.smoke.project import OVERRIDE, Project
from vectorwatch.demo.debian import Say


def leave_out_refused(project: Project, say: Say) -> None:
    """Leave such limits out by an override file as a user would, and say so. Raises CommandError."""
    refused = [name for name, one in project.services.items() if one.limits and not _can_have(project, one)]
    if refused:
        lines = [f"  {name}: {{ulimits: !reset null}}\n" for name in refused]
        (project.folder / OVERRIDE).write_text(f"services:\n{''.join(lines)}", encoding="utf-8")
        say(f"  left out: ulimits of {', '.join(refused)}: this machine lets no container have them")


def _can_have(project: Project, service: Service) -> bool:
    limits = [f"--ulimit={name}={value}" for name, value in service.limits.items()]
    image = project.services["setup"].image
    done = project.docker.attempt("run", "--rm", "--network=none", *limits, "--entrypoint=true", image)
    return done.returncode == 0
