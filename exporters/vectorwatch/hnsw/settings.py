"""Settings of the HNSW probe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainValidator, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from vectorwatch.serve.http_target import HttpTarget, check_http_url
from vectorwatch.serve.settings import ConfiguredTargets, MultiTargetSettings, Port
from vectorwatch.settings import Section

_LARGEST_EF = 65_536


def _check_ef(value: Any) -> int | str:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if value == "default" or (whole and 1 <= value <= _LARGEST_EF):
        return value  # type: ignore[no-any-return]
    raise ValueError(f"give a whole number from 1 to {_LARGEST_EF}, or `default` for the server's own")


def _check_list(values: list[Any]) -> list[Any]:
    if not values:
        raise ValueError("give at least one")
    repeated = next((value for value in values if values.count(value) > 1), None)
    if repeated is not None:
        raise ValueError(f"`{repeated}` stands twice")
    return values


Ef = Annotated[int | Literal["default"], PlainValidator(_check_ef)]
EfList = Annotated[list[Ef], AfterValidator(_check_list)]
KList = Annotated[list[Annotated[int, Field(ge=1, le=1000)]], AfterValidator(_check_list)]
Ratio = Annotated[float, Field(gt=0, le=1)]


class Quantization(Section):
    """How searches treat quantized vectors, passed on as `params.quantization`."""

    ignore: bool | None = Field(None, description="Search the original vectors.")
    rescore: bool | None = Field(None, description="Score the candidates again with the original vectors.")
    oversampling: float | None = Field(None, ge=1, le=1000, description="Candidates per result.")


class CollectionPlan(Section):
    """What to measure of one collection."""

    name: str = Field(min_length=1, description="A collection or an alias.")
    vector: str | None = Field(None, description="Name of one vector; else every dense one.")
    filter: dict[str, Any] | None = Field(None, description="Qdrant filter that each search carries.")
    filter_name: str = Field("", description="Value of the label `filter`; required with `filter`.")
    ef: EfList | None = Field(None, description="As the top-level `ef`, for this collection.")
    k: KList | None = Field(None, description="As the top-level `k`, for this collection.")
    quantization: Quantization | None = Field(None, description="Search parameters for quantized vectors.")
    objective_ratio: Ratio | None = Field(None, description="As the top-level `objective_ratio`.")

    @model_validator(mode="after")
    def _name_the_filter(self) -> CollectionPlan:
        if (self.filter is None) != (not self.filter_name):
            raise ValueError("give `filter` and `filter_name` together; the name is what metrics show")
        return self


class ProbeTarget(HttpTarget):
    """One Qdrant server to probe."""

    collections: list[CollectionPlan] = Field([], description="What to measure; else every collection.")
    exclude: list[str] = Field([], description="Collections to leave out when all are measured.")

    @model_validator(mode="after")
    def _check_collections(self) -> ProbeTarget:
        if self.collections and self.exclude:
            raise ValueError("`exclude` has no meaning beside `collections`; leave one of them out")
        seen: set[tuple[str, str | None, str]] = set()
        for plan in self.collections:
            key = (plan.name, plan.vector, plan.filter_name)
            if key in seen or (plan.name, None, plan.filter_name) in seen:
                raise ValueError(
                    f"collection `{plan.name}` is configured twice with the same vector and `filter_name`"
                )
            seen.add(key)
        return self


class HnswSettings(MultiTargetSettings, ProbeTarget):
    """The probe and its first target; further targets stand in `targets`."""

    model_config = SettingsConfigDict(env_prefix="VECTORWATCH_HNSW_")

    port: Port = Field(9443, description="Port to listen on.")
    url: str = Field(
        "http://127.0.0.1:6333", description="Base URL of the first target; empty: only those of the lists."
    )
    targets: list[ProbeTarget] = Field([], description="Further targets to probe.")
    interval_seconds: float = Field(
        30.0, ge=1, le=86_400, description="From the start of one round to the start of the next."
    )
    queries_per_minute: float = Field(
        120.0, gt=0, le=60_000, description="Most searches a minute on one target, exact ones included."
    )
    max_load_ratio: Ratio = Field(
        0.01, description="Largest share of time that one target may spend on searches of the probe."
    )
    query_timeout_seconds: float = Field(5.0, gt=0, le=300, description="Longest wait for one answer.")
    slow_search_seconds: float = Field(
        1.0,
        gt=0,
        le=300,
        description="A search through the graph that takes longer makes the probe back off.",
    )
    backoff_max_seconds: float = Field(
        900.0, ge=1, le=86_400, description="Longest pause after errors or slow answers."
    )
    stale_after_intervals: int = Field(
        20,
        ge=10,
        le=10_000,
        description="Gauges without a new measurement for so many intervals are dropped.",
    )
    ef: EfList = Field(["default", 64, 256], description="Values of `hnsw_ef` to compare.")
    k: KList = Field([10], description="Numbers of results to ask for.")
    objective_ratio: Ratio = Field(0.95, description="Recall to be reached; exposed for alerts.")
    perturbation_ratio: float = Field(
        0.5, gt=0, le=10, description="Length of the noise on a stored vector, relative to the vector's own."
    )
    window_queries: int = Field(200, ge=1, le=10_000, description="Most queries behind `hnsw_recall_ratio`.")
    window_seconds: float = Field(
        3600.0, ge=60, le=604_800, description="Oldest query behind `hnsw_recall_ratio`."
    )
    reuse_queries: int = Field(
        32, ge=0, le=1000, description="Queries whose exact answer is kept for when a new one is too dear."
    )
    max_collections: int = Field(
        100, ge=1, le=10_000, description="Most collections of a target, in order of their names."
    )
    max_answer_bytes: int = Field(8 * 1024 * 1024, ge=1024, description="Largest answer read to its end.")
    seed: int | None = Field(None, description="Makes the choice of noise repeatable.")

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        return check_http_url(url) if url else url

    @model_validator(mode="after")
    def _check_probe(self) -> HnswSettings:
        for plan in self._plans():
            ef, k = self.ef_of(plan), self.k_of(plan)
            least, most = min((e for e in ef if e != "default"), default=max(k)), max(k)
            if least < most:
                raise ValueError(
                    f"{_named(plan)}`ef` {least} is below `k` {most}; the server would search with {most}"
                )
        return self

    def first_target(self) -> ProbeTarget:
        """Return the target that the top-level settings describe."""
        return ProbeTarget.model_construct(**{name: getattr(self, name) for name in ProbeTarget.model_fields})

    def target_book(self) -> ConfiguredTargets[ProbeTarget]:
        """Return the targets that may be probed."""
        first = self.first_target()
        configured = [first, *self.targets] if first.url else self.targets
        return ConfiguredTargets(configured, self.targets_file, first.at)

    def ef_of(self, plan: CollectionPlan | None) -> list[Ef]:
        """Return the values of `hnsw_ef` to compare."""
        return plan.ef if plan and plan.ef else self.ef

    def k_of(self, plan: CollectionPlan | None) -> list[int]:
        """Return the numbers of results to ask for."""
        return plan.k if plan and plan.k else self.k

    def objective_of(self, plan: CollectionPlan | None) -> float:
        """Return the recall to be reached."""
        return plan.objective_ratio if plan and plan.objective_ratio else self.objective_ratio

    @property
    def stale_after_seconds(self) -> float:
        """Return the age at which a measurement says nothing any more."""
        return self.stale_after_intervals * self.interval_seconds

    def _plans(self) -> Iterator[CollectionPlan | None]:
        yield None
        collections: Iterable[list[CollectionPlan]] = (
            self.collections,
            *(target.collections for target in self.targets),
        )
        for plans in collections:
            yield from plans


def _named(plan: CollectionPlan | None) -> str:
    return f"collection `{plan.name}`: " if plan else ""
