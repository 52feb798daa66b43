import os

import pytest

from terminal.files import FileLock, append_durably, replace_durably


def test_a_reader_sees_the_old_file_or_the_whole_new_one_and_no_draft_is_left(tmp_path):
    file = tmp_path / "state"
    replace_durably(file, b"one")
    replace_durably(file, b"two")
    assert file.read_bytes() == b"two"
    assert [each.name for each in tmp_path.iterdir()] == ["state"]


def test_a_file_keeps_its_mode(tmp_path):
    file = tmp_path / "state"
    file.write_bytes(b"")
    file.chmod(0o640)
    replace_durably(file, b"x")
    assert file.stat().st_mode & 0o777 == 0o640


def test_what_cannot_be_written_leaves_the_old_file_and_no_draft(tmp_path, monkeypatch):
    file = tmp_path / "state"
    replace_durably(file, b"old")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        replace_durably(file, b"new")
    assert file.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["state"]


def test_an_append_loses_what_a_crash_left_behind_its_place(tmp_path):
    file = tmp_path / "ids"
    append_durably(file, b"abc", 0)
    file.write_bytes(b"abc-torn")
    append_durably(file, b"def", 3)
    assert file.read_bytes() == b"abcdef"


def test_a_lock_of_this_process_is_shared_and_free_when_the_last_lets_go(tmp_path):
    one, other = FileLock(tmp_path / "state"), FileLock(tmp_path / "state")
    one.acquire()
    other.acquire()
    one.release()
    other.release()
    FileLock(tmp_path / "state").acquire()
