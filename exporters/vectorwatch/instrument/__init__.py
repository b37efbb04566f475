"""For your own service: metrics, logs, traces and health of a FastAPI or Starlette application.

    from vectorwatch.instrument import instrument, track

    app = FastAPI()
    instrument(app, service="rag-api")

Needs `pip install vectorwatch[instrument]`, which brings nothing that only the exporters need. A program
without a web framework uses `track`, `log_context` and `configure_logs`: only `instrument` imports Starlette.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vectorwatch.log_lines.fields import annotate_request, log_context

from . import track
from .errors import SetupError
from .logs import configure_logs
from .sampling import SampledLogs, sample
from .workers import end_worker

if TYPE_CHECKING:
    from .application import Instrumentation as Instrumentation
    from .application import instrument as instrument

__all__ = [
    "Instrumentation",
    "SampledLogs",
    "SetupError",
    "annotate_request",
    "configure_logs",
    "end_worker",
    "instrument",
    "log_context",
    "sample",
    "track",
]


def __getattr__(name: str) -> Any:
    if name in ("Instrumentation", "instrument"):
        return getattr(import_module(f"{__package__}.application"), name)
    raise AttributeError(f"module `{__name__}` has no `{name}`")
