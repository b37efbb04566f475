"""`make smoke`: the unchanged compose file on a real Docker engine, checked; writes build/smoke.json.

Runs a copy of the checkout as a project of its own on free ports, and leaves nothing running behind. Where no
registry can be reached, stand-ins take the place of official images, each named in the output.

While you work on one part: `python -m tests.smoke --set LOGS=0 "data survives"` makes only the checks whose
names begin so, without the log half.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from types import FrameType

from tests.smoke.command import CommandError
from tests.smoke.docker import Docker
from tests.smoke.engine.programs import fetch_programs
from tests.smoke.engine.provide import provide_engine
from tests.smoke.images.build import Builder
from tests.smoke.images.supply import Registries, Supplier, keep_names, list_bases
from tests.smoke.place import open_project, open_scratch
from tests.smoke.report import Report, write_figures, write_json
from tests.smoke.run import CHECKS, Run
from vectorwatch.demo.repository import find_repository
from vectorwatch.errors import VectorwatchError


def main() -> int:
    """Return 0 when all checks passed."""
    options = _read_arguments()
    repository, report, start = find_repository(), Report(), monotonic()
    tools, output = repository / ".tools" / "docker", repository / "build" / "smoke.json"
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    try:
        with provide_engine(tools, _say) as docker, open_scratch() as scratch:
            _run(repository, tools, docker, scratch, report, options)
    except VectorwatchError as error:
        _say(str(error))
        return error.exit_code
    finally:
        report.seconds = monotonic() - start
        write_json(report, output)
    failed = [result.check for result in report.results if not result.ok]
    verdict = f"failed: {'; '.join(failed)}" if failed else "all checks passed"
    _say(f"smoke: {verdict}, in {report.seconds:.0f} s; written to {output.relative_to(repository)}")
    return int(not report.ok)


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("checks", nargs="*", metavar="CHECK", help="how the names of checks begin; else all")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", type=_split, help="a value of .env"
    )
    options = parser.parse_args()
    options.checks = _choose(options.checks, parser)
    return options


def _choose(wanted: Sequence[str], parser: argparse.ArgumentParser) -> Sequence[str]:
    unknown = [begin for begin in wanted if not any(name.startswith(begin) for name in CHECKS)]
    if unknown:
        parser.error(f"no check begins with {unknown[0]!r}; there are: {'; '.join(CHECKS)}")
    return [name for name in CHECKS if not wanted or name.startswith(tuple(wanted))]


def _split(assignment: str) -> tuple[str, str]:
    name, sign, value = assignment.partition("=")
    if not sign:
        raise argparse.ArgumentTypeError(f"{assignment!r} is no NAME=VALUE")
    return name, value


def _run(
    repository: Path, tools: Path, docker: Docker, scratch: Path, report: Report, options: argparse.Namespace
) -> None:
    report.engine = docker.run("version", "--format", "{{.Server.Version}}").strip()
    project = open_project(repository, docker, scratch / "checkout", dict(options.set))
    run = Run(project, report, _say)
    builder = Builder(docker, lambda: fetch_programs(tools, _say), project.folder, scratch, _say)
    overlay = project.read_overlay()
    services = [*project.services.values(), *overlay]
    with keep_names(docker, {*list_bases(services), *(service.image for service in services)}):
        run.provide(Supplier(docker, builder, Registries(docker)), overlay)
        try:
            run.check(run.start(), options.checks)
        except VectorwatchError as error:
            run.show_logs(getattr(error, "services", ()))
            raise
        finally:
            with suppress(CommandError):
                project.down(with_volumes=True)
    _say("smoke: figures")
    _say("\n".join(write_figures(report)))


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
