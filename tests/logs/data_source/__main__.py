"""Compare `tests/dashboards/documents.py` with Grafana's own data source for Elasticsearch.

    git clone --branch v12.7.0 https://github.com/grafana/grafana-elasticsearch-datasource build/data-source
    python -m tests.logs.data_source build/data-source

It is built (Go 1.26, three minutes the first time) and asked every search of the dashboards against a real
OpenSearch. A line a search says what differs; exit code 1 if anything does.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.dashboards.documents import Row
from tests.dashboards.queries import built_ins, read_dashboards
from tests.dashboards.searches import Search, list_searches
from tests.logs.store import GOLDEN_END_MS, HOUR_MS, Store, open_store
from vectorwatch.demo.repository import find_repository

Frame = Mapping[str, Any]


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 1:
        print(__doc__)
        return 2
    repository = find_repository()
    dashboards = read_dashboards(repository / "grafana" / "dashboards")
    searches = [search for one in dashboards for search in list_searches(one, built_ins())]
    wrong = 0
    with tempfile.TemporaryDirectory() as scratch:
        program = build(Path(arguments[0]), Path(scratch, "source"))
        with open_store(Path(scratch, "opensearch")) as store:
            for end_ms in (int(time.time() * 1000) + 1000, GOLDEN_END_MS):
                for search, frames in zip(searches, ask(program, store, searches, end_ms), strict=True):
                    rows = store.ask(search, end_ms)
                    differing = list(compare(search, rows, frames))
                    wrong += len(differing)
                    print(f"{search}: {len(rows)} rows, {'; '.join(differing) or 'the same'}")
    return 1 if wrong else 0


def build(checkout: Path, folder: Path) -> Path:
    """Build our program inside a copy of the data source's checkout; return its path."""
    shutil.copytree(checkout, folder, ignore=shutil.ignore_patterns(".git", "node_modules"))
    (folder / "ask").mkdir()
    shutil.copy(Path(__file__).with_name("main.go"), folder / "ask")
    subprocess.run([shutil.which("go") or "go", "build", "-o", "ask/ask", "./ask"], cwd=folder, check=True)
    return folder / "ask" / "ask"


def ask(program: Path, store: Store, searches: Sequence[Search], end_ms: int) -> list[list[Frame]]:
    """Return the frames with which the data source answers each search."""
    provisioned = find_repository() / "grafana/provisioning/datasources/datasources.yml"
    sources = yaml.safe_load(provisioned.read_text(encoding="utf-8"))["datasources"]
    [settings] = [one["jsonData"] for one in sources if one["uid"] == "elasticsearch"]
    question = {
        "url": store.url,
        "settings": {name: value for name, value in settings.items() if not name.startswith("tls")},
        "from": end_ms - HOUR_MS,
        "to": end_ms,
        "targets": [{**search.target, "query": search.lucene} for search in searches],
    }
    done = subprocess.run([str(program)], input=json.dumps(question), capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"the data source ended with {done.returncode}:\n{done.stderr[-2000:]}")
    answers: list[list[Frame]] = json.loads(done.stdout)
    return answers


def compare(search: Search, rows: Sequence[Row], frames: Sequence[Frame]) -> Iterator[str]:
    """Yield in which way the data source's answer to a search is another."""
    if search.panel["type"] == "timeseries":
        counted = sum(value or 0 for frame in frames for value in frame["fields"][1]["values"])
        if counted != sum(row["Count"] for row in rows):
            yield f"it counts {counted} documents"
        return
    columns = {one["name"]: one["values"] for frame in frames for one in frame["fields"]}
    lengths = {len(values) for values in columns.values()} or {0}
    if lengths != {len(rows)}:
        yield f"it gives {sorted(lengths)} rows"
        return
    for name in search.columns or ["message", "service.name", "trace.id"]:
        wanted = [row.get(name) for row in rows]
        given = columns.get(name, [None] * len(rows))
        if name != "@timestamp" and not all(map(_is_alike, wanted, given)):
            yield f"`{name}` is {given}, not {wanted}"


def _is_alike(wanted: Any, given: Any) -> bool:
    if isinstance(wanted, float) and isinstance(given, float):
        return abs(wanted - given) < 1e-6 * max(1.0, abs(wanted))
    return bool(wanted == given)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
