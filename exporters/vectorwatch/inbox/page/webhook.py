"""A webhook as a list of alerts, or as PagerDuty's event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..pagerduty import read_details
from ..webhook import SAID
from .markup import Html, element, is_safe_link, join, link
from .mrkdwn import render_plain
from .times import render_time

_MOST_ALERTS = 20
_NEVER = "0001-01-01"  # Go's zero time: still firing


def render_webhook(record: Mapping[str, Any]) -> Html:
    """Return a webhook: each alert with what a person needs to act, under a title if they are several."""
    payload = record["raw"]
    if "event_action" in payload:
        return _render_event(record, payload)
    # What still burns is never among those that are left out.
    alerts = sorted(payload["alerts"], key=lambda alert: alert["status"] == "resolved")
    shown = [_render_alert(alert) for alert in alerts[:_MOST_ALERTS]]
    if len(alerts) > _MOST_ALERTS:
        shown.append(element("p", f"and {len(alerts) - _MOST_ALERTS} more alerts", class_="more"))
    source = payload.get("externalURL")
    return element(
        "div",
        element("h2", str(record["title"]), class_="subject") if len(alerts) != 1 else "",
        *shown,
        element("div", *_render_links({"Alertmanager": source}), class_="links"),
        class_="webhook-message",
    )


def _render_event(record: Mapping[str, Any], event: Mapping[str, Any]) -> Html:
    details = (
        element("div", render_plain(f"{key}: {text}"), class_="description")
        for key, text in read_details(event).items()
    )
    links = {str(one.get("text")): one.get("href") for one in event.get("links") or ()}
    return element(
        "div",
        element("h2", f"Pager: {record['title']}", class_="subject"),
        *details,
        element("div", *_render_links({**links, "Alertmanager": event.get("client_url")}), class_="links"),
        class_="webhook-message",
    )


def _render_alert(alert: Mapping[str, Any]) -> Html:
    labels, annotations = alert.get("labels", {}), alert.get("annotations", {})
    said = [(key, annotations[key]) for key in SAID if annotations.get(key)]
    return element(
        "section",
        element(
            "h3",
            element("span", alert["status"], class_=f"dot {alert['status']}"),
            element("span", labels.get("alertname") or "unnamed alert"),
        ),
        *(element("div", render_plain(text), class_=key) for key, text in said),
        element("ul", *_render_labels(labels), class_="labels"),
        element(
            "div",
            *_render_times(alert),
            *_render_links({"Source": alert.get("generatorURL"), **_addresses(annotations)}),
            class_="links",
        ),
        class_="alert",
    )


def _render_labels(labels: Mapping[str, str]) -> Iterator[Html]:
    for name, value in sorted(labels.items()):
        if name != "alertname":
            yield element("li", element("b", name), value)


def _render_times(alert: Mapping[str, Any]) -> Iterator[Html]:
    for word, key in (("since", "startsAt"), ("until", "endsAt")):
        stamp = alert.get(key)
        if isinstance(stamp, str) and not stamp.startswith(_NEVER):
            yield element("span", join([f"{word} ", render_time(stamp)]))


def _addresses(annotations: Mapping[str, str]) -> dict[str, str]:
    """Return the annotations that hold an address: runbooks, dashboards."""
    names = ((name, name.removesuffix("_url").replace("_", " ").capitalize()) for name in annotations)
    return {
        word: annotations[name]
        for name, word in names
        if annotations[name].startswith(("http://", "https://"))
    }


def _render_links(addresses: Mapping[str, Any]) -> Iterator[Html]:
    for word, address in addresses.items():
        if isinstance(address, str) and is_safe_link(address):
            yield link(address, word)
