"""Rate, errors and duration of the requests that an application answers, named as the requirements do."""

from __future__ import annotations

from .labels import AtMost, one_of
from .metric import Counter, Gauge, Histogram

METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"})
_METHOD = one_of(*METHODS)
# Templates are what the application's own code says, however long; a route for each tenant is cut off here.
_ENDPOINT = AtMost(1_000, of_code=True)
STATUSES = {status: str(status) for status in range(100, 600)}
"""By status: the value of its label."""

REQUESTS = Counter(
    "http_requests_total",
    "Requests answered, by method, route template and status; 499 when the client left before the answer.",
    {"method": _METHOD, "endpoint": _ENDPOINT, "status": one_of(*STATUSES.values())},
)
DURATION = Histogram(
    "http_request_duration_seconds",
    "Time from the request's headers to the end of the answer; WebSockets are not in it.",
    {"method": _METHOD, "endpoint": _ENDPOINT},
)
REQUEST_SIZE = Histogram(
    "http_request_size_bytes",
    "Size of the request's body: its `Content-Length`, or what was read of it; 0 without one.",
    {"method": _METHOD, "endpoint": _ENDPOINT},
    buckets=(0, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000),
)
ACTIVE = Gauge(
    "active_connections",
    "Requests and WebSockets that are being served now.",
    multiprocess="livesum",
)
