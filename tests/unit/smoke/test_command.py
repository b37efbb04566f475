from __future__ import annotations

import sys

import pytest

from tests.smoke.command import CommandError, attempt, run


def test_a_failure_tells_what_the_program_said() -> None:
    with pytest.raises(CommandError, match=r"ended with 3:\nno such volume"):
        run([sys.executable, "-c", "import sys; sys.exit((print('no such volume', file=sys.stderr), 3)[1])"])


def test_a_program_that_takes_too_long_is_ended() -> None:
    with pytest.raises(CommandError, match="took longer than"):
        run([sys.executable, "-c", "import time; time.sleep(60)"], timeout_seconds=0.2)


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(CommandError, match="cannot start: No such file"):
        attempt(["no-such-program"])
