from __future__ import annotations

from vectorwatch.rules.subjects import match, partition
from vectorwatch.rules.tuning import Override


def test_more_labels_win_and_of_two_alike_the_later_one() -> None:
    overrides = [
        Override("t", {"instance": "a", "collection": "c"}, 3),
        Override("t", {"instance": "a"}, 1),
        Override("t", {"collection": "c"}, 2),
        Override("u", {"collection": "d"}, 4),
    ]
    assert partition(overrides) == [
        ({"instance": "a"}, {"t": 1}),
        ({"collection": "c"}, {"t": 2}),
        ({"collection": "d"}, {"u": 4}),
        ({"instance": "a", "collection": "c"}, {"t": 3}),
        ({"instance": "a", "collection": "d"}, {"t": 1, "u": 4}),
    ]


def test_a_subject_is_text_to_promql_whatever_it_holds() -> None:
    assert match({"a": 'x"\\$1'}) == 'on (a) label_replace(vector(0), "a", "x\\"\\\\$$1", "", "")'
    assert match({"a": "1", "b": "2"}) == (
        'on (a, b) label_replace(label_replace(vector(0), "a", "1", "", ""), "b", "2", "", "")'
    )
