from __future__ import annotations

from vectorwatch.demo.app.passages import describe_subject, find_subject, make_exercises, make_passages
from vectorwatch.demo.app.subjects import SUBJECTS


def test_there_are_a_few_hundred_passages_all_different() -> None:
    passages = make_passages()
    assert len({passage.text for passage in passages}) == len(passages) == 240
    assert [passage.number for passage in passages] == list(range(1, 241))
    assert make_passages() == passages


def test_no_passage_has_a_hole_where_a_word_should_be() -> None:
    assert not any("{" in passage.text or "}" in passage.text for passage in make_passages())


def test_every_question_names_the_subject_of_its_passage() -> None:
    passages = {passage.number: passage for passage in make_passages()}
    for exercise in make_exercises():
        assert passages[exercise.passage].subject in exercise.question


def test_every_subject_is_found_in_a_question_and_described() -> None:
    for subject in SUBJECTS:
        assert find_subject(f"Tell me about {subject.name.upper()} now") == subject.name
        assert describe_subject(subject.name) == subject.meaning


def test_an_unknown_subject_is_nothing() -> None:
    assert find_subject("How is the weather?") == ""
    assert describe_subject("weather") == ""
