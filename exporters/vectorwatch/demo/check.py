"""`vectorwatch demo check`: the demo's story without a person, in at most five minutes.

Everything is up; searches, cache hits and recall flow; the cache is killed and CacheDown arrives as a Slack
message and as a mail; the cache comes back and both say so. With the repository's own rules and routes.
"""

from __future__ import annotations

import re
import shutil

import yaml

from vectorwatch.demo import CACHE, COLLECTION
from vectorwatch.demo.app import SERVICE
from vectorwatch.demo.inbox_api import InboxApi
from vectorwatch.demo.interruption import Interruption, catch_signals
from vectorwatch.demo.ports import HOST
from vectorwatch.demo.prometheus_api import PrometheusApi
from vectorwatch.demo.stack import Stack, gather_needs, run_stack
from vectorwatch.demo.story import Design, Question, Step, Story, StoryError, write_step

LIMIT_SECONDS = 300.0
ALERT = "CacheDown"
_WATCHED_JOBS = (
    "alertmanager",
    "app",
    "dragonfly-exporter",
    "gpu-exporter",
    "hnsw-probe",
    "inbox",
    "prometheus",
    "qdrant",
    "qdrant-exporter",
    "status",
)
_FLOWS = {
    "searches flow": 'sum(rate(rest_responses_total{job="qdrant", endpoint=~".+/points/query"}[1m])) > 0',
    "cache hits flow": "sum(rate(dragonfly_cache_hits_total[1m])) > 0",
    "answers flow": "sum(rate(vital_workflow_requests_success_total[1m])) > 0",
    "recall of a real graph flows": (
        f'hnsw_recall_ratio{{collection="{COLLECTION}"}} > 0'
        f' and on (instance, collection, vector) hnsw_graph_exercised{{collection="{COLLECTION}"}} == 1'
    ),
}
_CHANNELS = {"slack": "as a Slack message", "email": "as a mail"}


def run() -> list[Step]:
    """Tell the whole story on free ports, print the seconds of each step and return the steps.

    Raises VectorwatchError when one thing did not happen, after printing the logs that may tell why.
    """
    needs = gather_needs("free")
    with catch_signals() as interruption, run_stack(needs, interruption) as stack:
        story = _begin(stack, interruption)
        try:
            Check(stack, story).tell()
        except StoryError as error:
            _print_logs(stack, error)
            raise
    shutil.rmtree(stack.site.folder, ignore_errors=True)
    print(f"demo-check: all of it happened, in {story.seconds:.0f} s", flush=True)
    return story.steps


class Check:
    """The steps of the story."""

    def __init__(self, stack: Stack, story: Story) -> None:
        self._stack = stack
        self._story = story
        self._prometheus = PrometheusApi(stack.site.url("prometheus"))
        self._inbox = InboxApi(stack.site.url("inbox"))

    def tell(self) -> None:
        """Go through all steps. Raises StoryError, InterruptionError."""
        try:
            self._see_everything_up()
            self._see_everything_flow()
            self._see_no_alert()
            self._kill_cache()
            self._mend_cache()
        finally:
            self._prometheus.close()
            self._inbox.close()

    def _see_everything_up(self) -> None:
        suspects = ("prometheus", *_WATCHED_JOBS)
        self._story.wait({"all targets up": self._name_targets_missing}, suspects)

    def _see_everything_flow(self) -> None:
        flows = {what: self._ask_for(expression) for what, expression in _FLOWS.items()}
        self._story.wait(flows, suspects=("workload", "qdrant", CACHE, "hnsw-probe", SERVICE))

    def _see_no_alert(self) -> None:
        firing = self._prometheus.query('ALERTS{alertstate="firing", severity!="none"}')
        # Targets that a user has added are not part of the story.
        ours = [sample.labels for sample in firing if self._is_ours(sample.labels.get("instance"))]
        if ours:
            names = ", ".join(sorted({labels["alertname"] for labels in ours}))
            raise StoryError(f"alerts fire although nothing is broken: {names}", suspects=())

    def _kill_cache(self) -> None:
        since = self._inbox.read_last_id()
        hold, wait = self._prometheus.read_for_seconds(ALERT), self._read_route_seconds("group_wait")
        self._stack.kill_cache()
        self._see_arrive("firing", since, Design(hold + wait, f"for {hold:.0f}, group_wait {wait:.0f}"))

    def _mend_cache(self) -> None:
        since = self._inbox.read_last_id()
        interval = self._read_route_seconds("group_interval")
        self._stack.restart_cache()
        self._see_arrive("resolved", since, Design(interval, "group_interval, at most"))

    def _see_arrive(self, status: str, since: int, design: Design) -> None:
        expected = {
            f"{ALERT} {status} {how}": self._ask_inbox(channel, status, since)
            for channel, how in _CHANNELS.items()
        }
        self._story.wait(expected, ("prometheus", "dragonfly-exporter", "alertmanager", "inbox"), design)

    def _name_targets_missing(self) -> str:
        targets = [target for target in self._prometheus.list_targets() if self._is_ours(target.address)]
        down = [f"{target.job} {target.error}".strip() for target in targets if target.health != "up"]
        absent = set(_WATCHED_JOBS) - {target.job for target in targets}
        read = {sample.labels["job"] for sample in self._prometheus.query("{__name__=~'.+_up'} == 1")}
        unread = [job for job in ("dragonfly-exporter", "qdrant-exporter") if job not in read]
        return ", ".join([*down, *sorted(absent), *(f"{job} cannot read its target" for job in unread)])

    def _is_ours(self, address: str | None) -> bool:
        return address is None or address in {f"{HOST}:{port}" for port in self._stack.site.ports.values()}

    def _ask_for(self, expression: str) -> Question:
        return lambda: "" if self._prometheus.query(expression) else f"nothing for {expression}"

    def _ask_inbox(self, channel: str, status: str, since: int) -> Question:
        def ask() -> str:
            arrived = self._inbox.has_arrived(channel, status, ALERT, since)
            return "" if arrived else "not in the inbox"

        return ask

    def _read_route_seconds(self, name: str) -> float:
        route = yaml.safe_load(self._stack.site.configuration.alertmanager.read_text())["route"]
        return parse_duration_seconds(route[name])


def parse_duration_seconds(text: str) -> float:
    """Return the seconds of a Prometheus duration such as `1m30s`. Raises KeyError for another unit."""
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}
    return sum(int(count) * units[unit] for count, unit in re.findall(r"(\d+)([a-z]+)", text))


def _begin(stack: Stack, interruption: Interruption) -> Story:
    def announce(step: Step) -> None:
        print(write_step(step), flush=True)

    story = Story(interruption, LIMIT_SECONDS, announce, stack.start_seconds)
    print("demo-check: the story, with the seconds of each step", flush=True)
    story.note(Step("all services started", stack.start_seconds))
    return story


def _print_logs(stack: Stack, error: StoryError) -> None:
    for name in dict.fromkeys(error.suspects):
        print(f"── the end of {stack.logs / name}.log\n{stack.supervisor.read_log_end(name)}", flush=True)
