"""Grafana finds the dashboards that `setup` has handed on, also where no image of Grafana can be had."""

from __future__ import annotations

import json

from tests.smoke.stage import CheckError, Stage

_LIST = """
import json, pathlib
found = sorted(pathlib.Path("/volume").rglob("*.json"))
print(json.dumps({str(path.relative_to("/volume")): json.loads(path.read_text())["uid"] for path in found}))
"""


def are_handed_on(stage: Stage) -> str:
    """See that Grafana's user reads every dashboard of the checkout, and no other."""
    project = stage.project
    user = project.services["grafana"].user
    found = json.loads(project.run_on_volume(project.volumes["grafana_dashboards"], user, _LIST))
    folder = project.folder / "grafana" / "dashboards"
    wanted = {
        str(path.relative_to(folder)): json.loads(path.read_text())["uid"] for path in folder.rglob("*.json")
    }
    if not wanted or found != wanted:
        different = sorted(wanted.items() ^ found.items())
        raise CheckError(f"these dashboards are not those of the checkout: {different}", ("setup",))
    return f"{len(found)}, read as user {user}"
