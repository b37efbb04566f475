"""What Qdrant says, as far as it is compared. Field names are those of its REST API, read at 1.12 to 1.20."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from vectorwatch.errors import Reason, TargetError

# `ReplicaState::is_active` of Qdrant 1.19: these serve reads and writes.
ACTIVE_STATES = frozenset({"Active", "ReshardingScaleDown"})


class Answer(BaseModel):
    """A part of an answer; what is not compared is ignored."""

    model_config = ConfigDict(frozen=True)


def _empty_for_null(raw: Any) -> Any:
    return {} if raw is None else raw


class DenseVector(Answer):
    """Parameters of a vector of a fixed size; a point may have several of a multivector."""

    size: int
    distance: str
    multivector_config: Any = None


class Parameters(Answer):
    """`config.params`; one vector without a name is the parameters themselves, named ones are a map."""

    vectors: Annotated[DenseVector | dict[str, DenseVector], BeforeValidator(_empty_for_null)] = {}
    sparse_vectors: Annotated[dict[str, Any], BeforeValidator(_empty_for_null)] = {}
    replication_factor: int | None = None


class Configuration(Answer):
    """`config`."""

    params: Parameters


class PayloadIndex(Answer):
    """An entry of `payload_schema`; `points` have the field."""

    data_type: str
    points: int | None = None


class Collection(Answer):
    """`GET /collections/{name}`."""

    status: str
    points_count: int | None = None
    indexed_vectors_count: int | None = None
    payload_schema: Annotated[dict[str, PayloadIndex], BeforeValidator(_empty_for_null)] = {}
    config: Configuration

    @property
    def dense_vectors(self) -> Mapping[str, DenseVector]:
        """Return dense vectors by name; the one without a name is ``""``."""
        vectors = self.config.params.vectors
        return {"": vectors} if isinstance(vectors, DenseVector) else vectors

    @property
    def indexed_percent(self) -> float | None:
        """Return the share of vectors in the index; None where there is nothing to index.

        `points_count` counts points and `indexed_vectors_count` vectors, over all named ones; both are
        approximate, so that the share is clamped. How many vectors a multivector has, nobody says.
        """
        single = sum(not vector.multivector_config for vector in self.dense_vectors.values())
        expected = (self.points_count or 0) * single
        if self.indexed_vectors_count is None or expected == 0:
            return None
        return min(100.0, 100 * self.indexed_vectors_count / expected)


class LocalShard(Answer):
    """A copy of a shard on the node that answers."""

    shard_id: int
    points_count: int | None = None
    state: str


class RemoteShard(Answer):
    """A copy of a shard on another node, which alone knows its points."""

    shard_id: int
    peer_id: int
    state: str


class Spread(Answer):
    """`GET /collections/{name}/cluster`."""

    peer_id: int
    local_shards: list[LocalShard] = []
    remote_shards: list[RemoteShard] = []


class Alias(Answer):
    """An entry of `GET /aliases`."""

    alias_name: str
    collection_name: str


class Name(Answer):
    """An entry of `GET /collections`."""

    name: str


class Issue(Answer):
    """An entry of `GET /issues`; `id` is `UNINDEXED_FIELD/<collection>/<field>` for a slow filter."""

    id: str
    related_collection: str | None = None


class Point(Answer):
    """An entry of `POST /collections/{name}/points/scroll`."""

    id: int | str
    payload: Annotated[dict[str, Any], BeforeValidator(_empty_for_null)] = {}


class Names(Answer):
    """`GET /collections`."""

    collections: list[Name]


class Aliases(Answer):
    """`GET /aliases`."""

    aliases: list[Alias]


class Issues(Answer):
    """`GET /issues`."""

    issues: list[Issue]


class Count(Answer):
    """`POST /collections/{name}/points/count`."""

    count: int = Field(ge=0)


class Points(Answer):
    """`POST /collections/{name}/points/scroll`."""

    points: list[Point]


class _Envelope(Answer):
    result: Any


A = TypeVar("A", bound=Answer)


def read_answer(model: type[A], document: Any, what: str) -> A:
    """Return `result` of Qdrant's envelope as `model`. Raises TargetError(decode)."""
    try:
        return model.model_validate(_Envelope.model_validate(document).result)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"]) or "result"
        raise TargetError(Reason.DECODE, f"{what}: `{place}` is not what Qdrant answers") from None
