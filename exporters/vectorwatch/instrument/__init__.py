"""For your own service: metrics, logs, traces and health of a FastAPI or Starlette application.

    from vectorwatch.instrument import instrument, track

    app = FastAPI()
    instrument(app, service="rag-api")

Needs `pip install vectorwatch[instrument]`, which brings nothing that only the exporters need.
"""

from __future__ import annotations

from . import track

__all__ = ["track"]
