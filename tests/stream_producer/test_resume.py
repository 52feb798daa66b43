"""How far a publisher came: never ahead of the stream."""

from pathlib import Path

import pytest

from stream_producer.records import Record, RowPosition
from stream_producer.resume import Progress, progress_file
from terminal.errors import Failure


def record(row: int, turn: int = 0) -> Record:
    return Record(f"L-{row}", b"", (RowPosition(turn, row),))


def test_only_what_has_no_gap_before_it_is_acknowledged() -> None:
    progress = Progress(None)
    first, second, third = progress.watch([record(1), record(2), record(5)])

    progress.accepted([third])
    assert progress.acknowledged is None
    progress.accepted([first])
    assert progress.acknowledged == RowPosition(0, 1)
    progress.accepted([second])
    assert progress.acknowledged == RowPosition(0, 5)


def test_an_aggregated_record_acknowledges_all_its_events() -> None:
    progress = Progress(None)
    records = list(progress.watch([record(1), record(2), record(3)]))

    progress.accepted([Record("group", b"", (records[2].positions[0], records[0].positions[0]))])

    assert progress.acknowledged == RowPosition(0, 1)


def test_a_run_that_goes_on_leaves_out_what_is_acknowledged_and_nothing_else(tmp_path: Path) -> None:
    rows = [record(row, turn) for turn in range(3) for row in (1, 2, 4)]
    progress = Progress(tmp_path / "state")
    sent = list(progress.watch(rows))
    progress.accepted([sent[0], sent[1], sent[2], sent[3], sent[6]])
    progress.save()

    later = Progress(tmp_path / "state")

    assert later.load() == RowPosition(1, 1)
    assert list(later.watch(rows)) == rows[4:]


def test_a_first_run_begins_at_the_beginning(tmp_path: Path) -> None:
    progress = Progress(tmp_path / "state")

    assert progress.load() is None
    assert list(progress.watch([record(1), None])) == [record(1), None]


def test_the_position_is_saved_while_the_run_goes_on(tmp_path: Path) -> None:
    progress = Progress(tmp_path / "state")
    progress.accepted(list(progress.watch([record(1)])))

    assert Progress(tmp_path / "state").load() == RowPosition(0, 1)


def test_a_complete_run_leaves_nothing_to_resume(tmp_path: Path) -> None:
    progress = Progress(tmp_path / "state")
    progress.accepted(list(progress.watch([record(1)])))
    progress.forget()

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"{}", b'{"turn":"a","row":1}'])
def test_a_file_that_says_nothing_is_not_taken_for_the_beginning_nor_for_the_end(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "state").write_bytes(content)

    with pytest.raises(Failure, match="cannot tell how far"):
        Progress(tmp_path / "state").load()


def test_progress_belongs_to_a_stream_a_file_and_a_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = {progress_file(stream, sha, sample) for stream in "ab" for sha in "cd" for sample in (None, 1)}

    assert len(files) == 8
