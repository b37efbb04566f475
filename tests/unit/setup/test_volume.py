from __future__ import annotations

import os
import re
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectorwatch.errors import VectorwatchError
from vectorwatch.setup.volume import FORMAT, SecretsVolume

UID = 472
Open = Callable[[], SecretsVolume]


def test_a_secret_is_random_long_and_letters_and_digits_alone(open_volume: Open) -> None:
    volume = open_volume()
    with volume.open():
        for name in ("one", "two"):
            volume.create(name)
    assert volume.read("one") != volume.read("two")
    assert re.fullmatch(rb"[A-Za-z0-9]{32}", volume.read("one"))


def test_only_its_service_may_read_it(open_volume: Open, tmp_path: Path, owners: Any) -> None:
    volume = open_volume()
    with volume.open():
        volume.create("one")
    assert stat.S_IMODE((tmp_path / "grafana" / "one").stat().st_mode) == 0o400
    # Written beside its place, given away, then moved there: never readable by others in between.
    assert owners.given == {".new": (UID, 0)}


def test_the_marker_is_written_last_and_only_when_all_went_well(open_volume: Open) -> None:
    volume = open_volume()

    def be_killed() -> None:
        with volume.open():
            volume.create("one")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        be_killed()
    assert (volume.names(), volume.format) == ({"one"}, None)
    with volume.open():
        pass
    assert volume.format == FORMAT


def test_a_file_that_was_cut_short_is_not_taken_for_a_secret(open_volume: Open, tmp_path: Path) -> None:
    (tmp_path / "grafana" / "admin_password").write_text("")
    (tmp_path / "grafana" / ".new").write_text("half")
    volume = open_volume()
    assert volume.names() == set()
    with volume.open():
        assert not (tmp_path / "grafana" / ".new").exists()


def test_a_marker_that_is_no_number_counts_as_none(open_volume: Open, tmp_path: Path) -> None:
    (tmp_path / "grafana" / ".format").write_text("")
    assert open_volume().format is None


def test_a_volume_of_a_newer_version_is_left_alone(open_volume: Open, tmp_path: Path) -> None:
    (tmp_path / "grafana" / ".format").write_text("7\n")
    with pytest.raises(VectorwatchError) as caught, open_volume().open():
        pytest.fail("opened")
    assert str(caught.value) == (
        "setup: grafana: the secrets are of format 7, written by a newer version; this one knows 1."
        " Use the newer version, or restore a backup"
    )


def test_what_is_the_same_is_not_written_again(open_volume: Open, tmp_path: Path) -> None:
    volume = open_volume()
    with volume.open():
        assert volume.put("slack_url", b"a")
        (tmp_path / "grafana" / "slack_url").chmod(0o444)
        assert volume.put("slack_url", b"a"), "its mode was wrong"
        assert volume.put("slack_url", b"b")
    assert volume.read("slack_url") == b"b"


@pytest.mark.skipif(os.getuid() != 0, reason="only root may give a file to another user")
def test_root_gives_the_file_to_the_services_user(tmp_path: Path) -> None:
    volume = SecretsVolume(tmp_path, UID)
    with volume.open():
        volume.create("one")
    before = volume.read("one")
    status = (tmp_path / "one").stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (UID, 0, 0o400)
    with volume.open():
        assert not volume.put("one", before)
        os.chown(tmp_path / "one", 0, 0)
        volume.protect("one")
    assert ((tmp_path / "one").stat().st_uid, volume.read("one")) == (UID, before)


def test_two_set_ups_at_once_wait_for_one_another(open_volume: Open) -> None:
    inside = threading.Event()
    order: list[str] = []

    def second() -> None:
        inside.wait()
        with open_volume().open():
            order.append("second")

    thread = threading.Thread(target=second)
    with open_volume().open():
        thread.start()
        inside.set()
        thread.join(0.3)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_a_volume_that_is_not_mounted_is_one_line(tmp_path: Path) -> None:
    with (
        pytest.raises(VectorwatchError, match=r"^setup: gone: no volume at .*gone \(No such file"),
        SecretsVolume(tmp_path / "gone", UID).open(),
    ):
        pytest.fail("opened")
