"""What the API answers: the models of its OpenAPI schema."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, Field


class State(StrEnum):
    """How a component is, or all of them together."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"
    """Prometheus does not answer, and no check of our own says more."""
    NOT_CONFIGURED = "not_configured"
    """Nothing of the kind is watched; no error."""


class Alert(BaseModel):
    """A firing alert."""

    name: str = Field(description="Name of the alert rule.")
    level: str = Field(description="Its severity: critical, warning or info.")
    message: str = Field(description="What is wrong, with values.")
    threshold: float | None = Field(None, description="What it compares with, if its rule ends in a number.")
    current: float | None = Field(None, description="The value that was compared.")
    since: datetime = Field(description="When the rule began to hold.")
    labels: dict[str, str] = Field(description="What it is about.")
    runbook: str = Field("", description="What to do.")


class Check(BaseModel):
    """A question to a server itself."""

    target: str = Field(description="Address that was asked.")
    answers: bool = Field(description="Whether it answered well before the deadline.")
    milliseconds: float = Field(description="How long that took.")
    problem: str = Field("", description="Why not.")


class ComponentHealth(BaseModel):
    """One component."""

    component: str = Field(description="Name for `/health/{component}`.")
    title: str = Field(description="Name for people.")
    status: State
    reasons: list[str] = Field(description="Why it is not healthy, a sentence each.")
    metrics: dict[str, float | bool] = Field(description="What is measured of it now; absent: not known.")
    alerts: list[Alert] = Field(description="Its firing alerts, the worst first.")
    checks: list[Check] = Field(description="What its servers answered to us.")
    dashboard: str = Field(description="Dashboard that shows it.")


class Health(BaseModel):
    """All components in short."""

    status: State
    timestamp: datetime = Field(description="When this was found out.")
    version: str = Field(description="Version of Vectorwatch.")
    uptime_seconds: float = Field(description="For how long this API has run.")
    components: dict[str, State] = Field(description="State by name of the component.")
    problem: str = Field("", description="Why nothing can be told, if so.")


class DetailedHealth(BaseModel):
    """All components in full."""

    status: State
    timestamp: datetime = Field(description="When this was found out.")
    version: str = Field(description="Version of Vectorwatch.")
    uptime_seconds: float = Field(description="For how long this API has run.")
    components: dict[str, ComponentHealth] = Field(description="By name of the component.")
    metrics: dict[str, float | bool] = Field(description="All measures, as `<component>.<metric>`.")
    alerts: list[Alert] = Field(description="All firing alerts, the worst first.")
    problem: str = Field("", description="Why nothing can be told, if so.")


class Unknown(BaseModel):
    """No such component."""

    detail: str = Field(description="Which ones there are.")
