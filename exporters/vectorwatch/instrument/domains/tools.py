"""Tools that a workflow runs."""

from __future__ import annotations

from vectorwatch.instrument.metric import SECONDS, Counter, Histogram
from vectorwatch.instrument.operation import Operation, status_of

from .cost import COST
from .limits import STATUSES, names

_TOOL_NAMES = names()
EXECUTIONS = Counter(
    "vital_tool_executions_total",
    "Runs of a tool that ended: `success`, `error` or `cancelled`.",
    {"tool_name": _TOOL_NAMES, "status": STATUSES},
)
DURATION = Histogram(
    "vital_tool_duration_seconds",
    "Time of a run; failures too, cancelled ones not.",
    {"tool_name": _TOOL_NAMES},
    buckets=(*SECONDS, 60.0, 120.0),
)


class tool(Operation):  # noqa: N801 - read as a verb: `with track.tool("calculator"):`
    """Time and count one run of a tool.

    `cost_dollars` is what a run costs that does not fail; it may be set inside the block, when it is known.
    """

    __slots__ = ("_mode", "_tenant_id", "_tool_name", "cost_dollars")
    span_name = "execute_tool"

    def __init__(
        self, tool_name: str, *, cost_dollars: float = 0.0, mode: str = "", tenant_id: str = ""
    ) -> None:
        self._tool_name = tool_name
        self._mode = mode
        self._tenant_id = tenant_id
        self.cost_dollars = cost_dollars

    def record(self, seconds: float, error: BaseException | None) -> None:
        """Record its duration, how it ended and what it cost."""
        status = status_of(error)
        EXECUTIONS.inc(self._tool_name, status)
        if status != "cancelled":
            DURATION.observe(seconds, self._tool_name)
        if self.cost_dollars and error is None:
            COST.inc("tool", self._mode, self._tenant_id, by=self.cost_dollars)

    def attributes(self) -> dict[str, str | int | float | bool]:
        """Return the attributes of OpenTelemetry's conventions for generative AI."""
        return {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": self._tool_name}
