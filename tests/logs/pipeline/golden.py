"""The golden events: what comes in, and the documents that must come out.

Each file of tests/logs/golden/ is one event: how it `arrived_by` (beats, http, tcp), its fields as the
input makes them, and the `documents`, or the filter that `dropped` it. `make golden-logs` writes these anew.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any

from tests.logs.pipeline.model import Event, Model, Ruby

GOLDEN = Path(__file__).parents[1] / "golden"
NAMES = {
    digit * 64: {"name": f"vectorwatch-{name}-1", "image": name, "project": "vectorwatch", "service": name}
    for digit, name in {"1": "qdrant", "2": "dragonfly", "3": "prometheus", "4": "demo-app"}.items()
}
"""What `container-names` would have written: the containers of the golden events that it knows."""

_RANDOM_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def write_names(folder: Path) -> Path:
    """Write the list of containers into `folder` and return it."""
    (folder / "names.json").write_text(json.dumps(NAMES), encoding="utf-8")
    return folder


def list_cases() -> list[Path]:
    """Return the files of the golden events."""
    return sorted(GOLDEN.glob("*.json"))


def read_event(case: dict[str, Any]) -> Event:
    """Return the event of a case as its input would make it."""
    return Event(dict(case["event"]), {"arrived_by": case["arrived_by"]})


def settle(event: Event) -> dict[str, Any]:
    """Return what is written of an event; what differs from run to run becomes a word."""
    document = json.loads(json.dumps(event.fields))
    if "ingested" in document.get("event", {}):
        document["event"]["ingested"] = "(now)"
    identifier = str(event.metadata.get("id", "(none)"))
    return {
        "_index": event.metadata.get("index"),
        "_id": "(random)" if _RANDOM_ID.fullmatch(identifier) else identifier,
        **dict(sorted(document.items())),
    }


def answer(case: dict[str, Any], model: Model) -> dict[str, Any]:
    """Run a case; return its `documents`, and the filter that `dropped` it if one did."""
    before = model.dropped.copy()
    documents = [settle(event) for event in model.run(read_event(case))]
    dropped = list(model.dropped - before)
    return {"documents": documents, **({"dropped": dropped[0]} if dropped else {})}


def rewrite() -> None:
    """Write the documents of all golden events anew and name the files that changed."""
    with tempfile.TemporaryDirectory() as folder, Ruby(write_names(Path(folder))) as ruby:
        model = Model("main", ruby)
        for path in list_cases():
            former = path.read_text(encoding="utf-8")
            case = json.loads(former)
            new = {"arrived_by": case["arrived_by"], "event": case["event"], **answer(case, model)}
            text = json.dumps(new, indent=2, ensure_ascii=False) + "\n"
            if text != former:
                path.write_text(text, encoding="utf-8")
                print(f"golden-logs: changed {path.name}")


if __name__ == "__main__":
    rewrite()
