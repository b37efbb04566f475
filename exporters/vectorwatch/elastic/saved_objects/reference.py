"""Which question which object of Kibana answers: docs/reference/kibana.md."""

from __future__ import annotations

from .board import Board
from .boards import BOARDS
from .data_view import DATA_VIEWS
from .panel import Rows
from .search import SEARCHES

_HEAD = """\
# Kibana

What Kibana shows of the logs from its first start. `kibana-setup` imports it at each `docker compose up`, and
Discover begins with the data view `vw-logs` unless you have chosen another as the default.

Log in at `http://127.0.0.1:5601` as `vectorwatch`; `make credentials` shows the password. An id never
changes: `/app/dashboards#/view/<id>` opens a dashboard, `/app/discover#/view/<id>` a saved search.
"""

_TAIL = """\
## Links

- A trace's id leads to Jaeger, on `PUBLIC_HOST` and `JAEGER_PORT` of `.env`.
- A request's or a correlation id leads to all lines with that id.
- An alert's runbook and dashboard are links; the start dashboard links to Grafana.

## Change it, and keep your own

- All these objects are marked as managed: Kibana offers to copy one, and not to edit it. Save a copy;
  `kibana-setup` writes nothing but the ids in its files, so a copy stays.
- To have your own in Git, export them (Stack Management, Saved objects) into a file
  `kibana/saved-objects/<name>.ndjson` whose name does not begin with `vw-`, without the export's last line,
  which only counts: it is imported with ours.
- To change one of ours, edit `exporters/vectorwatch/elastic/saved_objects/`, then run
  `make saved-objects reference` and commit what that writes.
- `docker compose run --rm kibana-setup` imports at once what has been changed.
- An object that is no longer in a file stays in Kibana until you delete it there.

For a Kibana of your own, name its address and a file with the password of a user who may write saved objects
of the default space:

```bash
.venv/bin/vectorwatch elastic setup-kibana --source kibana/saved-objects \\
  --url https://kibana.example.com --user me --password-file password \\
  --grafana https://grafana.example.com --jaeger https://jaeger.example.com
```

Importing the files by hand works too, but leaves the words `$JAEGER_URL` and `$GRAFANA_URL` where addresses
belong.

## What setting it up says

- `waiting, … s at most`: Kibana still starts. It is asked again, for five minutes (`--patience`).
- `given up after … s`: Kibana never became ready. `docker compose logs kibana` says why; then run it again.
- `does not accept the password of elastic`: Elasticsearch keeps another password than the secret;
  `docker compose logs elasticsearch-setup` says more.
- `needs all rights on saved objects`: the user may not write them. Give it the role `kibana_admin`.
- `needs the licence basic`: a trial has ended. Send `POST /_license/start_basic` to Elasticsearch.
- `… of … objects were imported` and a line for each other one: mend what it says and run it again.

The exit code is then 1. For a broken file or setting it is 2, and Kibana has been told nothing.

## What is unproven

No Kibana could be run where this was made. The objects keep the schemas of Kibana's source (dashboards in
model 2, searches in model 5, which Kibana 9 leads on by itself) and the forms of dashboards that Elastic
publishes. Tests check that references resolve, that each field is in the mapping with a fitting type, that
queries parse, that columns and accessors of each chart fit each other, and that panels fill the grid. Setting
it up was run against a stand-in for Kibana. Nobody has seen the dashboards drawn, clicked the links, or had
the import judged by Kibana itself.
"""


def kibana_page() -> str:
    """Return the text of docs/reference/kibana.md below its first line."""
    boards = "".join(f"| {board.title} | `{board.id}` | {board.about} |\n" for board in BOARDS)
    searches = "".join(f"| {search.title} | `{search.id}` | {search.question} |\n" for search in SEARCHES)
    views = "".join(
        f"| {view.title} | `{view.id}` | `{view.pattern}` | {view.about} |\n" for view in DATA_VIEWS
    )
    return "\n".join(
        [
            _HEAD,
            f"## Dashboards\n\n| dashboard | id | what it answers |\n|---|---|---|\n{boards}",
            *(_about(board) for board in BOARDS),
            f"## Saved searches\n\n| search | id | what it answers |\n|---|---|---|\n{searches}",
            f"## Data views\n\n| data view | id | streams | what is in it |\n|---|---|---|---|\n{views}",
            _TAIL,
        ]
    )


def _about(board: Board) -> str:
    titles = [
        f"the search “{panel.title}”" if isinstance(panel, Rows) else panel.title for panel in board.panels
    ]
    choices = ", ".join(chosen.title.lower() for chosen in board.filters)
    shown = "; ".join(title for title in titles if title)
    return f"**{board.title}**, of the last {board.span.removeprefix('now-')}, by {choices}: {shown}.\n"
