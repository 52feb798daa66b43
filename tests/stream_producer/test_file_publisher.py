"""A file published: the summary, what is said, and going on after an end."""

import io
import json
import os
import signal
import threading
from collections.abc import Callable
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import pytest

from stream_producer.file_publisher import Choices, FilePublisher, Summary
from terminal.errors import Failure, UsageFailure
from tests.stream_consumer.fake_kinesis import Fail, FakeKinesis, service_error


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Progress is kept under the current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def csv_file(rows: int = 1_200) -> str:
    Path("listings.csv").write_text("neighborhood,area_m2\n" + "".join(f"Centro,{40 + n}\n" for n in range(rows)))
    return "listings.csv"


def publish(
    kinesis: FakeKinesis, file: str, stdin: io.BytesIO | None = None, **choices: Any
) -> tuple[Summary, str, str]:
    said = io.StringIO()
    with redirect_stderr(said):
        summary, incomplete = FilePublisher(kinesis, "listings").publish(file, Choices(**choices), stdin)
    return summary, incomplete, said.getvalue()


def ids(kinesis: FakeKinesis) -> list[str]:
    return [json.loads(record["Data"])["id"] for record in kinesis.records()]


class Forbidding(FakeKinesis):
    """Takes the first request; once it has been remembered, permission is gone."""

    forbids = True

    def put_records(self, **arguments: Any) -> dict[str, Any]:
        if self.forbids and not arguments["Records"][0]["PartitionKey"].endswith("-1"):
            while not list(Path("build/publish").glob("*.json")):
                threading.Event().wait(0.01)
            raise service_error("PutRecords", "AccessDeniedException", 400)
        return super().put_records(**arguments)


def test_a_published_file_is_summed_up() -> None:
    kinesis = FakeKinesis()

    summary, incomplete, said = publish(kinesis, csv_file())

    assert (summary.published, summary.failed, summary.invalid, summary.complete) == (1_200, 0, 0, True)
    assert summary.events_per_second > 0
    assert len(set(ids(kinesis))) == 1_200
    assert incomplete == ""
    assert said.splitlines() == [
        "listings.csv: CSV, UTF-8, delimiter ,",
        "read: neighborhood, area_m2; not there: rooms, garage_places, adm_fees, latitude, longitude, city, address",
        "1,200 ids are invented, such as L-9224de69-1 (--id-column names them)",
    ]


def test_the_first_rows_that_are_not_sent_are_shown_and_the_others_counted() -> None:
    Path("a.csv").write_text("neighborhood,area_m2\n" + "Centro,40\n" + 7 * "Centro,[b]0[/b]\n")

    summary, incomplete, said = publish(FakeKinesis(), "a.csv")

    assert (summary.published, summary.invalid) == (1, 7)
    assert incomplete == "a.csv: 7 rows were refused; --max-invalid 7 lets that pass"
    lines = [line for line in said.splitlines() if "not sent" in line or "more" in line]
    assert lines[0] == 'line 3 is not sent: area_m2: expected a number, got "[b]0[/b]"'
    assert len(lines) == 6
    assert lines[5:] == ["… and 2 more rows"]
    assert publish(FakeKinesis(), "a.csv", max_invalid=7)[1] == ""


def test_a_publisher_that_gave_up_says_how_far_it_came_and_goes_on_from_there() -> None:
    kinesis = Forbidding()
    summary, incomplete, _ = publish(kinesis, csv_file())
    assert (summary.published, summary.failed, summary.complete) == (500, 700, False)
    assert incomplete.startswith(
        "700 events were refused (PutRecords: AccessDeniedException (AccessDeniedException)): "
        "everything up to line 501 is on the stream; the same command with --resume goes on"
    )
    kinesis.forbids = False
    before = set(ids(kinesis))

    summary, incomplete, said = publish(kinesis, "listings.csv", resume=True)

    assert said.startswith("going on after line 501\n")
    assert incomplete == ""
    assert summary.published == 700
    assert len(set(ids(kinesis))) == 1_200
    assert before < set(ids(kinesis))


def test_a_complete_run_leaves_nothing_to_go_on_with() -> None:
    kinesis = FakeKinesis()
    publish(kinesis, csv_file(10))

    summary, _, said = publish(kinesis, "listings.csv", resume=True)

    assert "nothing to resume" in said
    assert summary.published == 10


def test_what_was_published_to_a_stream_of_the_same_name_before_does_not_count(folder: Path) -> None:
    publish(Forbidding(), csv_file())
    anew = FakeKinesis()
    anew.created = anew.created.replace(year=2027)

    publish(anew, "listings.csv", resume=True)

    assert len(ids(anew)) == 1_200


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_in_order_and_says_how_to_go_on(number: int) -> None:
    kinesis = FakeKinesis()
    threading.Timer(0.3, os.kill, (os.getpid(), number)).start()

    summary, incomplete, _ = publish(kinesis, csv_file(), rate=500)

    assert not summary.complete
    assert 0 < summary.published < 1_200
    assert incomplete.startswith(f"stopped: everything up to line {summary.published + 1} is on the stream")
    assert incomplete.endswith("(belo publish listings.csv --resume)")
    publish(kinesis, "listings.csv", resume=True)
    assert len(ids(kinesis)) == len(set(ids(kinesis))) == 1_200
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_run_that_begins_anew_and_fails_at_once_is_not_gone_on_with_where_an_earlier_one_ended() -> None:
    publish(Forbidding(), csv_file())
    kinesis = FakeKinesis()
    kinesis.faults["put_records"].extend(3 * [Fail("AccessDeniedException")])
    publish(kinesis, "listings.csv")
    kinesis.faults.clear()

    _, _, said = publish(kinesis, "listings.csv", resume=True)

    assert "nothing to resume" in said
    assert len(set(ids(kinesis))) == 1_200


def file_in_the_way(folder: Path) -> None:
    (folder / "build").write_text("a file where the folder would be")


def folder_that_takes_no_file(folder: Path) -> None:
    (folder / "build").mkdir()
    (folder / "build" / "publish").symlink_to("/proc/self")


@pytest.mark.parametrize("spoil", [file_in_the_way, folder_that_takes_no_file])
def test_without_a_place_for_its_progress_a_file_is_published_all_the_same_but_not_resumed(
    folder: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(folder)

    summary, _, said = publish(FakeKinesis(), csv_file(3))

    assert summary.complete
    assert "this run cannot be resumed" in said
    with pytest.raises(Failure, match="cannot tell how far"):
        publish(FakeKinesis(), "listings.csv", resume=True)


def test_standard_input_is_published_as_it_comes() -> None:
    kinesis = FakeKinesis()
    read_end, write_end = os.pipe()
    seen: list[int] = []

    def write() -> None:
        with os.fdopen(write_end, "wb", buffering=0) as pipe:
            pipe.write(b'{"neighborhood":"Centro","area_m2":40}\n')
            threading.Event().wait(0.6)
            seen.append(len(kinesis.records()))
            pipe.write(b'{"neighborhood":"Centro","area_m2":50}\n')

    threading.Thread(target=write).start()
    with os.fdopen(read_end, "rb") as stdin:
        summary, _, _ = publish(kinesis, "-", stdin)

    assert seen == [1]
    assert (summary.published, summary.complete) == (2, True)


def test_standard_input_cannot_be_resumed() -> None:
    with pytest.raises(UsageFailure, match="--resume needs a file"):
        publish(FakeKinesis(), "-", io.BytesIO(), resume=True)
