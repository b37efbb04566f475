from __future__ import annotations

import pytest

from vectorwatch.serve.metric import Kind, Metric, Sink, Table

TABLE: Table[tuple[str, int | None]] = Table(
    (
        Metric("x_things", "h", lambda item: item[1]),
        Metric("x_state", "h", lambda _item: {("a",): 1, ("b",): 0}, labels=("state",)),
    ),
    labels=("name",),
    key=lambda item: (item[0],),
)


def test_an_absent_field_is_no_series() -> None:
    sink = Sink(100)
    sink.add(TABLE, [("one", None), ("two", 2)])
    things, state = sink.families()
    assert things.samples == [(("two",), 2)]
    assert state.labels == ("name", "state")
    assert (("one", "a"), 1) in state.samples


def test_the_ceiling_counts_what_it_leaves_out() -> None:
    sink = Sink(4)
    sink.add(TABLE, [("one", 1), ("two", 2)])
    assert (sink.series, sink.dropped) == (4, 2)


def test_the_kernel_s_own_rows_pass_the_ceiling() -> None:
    sink = Sink(0)
    sink.lift_ceiling()
    sink.add(TABLE, [("one", 1)])
    assert (sink.series, sink.dropped) == (3, 0)


@pytest.mark.parametrize(("name", "kind"), [("x", Kind.COUNTER), ("x_total", Kind.GAUGE)])
def test_only_counters_end_in_total(name: str, kind: Kind) -> None:
    with pytest.raises(ValueError, match=name):
        Metric(name, "h", lambda _item: 1, kind=kind)
