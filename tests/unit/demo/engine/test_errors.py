"""What the engine raises becomes a refusal with the right status."""

from __future__ import annotations

import pytest

from vectorwatch.demo.engine.errors import EngineFault, NotFound, WrongInput, from_engine


@pytest.mark.parametrize(
    ("raised", "kind", "status"),
    [
        (Exception("Vector dimension error: expected dim: 4, got 3"), WrongInput, 400),
        (TypeError("failed to extract enum\n- variant"), WrongInput, 400),
        (Exception("No point with id 7"), NotFound, 404),
        (Exception("Service runtime error: disk full"), EngineFault, 500),
        (type("PanicException", (BaseException,), {})("called unwrap"), EngineFault, 500),
    ],
    ids=["dimension", "conversion", "point", "service", "panic"],
)
def test_engine_error_is_translated(raised: BaseException, kind: type[Exception], status: int) -> None:
    @from_engine
    def fail() -> None:
        raise raised

    with pytest.raises(kind) as caught:
        fail()
    assert getattr(caught.value, "status", None) == status
    assert "\n" not in str(caught.value)


def test_interrupt_is_not_mistaken_for_a_fault() -> None:
    @from_engine
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
