"""Where the links of dashboards lead."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import parse_qsl, unquote, urlsplit

from .finding import Finding
from .queries import Dashboard

_DASHBOARD = re.compile(r"/?d/([\w${}.-]+)")
_PROXY = re.compile(r"/?api/datasources/proxy/uid/([^/]+)/(.+)")
_RUNBOOK = re.compile(r"user/runbooks/(.+)\.md")
_PAGES = re.compile(r"/?(explore|alerting|alerting/.+|dashboards)")
_EXPANDED = re.compile(r"\$\{(\w+):queryparam\}")
_TIME = {"from", "to", "refresh", "kiosk", "viewPanel", "orgId"}


def check_links(
    dashboards: Sequence[Dashboard], provisioned: set[str], runbooks: set[str]
) -> Iterator[Finding]:
    """Find links to what is not there; `runbooks` are the names of the pages in docs/runbooks."""
    by_uid = {one.uid: one for one in dashboards}
    tags = {tag for one in dashboards for tag in one.body.get("tags", [])}
    for dashboard in dashboards:
        for link in dashboard.links:
            for said in _check_link(link, by_uid, provisioned, runbooks):
                yield Finding("link", dashboard.uid, f"{said}: {link}")
        for one in dashboard.body.get("links", []):
            if one.get("type") == "dashboards" and not set(one.get("tags", [])) & tags:
                yield Finding("link", dashboard.uid, f"no dashboard has one of the tags {one.get('tags')}")
            elif one.get("type") == "link" and not one.get("url"):
                yield Finding("link", dashboard.uid, f"`{one.get('title')}` leads nowhere")


def _check_link(
    link: str, by_uid: dict[str, Dashboard], provisioned: set[str], runbooks: set[str]
) -> Iterator[str]:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        yield "names a host, which is another where somebody else runs this"
        return
    path = unquote(parts.path)
    if found := _DASHBOARD.match(path):
        yield from _check_dashboard(found[1], parts.query, by_uid)
    elif found := _PROXY.fullmatch(path):
        yield from _check_proxy(found[1], found[2], provisioned, runbooks)
    elif not _PAGES.fullmatch(path):
        yield "is no address that Grafana has"


def _check_dashboard(uid: str, query: str, by_uid: dict[str, Dashboard]) -> Iterator[str]:
    if "${" in uid:
        return  # a field of the row that was clicked; the live test sees what stands there
    if uid not in by_uid:
        yield f"there is no dashboard `{uid}`"
        return
    names = {one["name"] for one in by_uid[uid].variables}
    given = {key for key, _ in parse_qsl(query, keep_blank_values=True)}
    given -= {key for key in given if key.startswith("${")}
    passed = {key.removeprefix("var-") for key in given - _TIME if key.startswith("var-")}
    passed |= set(_EXPANDED.findall(query)) - {"__url_time_range"}
    for key in sorted(given - _TIME):
        if not key.startswith("var-"):
            yield f"`{key}` is no parameter of a dashboard"
    for name in sorted(passed - names):
        yield f"`{uid}` has no variable `{name}`"


def _check_proxy(source: str, path: str, provisioned: set[str], runbooks: set[str]) -> Iterator[str]:
    if source != "${datasource}" and source not in provisioned:
        yield f"there is no data source `{source}`"
    if found := _RUNBOOK.fullmatch(path):
        if not found[1].startswith("${") and found[1] not in runbooks:
            yield f"there is no runbook `{found[1]}`"
    else:
        yield "is no runbook"
