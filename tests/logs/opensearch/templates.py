"""The templates of `elasticsearch/`, put as OpenSearch takes them."""

from __future__ import annotations

import json

import httpx

from vectorwatch.demo.repository import find_repository

from .shim import translate


def put_templates(client: httpx.Client) -> None:
    """Put the component templates, then the index template that is made of them."""
    folder = find_repository() / "elasticsearch"
    for kind in ("component", "index"):
        for path in sorted((folder / f"{kind}-templates").glob("*.json")):
            body = translate(json.loads(path.read_text(encoding="utf-8")))
            client.put(f"/_{kind}_template/{path.stem}", json=body).raise_for_status()
