"""Find Prometheus, Alertmanager and their companions: on PATH, else in `.tools/`, else from Debian packages.

`python -m vectorwatch.demo.tools promtool amtool` prints one path a line.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from vectorwatch.demo.bundles import BUNDLE_OF, read_version, write_version
from vectorwatch.demo.debian import PackageError, Say
from vectorwatch.demo.repository import find_repository
from vectorwatch.demo.toolbox import Toolbox
from vectorwatch.errors import VectorwatchError


class ToolsError(VectorwatchError):
    """A program that is neither here nor to be had; one line with the cause and the remedy."""


def ensure_tools(
    names: Sequence[str], folder: Path | None = None, say: Say | None = None, path: str | None = None
) -> dict[str, Path]:
    """Return the path of each program in `names`, fetching into `folder` what the machine lacks.

    `folder` defaults to `.tools/` of the checkout, `say` gets the progress lines (default: stderr),
    `path` replaces PATH. Raises ToolsError for an unknown name or a program that cannot be had.
    """
    for name in names:
        if name not in BUNDLE_OF:
            raise ToolsError(f"tools: unknown tool `{name}`; known are {', '.join(sorted(BUNDLE_OF))}")
    folder = (folder or find_repository() / ".tools").resolve()
    say = say or _say_on_stderr
    found = {name: _find_on_path(name, path, say) for name in names}
    _fill_from_toolbox(found, Toolbox(folder, say))
    return {name: program for name, program in found.items() if program is not None}


def _fill_from_toolbox(found: dict[str, Path | None], toolbox: Toolbox) -> None:
    lacking = [name for name, program in found.items() if program is None]
    found.update({name: toolbox.find(name, BUNDLE_OF[name]) for name in lacking})
    missing = [name for name in lacking if found[name] is None]
    if not missing:
        return
    bundles = [BUNDLE_OF[name] for name in missing]
    try:
        toolbox.fill(bundle for place, bundle in enumerate(bundles) if bundle not in bundles[:place])
    except PackageError as error:
        raise ToolsError(_write_remedy(missing, str(error))) from error
    except OSError as error:
        cause = f"cannot write {error.filename or 'the tools folder'}: {error.strerror}"
        raise ToolsError(_write_remedy(missing, cause)) from error
    found.update({name: toolbox.find(name, BUNDLE_OF[name]) for name in missing})


def _write_remedy(missing: Sequence[str], cause: str) -> str:
    needed = ", ".join(f"{name} {write_version(BUNDLE_OF[name].minimum)}" for name in missing)
    return f"tools: {cause}; mend that, or install these (or newer) and put them on PATH: {needed}"


def _find_on_path(name: str, path: str | None, say: Say) -> Path | None:
    bundle = BUNDLE_OF[name]
    for file_name in bundle.programs[name]:
        program = shutil.which(file_name, path=path)
        if program is None:
            continue
        version = read_version(Path(program))
        if version is not None and version >= bundle.minimum:
            return Path(program).absolute()
        told = write_version(version) if version else "of unknown version"
        say(f"tools: {program} is {told} and not used: {write_version(bundle.minimum)} or newer is needed")
    return None


def _say_on_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the path of each named program on stdout, progress on stderr; 1 when one cannot be had."""
    parser = argparse.ArgumentParser(prog="vectorwatch.demo.tools", description=__doc__)
    parser.add_argument("names", nargs="+", metavar="TOOL", help=", ".join(sorted(BUNDLE_OF)))
    parser.add_argument("--folder", type=Path, help="where fetched programs are kept (default: .tools)")
    options = parser.parse_args(arguments)
    try:
        found = ensure_tools(options.names, options.folder)
    except VectorwatchError as error:
        _say_on_stderr(str(error))
        return error.exit_code
    for name in options.names:
        print(found[name])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
