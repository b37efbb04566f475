"""A real Prometheus whose storage holds two recorded hours of a probe and a Qdrant exporter."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from vectorwatch.demo.ports import HOST, find_free_ports
from vectorwatch.demo.tools import ensure_tools

SECONDS = 7_200
STEP_SECONDS = 30
K = 10


BUILT = {
    "kind": "dense",
    "size": "128",
    "distance": "Cosine",
    "m": "16",
    "ef_construct": "100",
    "quantization": "none",
    "on_disk": "false",
}


@dataclass(frozen=True)
class Recorded:
    """What the probe saw of one vector; `ef` gives recall, standard error and the bucket of each latency."""

    collection: str
    ef: Mapping[str, tuple[float, float, float]]
    instance: str = "q:6333"
    vector: str = ""
    window_queries: int = 200
    queries: int = 2_000
    bypassed: str = ""
    built: Mapping[str, str] = field(default_factory=lambda: BUILT)


COLLECTIONS = (
    Recorded(
        "documents",
        {
            "default": (0.97, 0.004, 0.005),
            "64": (0.93, 0.006, 0.0025),
            "256": (0.995, 0.001, 0.01),
        },
    ),
    Recorded("saturated", {"128": (0.90, 0.007, 0.005), "512": (0.901, 0.007, 0.01)}),
    Recorded("near", {"100": (0.90, 0.007, 0.005), "128": (0.901, 0.007, 0.01)}),
    Recorded("steep", {"default": (0.52, 0.01, 0.005), "256": (0.86, 0.008, 0.01)}),
    Recorded("close", {"64": (0.945, 0.005, 0.0025)}),
    Recorded("thin", {"64": (0.99, 0.004, 0.0025)}, window_queries=12),
    Recorded("scanned", {"64": (1.0, 0.0, 0.0025)}, bypassed="too_small"),
    Recorded("flawless", {"64": (1.0, 0.0, 0.0025), "16": (0.9, 0.007, 0.001)}, built={}),
    Recorded("smallest", {"10": (0.8, 0.01, 0.1)}),
    Recorded("twice", {"64": (0.99, 0.002, 0.0025)}),
    Recorded("twice", {"64": (0.91, 0.002, 0.0025)}, instance="other:6333"),
    Recorded("named", {"64": (0.99, 0.002, 0.0025)}, vector="text"),
    Recorded("named", {"64": (0.91, 0.002, 0.0025)}, vector="image"),
    Recorded(
        "small", {"64": (0.99, 0.002, 0.0025)}, built=BUILT | {"quantization": "scalar", "on_disk": "true"}
    ),
    Recorded("current", {"64": (0.99, 0.002, 0.0025)}, built={}),
    Recorded("idle", {}),
)
BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1)
Samples = dict[str, list[tuple[dict[str, str], float, bool]]]


def samples_of(one: Recorded) -> Samples:
    """Return the last value of each series and whether it has counted up to there from 0."""
    server = {"instance": one.instance, "collection": one.collection}
    probed = {"job": "hnsw-probe", **server}
    subject = probed | {"vector": one.vector, "filter": ""}
    found: Samples = {"hnsw_points": [(probed, 1_000_000, False)], "hnsw_optimizing": [(probed, 0, False)]}
    state = "measured" if one.ef else "waiting"
    found["hnsw_state"] = [(subject | {"state": state}, 1, False)]
    if one.built:
        info = {"job": "qdrant-exporter", **server, "vector": one.vector, **one.built}
        found["qdrant_collection_vector_info"] = [(info, 1, False)]
    if not one.ef:
        return found
    found["hnsw_recall_window_queries"] = [(subject, one.window_queries, False)]
    found["hnsw_recall_objective_ratio"] = [(subject, 0.95, False)]
    found["hnsw_graph_exercised"] = [(subject, int(not one.bypassed), False)]
    found["hnsw_graph_bypassed"] = [
        (subject | {"reason": reason}, int(reason == one.bypassed), False)
        for reason in ("too_small", "graph_off")
    ]
    for ef, (recall, error, bucket) in one.ef.items():
        setting = subject | {"ef": ef, "k": str(K)}
        timed = setting | {"mode": "ann"}
        expected = one.queries * K
        for name, value, counts in (
            ("hnsw_recall_hits_total", expected * recall, True),
            ("hnsw_recall_expected_total", expected, True),
            ("hnsw_recall_standard_error_ratio", error, False),
        ):
            found.setdefault(name, []).append((setting, value, counts))
        found.setdefault("hnsw_search_duration_seconds_count", []).append((timed, one.queries, True))
        found.setdefault("hnsw_search_duration_seconds_bucket", []).extend(
            (timed | {"le": f"{bound:g}"}, one.queries * (bound >= bucket), True) for bound in BOUNDS
        )
        found["hnsw_search_duration_seconds_bucket"].append((timed | {"le": "+Inf"}, one.queries, True))
    return found


def list_samples() -> Samples:
    """Return all that is recorded, by the name of the metric."""
    alias = {"job": "qdrant-exporter", "instance": "q:6333", "alias": "current", "collection": "documents"}
    everything: Samples = {"qdrant_alias_info": [(alias, 1, False)]}
    for one in COLLECTIONS:
        for name, series in samples_of(one).items():
            held = everything.setdefault(name, [])
            # The vectors of one collection share its series. promtool refuses a series that comes twice
            # when it happens to write to disk between the two, which the hour of the day decides.
            held.extend(sample for sample in series if sample not in held)
    return everything


def write_recording(path: Path, end: float) -> None:
    """Write all as OpenMetrics, up to `end` (seconds since 1970)."""
    with path.open("w", encoding="utf-8") as stream:
        for name, members in list_samples().items():
            stream.write(f"# TYPE {name} unknown\n")
            for labels, last, counts in members:
                pairs = ",".join(f'{key}="{value}"' for key, value in labels.items())
                for passed in range(0, SECONDS + 1, STEP_SECONDS):
                    value = last * passed / SECONDS if counts else last
                    stream.write(f"{name}{{{pairs}}} {value!r} {end - SECONDS + passed:.3f}\n")
        stream.write("# EOF\n")


@pytest.fixture(scope="session")
def prometheus(
    tmp_path_factory: pytest.TempPathFactory, run_programs: Callable[..., AbstractContextManager[Any]]
) -> Iterator[str]:
    """The URL of the Prometheus; it scrapes nothing, all it knows was recorded."""
    folder = tmp_path_factory.mktemp("prometheus")
    tools = ensure_tools(["prometheus", "promtool"])
    write_recording(folder / "recording.txt", time.time())
    command = [tools["promtool"], "tsdb", "create-blocks-from", "openmetrics", "--quiet"]
    subprocess.run(
        [*map(str, command), str(folder / "recording.txt"), str(folder / "tsdb")], check=True, timeout=60
    )
    (folder / "prometheus.yml").write_text("scrape_configs: []\n")
    port = find_free_ports(1)[0]
    argv = [str(tools["prometheus"]), f"--config.file={folder / 'prometheus.yml'}"]
    argv += [f"--storage.tsdb.path={folder / 'tsdb'}", f"--web.listen-address={HOST}:{port}"]
    url = f"http://{HOST}:{port}"

    def is_ready() -> bool:
        try:
            return httpx.get(f"{url}/-/ready", trust_env=False).is_success
        except httpx.HTTPError:
            return False

    with run_programs(argv, folder / "prometheus.log", is_ready):
        yield url


@pytest.fixture
def recorded_labels() -> dict[str, set[str]]:
    """The labels of each recorded metric, without those that Prometheus adds."""
    return {
        name: {label for labels, _, _ in series for label in labels} - {"job", "instance"}
        for name, series in list_samples().items()
    }
