"""`make bench`: measure what the aims are about, print a table, write build/bench.json."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench import (
    dashboard_cost,
    domains,
    dragonfly_scrape,
    exposition,
    instrument,
    logs_scrape,
    notification,
    probe_share,
    qdrant_scrape,
    resident,
    rule_cost,
    series_cost,
    shutdown,
)
from tests.bench.measure import Row

MEASUREMENTS: dict[str, Callable[[], Iterator[Row]]] = {
    "dragonfly": dragonfly_scrape.rows,
    "qdrant": qdrant_scrape.rows,
    "logs": logs_scrape.rows,
    "exposition": exposition.rows,
    "probe": probe_share.rows,
    "resident": resident.rows,
    "shutdown": shutdown.rows,
    "notification": notification.rows,
    "instrument": instrument.rows,
    "domains": domains.rows,
    "series": series_cost.rows,
    "rules": rule_cost.rows,
    "dashboards": dashboard_cost.rows,
}
OUTPUT = Path("build/bench.json")


def main(wanted: list[str]) -> int:
    """Run the named measurements, or all; return 1 when an aim is missed."""
    unknown = [name for name in wanted if name not in MEASUREMENTS]
    if unknown:
        print(f"bench: unknown `{unknown[0]}`; known are {', '.join(MEASUREMENTS)}", file=sys.stderr)
        return 2
    rows: list[Row] = []
    for name in wanted or MEASUREMENTS:
        for row in MEASUREMENTS[name]():
            rows.append(row)
            print(describe(row), flush=True)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps([as_json(row) for row in rows], indent=2) + "\n")
    missed = [row.name for row in rows if not row.ok]
    print(
        f"\n{len(rows)} figures in {OUTPUT}; "
        + (f"missed: {'; '.join(missed)}" if missed else "all aims met")
    )
    return int(bool(missed))


def describe(row: Row) -> str:
    """Return one line of the table."""
    aim = "" if row.limit is None else f"at most {row.limit:g}  {'ok' if row.ok else 'MISSED'}"
    return f"{row.name:<64} {row.value:>12.6g} {row.unit:<6} {aim}".rstrip()


def as_json(row: Row) -> dict[str, object]:
    """Return one entry of the JSON file."""
    return {"name": row.name, "value": row.value, "unit": row.unit, "aim": row.limit, "ok": row.ok}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
