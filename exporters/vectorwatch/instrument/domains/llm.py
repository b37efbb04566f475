"""Calls of language models: time, tokens, and cost by the price table.

A call that the cache answered uses no tokens and costs nothing: its tokens count as saved.
"""

from __future__ import annotations

from time import perf_counter

from vectorwatch.instrument.labels import one_of
from vectorwatch.instrument.metric import SECONDS, Counter, Histogram
from vectorwatch.instrument.operation import Operation, status_of
from vectorwatch.instrument.prices import load_prices

from .cost import COST, SAVED
from .limits import MODELS, MODES, STATUSES

_CACHED = one_of("true", "false")
_TOKEN_TYPES = one_of("input", "output")
_PRICES = load_prices()
CALLS = Counter(
    "vital_llm_api_calls_total",
    "Calls that ended; `cached` ones asked no model.",
    {"mode": MODES, "model": MODELS, "cached": _CACHED, "status": STATUSES},
)
DURATION = Histogram(
    "vital_llm_call_duration_seconds",
    "Time of a call; failures too, cancelled and cached ones not.",
    {"mode": MODES, "model": MODELS},
    buckets=(*SECONDS, 60.0, 120.0),
)
TIME_TO_FIRST_TOKEN = Histogram(
    "vital_llm_time_to_first_token_seconds",
    "Time until the first token came; cached calls not.",
    {"mode": MODES, "model": MODELS},
)
TOKENS = Counter(
    "vital_llm_tokens_used_total",
    "Tokens that a model read (`input`) and wrote (`output`); those of cached calls not.",
    {"mode": MODES, "model": MODELS, "token_type": _TOKEN_TYPES},
)
UNPRICED = Counter(
    "vital_llm_unpriced_tokens_total",
    "Tokens of models that the price table does not have, so that their cost is in no cost metric.",
    {"model": MODELS, "token_type": _TOKEN_TYPES},
)


class llm_call(Operation):  # noqa: N801 - read as a verb: `with track.llm_call("gpt-4o-mini") as call:`
    """Time and count one call; inside, say what it used: `call.tokens(input=…, output=…)`."""

    __slots__ = ("_cached", "_has_begun", "_input", "_mode", "_model", "_output", "_provider", "_tenant_id")
    span_name = "chat"

    def __init__(
        self, model: str, mode: str = "", tenant_id: str = "", cached: bool = False, provider: str = ""
    ) -> None:
        self._model = model
        self._mode = mode
        self._tenant_id = tenant_id
        self._cached = cached
        self._provider = provider
        self._input = self._output = 0
        self._has_begun = False

    def tokens(self, *, input: int = 0, output: int = 0) -> None:  # noqa: A002 - OpenTelemetry's words
        """Count tokens and their cost; may be called again for more of them, as they stream in."""
        model, mode = self._model, self._mode
        self._input += input
        self._output += output
        if not self._cached:
            if input:
                TOKENS.child(mode, model, "input").inc(input)
            if output:
                TOKENS.child(mode, model, "output").inc(output)
        price = _PRICES.get(model)
        if price is not None:
            dollars = input * price.input + output * price.output
            (SAVED if self._cached else COST).child("llm", mode, self._tenant_id).inc(dollars)
        elif not self._cached:
            UNPRICED.inc(model, "input", by=input)
            UNPRICED.inc(model, "output", by=output)

    def first_token(self) -> None:
        """Record that the first token has come; not for cached calls, and once: later calls do nothing."""
        if self._has_begun or self._cached:
            return
        self._has_begun = True
        TIME_TO_FIRST_TOKEN.observe(perf_counter() - self._started, self._mode, self._model)

    def record(self, seconds: float, error: BaseException | None) -> None:
        """Record its duration and how it ended."""
        status = status_of(error)
        CALLS.child(self._mode, self._model, "true" if self._cached else "false", status).inc()
        if status != "cancelled" and not self._cached:
            DURATION.observe(seconds, self._mode, self._model)

    def attributes(self) -> dict[str, str | int | float | bool]:
        """Return the attributes of OpenTelemetry's conventions for generative AI."""
        provider = {"gen_ai.provider.name": self._provider} if self._provider else {}
        return {
            **provider,
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": self._model,
            "gen_ai.usage.input_tokens": self._input,
            "gen_ai.usage.output_tokens": self._output,
            "vectorwatch.llm.cached": self._cached,
        }
