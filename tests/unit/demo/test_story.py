from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from vectorwatch.demo.interruption import Interruption, InterruptionError
from vectorwatch.demo.story import Design, Step, Story, StoryError, write_step


class SlowInterruption(Interruption):
    """Time passes only in pauses."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def pause(self, seconds: float) -> None:
        super().pause(0)
        self.now += seconds


@pytest.fixture
def time() -> SlowInterruption:
    return SlowInterruption()


@pytest.fixture
def story(time: SlowInterruption) -> Story:
    return Story(time, limit_seconds=300, announce=lambda _: None, clock=lambda: time.now)


def happens_at(time: SlowInterruption, seconds: float) -> Callable[[], str]:
    return lambda: "" if time.now >= seconds else "not yet"


def test_each_thing_is_noted_when_it_happens(story: Story, time: SlowInterruption) -> None:
    story.wait({"mail": happens_at(time, 90), "slack": happens_at(time, 80)}, suspects=())
    assert [(step.what, step.seconds) for step in story.steps] == [("slack", 80), ("mail", 90)]


def test_seconds_count_from_the_start_of_each_wait(story: Story, time: SlowInterruption) -> None:
    story.wait({"up": happens_at(time, 20)}, suspects=())
    story.wait({"flow": happens_at(time, 50)}, suspects=())
    assert [step.seconds for step in story.steps] == [20, 30]


def test_what_did_not_happen_is_told_with_its_suspects(story: Story, time: SlowInterruption) -> None:
    with pytest.raises(StoryError) as caught:
        story.wait({"slack": happens_at(time, 80), "mail": lambda: "not in the inbox"}, suspects=("inbox",))
    assert str(caught.value) == "not within 300 s: mail: not in the inbox"
    assert caught.value.suspects == ("inbox",)
    assert caught.value.exit_code == 1
    assert [step.what for step in story.steps] == ["slack"]


def test_one_deadline_stands_over_all_waits(story: Story, time: SlowInterruption) -> None:
    story.wait({"up": happens_at(time, 290)}, suspects=())
    with pytest.raises(StoryError):
        story.wait({"flow": lambda: "nothing"}, suspects=())
    assert time.now == pytest.approx(300, abs=1)


def test_what_was_spent_before_counts(time: SlowInterruption) -> None:
    story = Story(time, 300, announce=lambda _: None, spent_seconds=50, clock=lambda: time.now)
    with pytest.raises(StoryError):
        story.wait({"flow": lambda: "nothing"}, suspects=())
    assert time.now == pytest.approx(250, abs=1)


def test_a_server_that_does_not_answer_yet_is_asked_again(story: Story, time: SlowInterruption) -> None:
    def ask() -> str:
        if time.now < 10:
            raise httpx.ConnectError("refused")
        return ""

    story.wait({"up": ask}, suspects=())
    assert story.steps[0].seconds == 10


def test_an_interruption_ends_the_wait(story: Story, time: SlowInterruption) -> None:
    time.ask()
    with pytest.raises(InterruptionError):
        story.wait({"up": lambda: "nothing"}, suspects=())


def test_a_line_tells_what_part_is_by_design() -> None:
    step = Step("CacheDown firing as a mail", 81.52, Design(70, "for 60, group_wait 10"))
    assert write_step(step).endswith("81.5 s   of these 70 by design: for 60, group_wait 10")
    assert write_step(Step("all targets up", 18.2)).endswith("18.2 s")
