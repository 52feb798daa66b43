"""A listing out of buckets that the project's own writers have filled."""

import gzip
import json
from datetime import timedelta

import msgspec
import pytest
from botocore.exceptions import ClientError

from belo.forget import stored as stored_module
from belo.forget.places import PLACES
from lambdas.archive import Archiver
from lambdas.archive_bucket.reader import Archive
from lambdas.archive_bucket.sales import SALES
from pricing.answer.comparables import LearntListing
from pricing.listing import Features
from pricing.manifest import Golden
from stream_producer.dead_letters_bucket.letters import read
from terminal.errors import Failure
from tests.belo.forget.filled_stack import LATER, NOW, FilledStack, hashes, prediction, sale
from tests.champions import champion
from tests.conftest import DEAD_LETTERS, MODELS
from tests.events import batch, payload
from tests.lambdas.fakes import client_error
from tests.lambdas.test_monitor import Bus, live, monitor
from tests.lambdas.test_score import Room
from tests.monitoring.markets import ARCHIVE, Cloud
from training.data.groups import COLUMNS
from training.retraining.journal import FOLDER, Journal
from training.retraining.records import Evidence, Record


@pytest.fixture(params=["L-1", 'Ação "9" 🏠'])
def stack(s3, request) -> FilledStack:
    stack = FilledStack(s3, request.param)
    stack.fill()
    return stack


@pytest.fixture
def plain(s3) -> FilledStack:
    stack = FilledStack(s3, "L-1")
    stack.fill()
    return stack


def test_no_place_names_the_listing_afterwards_in_old_versions_either_and_the_others_are_all_there(stack):
    holders = stack.holders_of_each(stack.all)
    folders = {place.folder for place in PLACES} - {"index", "monitor"}
    assert all(any(key.startswith(f"{each}/") for key in holders[stack.listing]) for each in folders)

    result = stack.forget()

    left = stack.holders_of_each(stack.all)
    assert left[stack.listing] == []
    assert result.unreadable == []
    found = {name: each.traces for name, each in result.places.items()}
    assert found == {
        "dead letters": 5,  # refused, cut off, UTF-16, in an aggregate, in the damaged one
        "parked listings": 3,
        "redriven": 5,
        "sales": 3,
        "parked predictions": 3,
        "predictions": 2,
        "foreign records": 1,
        "index": 1,
        "monitor": 0,
        "retraining": 6,
    }
    assert result.places["predictions"].deleted == 1
    assert result.places["predictions"].old_versions == 4
    assert hashes(stack) == 0
    for each in stack.neighbours:
        assert left[each] == [key for key in holders[each] if not key.startswith("index/")]


def test_every_other_line_stays_byte_for_byte(stack):
    before = stack.standing()
    stack.forget()
    after = stack.standing()
    for (bucket, key), body in before.items():
        if not key.startswith(("dead-letters/", "predictions/", "foreign/", "sales/")):
            continue
        old = (gzip.decompress(body) if key.endswith(".gz") else body).splitlines(keepends=True)
        new = after.get((bucket, key), b"")
        new = (gzip.decompress(new) if new and key.endswith(".gz") else new).splitlines(keepends=True)
        left = iter(old)
        assert all(line in left for line in new), key  # in order, too
        assert len(new) < len(old)


def test_a_parked_batch_is_still_one_that_redrive_reads_and_its_other_events_are_whole(plain):
    (key,) = [key for _, key in plain.standing() if key.startswith("aws/lambda/") and _ == DEAD_LETTERS]
    before = read(key, plain.standing()[DEAD_LETTERS, key], "listings").letters
    plain.forget()
    after = read(key, plain.standing()[DEAD_LETTERS, key], "listings").letters
    assert [each.record.data for each in after[:2]] == [before[0].record.data, before[2].record.data]
    assert [each.record.partition_key for each in after] == ["L-10", "XL-1", "L-10"]
    assert len(after) == 3


def test_a_second_run_finds_nothing(plain):
    plain.forget()
    before = plain.everything()
    again = plain.forget().total
    assert (again.traces, again.rewritten, again.deleted, again.old_versions) == (0, 0, 0, 0)
    assert plain.everything() == before


def test_a_dry_run_finds_the_same_and_changes_nothing(plain):
    before = plain.everything()
    dry = plain.forget(dry_run=True)
    assert plain.everything() == before
    assert dry.dry_run
    whole = plain.forget()
    assert {name: each.traces for name, each in dry.places.items()} == {
        name: each.traces for name, each in whole.places.items()
    }


def test_nothing_of_an_unknown_listing_is_found_and_nothing_changes(plain):
    plain.listing = "L-2"
    before = plain.everything()
    assert plain.forget().total == stored_module.Found()
    assert plain.everything() == before


def test_sales_keep_their_time_also_where_only_s3_knows_it(plain):
    body = msgspec.json.Encoder().encode_lines([sale("L-1"), sale("by-hand")])
    plain.s3.put_object(Bucket=ARCHIVE, Key="sales/dt=2026-11-24/by-hand.ndjson", Body=body)

    def reported():
        return {each.listing_id: each.reported_at for each in Archive(plain.s3, ARCHIVE).sales()}

    before = reported()
    plain.forget()
    assert reported() == {name: at for name, at in before.items() if name != "L-1"}
    kinds = {
        key: plain.s3.head_object(Bucket=ARCHIVE, Key=key)["ContentType"]
        for bucket, key in plain.standing()
        if key.startswith(f"{SALES}/dt=") and "by-hand" not in key
    }
    assert set(kinds.values()) == {"application/x-ndjson"}


def test_the_archive_is_read_as_before_and_its_index_is_built_anew(plain):
    plain.forget()
    archive = Archive(plain.s3, ARCHIVE, clock=lambda: LATER)
    found = archive.of_listings(plain.all, NOW - timedelta(days=9), LATER)
    assert {each.listing_id for each in found} == {"L-10", "XL-1"}
    assert hashes(plain) == 2


def test_the_ledger_is_read_as_before_and_names_the_time_but_not_the_listing(plain):
    plain.forget()
    journal = Journal(plain.s3, ARCHIVE)
    evidence, (record,) = journal.find(Evidence, "r"), journal.records()
    assert [each.listing_id for each in evidence.sales] == ["L-10", "XL-1"]
    assert [each.listing_id for each in evidence.set_apart] == ["L-10", "XL-1"]
    assert isinstance(record, Record)
    assert (record.request.fresh.listing_id, record.request.fresh.reported_at) == ("", NOW)
    assert record.why == "no gain"
    assert any(place.folder == FOLDER for place in PLACES)


def test_documents_that_name_nothing_else_keep_their_spelling(plain):
    before = plain.standing()
    plain.listing = "L-10"
    plain.forget()
    plain.listing = "XL-1"
    plain.forget()
    key = (ARCHIVE, "retraining/r.json")
    assert plain.standing()[key] == before[key]


class Kills(Exception):
    pass


class Dying:
    """An S3 that dies at its n-th change, before or after it was taken."""

    def __init__(self, s3, at: int, *, taken: bool) -> None:
        self._s3, self._left, self._taken = s3, at, taken

    def __getattr__(self, name):
        return getattr(self._s3, name)

    def _change(self, call, arguments):
        self._left -= 1
        if self._left == 0 and self._taken:
            call(**arguments)
        if self._left <= 0:
            raise Kills
        return call(**arguments)

    def put_object(self, **arguments):
        return self._change(self._s3.put_object, arguments)

    def delete_object(self, **arguments):
        return self._change(self._s3.delete_object, arguments)


@pytest.mark.parametrize("at", [1, 3, 8, 13, 17, 21])
@pytest.mark.parametrize("taken", [False, True])
def test_a_run_that_is_killed_at_any_change_is_finished_by_the_next(plain, at, taken):
    whole = plain.holders_of_each(plain.neighbours)
    with pytest.raises(Kills):
        plain.forget(Dying(plain.s3, at, taken=taken))
    plain.forget()
    assert hashes(plain) == 0
    assert plain.holders_of_each(plain.all) == whole | {"L-1": []}


class Busy:
    """An S3 in which another process writes an object just before our first change of it; `times` in a row."""

    def __init__(self, s3, key: str, times: int = 1) -> None:
        self._s3, self._key, self._left = s3, key, times
        self.written = 0

    def __getattr__(self, name):
        return getattr(self._s3, name)

    def put_object(self, **arguments):
        if arguments["Key"] == self._key and self._left:
            self._left -= 1
            self.written += 1
            body = msgspec.json.Encoder().encode_lines([sale("L-1"), sale(f"new-{self.written}"), sale("L-10")])
            self._s3.put_object(Bucket=arguments["Bucket"], Key=self._key, Body=body)
        return self._s3.put_object(**arguments)


def sales_key(stack: FilledStack) -> str:
    return next(key for _, key in stack.standing() if key.startswith("sales/dt=") and "L-10" in _text(stack, key))


def _text(stack: FilledStack, key: str) -> str:
    return stack.standing()[ARCHIVE, key].decode()


def test_what_another_writes_meanwhile_stays_and_the_listing_is_taken_out_of_it(plain):
    key = sales_key(plain)
    plain.forget(Busy(plain.s3, key))
    assert [json.loads(line)["listing_id"] for line in _text(plain, key).splitlines()] == ["new-1", "L-10"]
    assert plain.holders("L-1") == []


def test_an_object_that_is_written_all_the_time_is_a_failure_that_names_it(plain, monkeypatch):
    monkeypatch.setattr(stored_module.time, "sleep", lambda _: None)
    with pytest.raises(Failure, match="being written by others"):
        plain.forget(Busy(plain.s3, sales_key(plain), times=99))


def test_an_object_that_would_be_empty_but_was_written_meanwhile_is_not_deleted(plain):
    (key,) = [key for bucket, key in plain.standing() if key.startswith("predictions/") and "-200-" in key]

    class Late:
        def __getattr__(self, name):
            return getattr(plain.s3, name)

        def delete_object(self, **arguments):
            if arguments["Key"] == key and "IfMatch" in arguments and not done:
                done.append(1)
                body = gzip.compress(msgspec.json.encode({"listing_id": "L-10"}) + b"\n")
                plain.s3.put_object(Bucket=ARCHIVE, Key=key, Body=body)
                raise client_error("PreconditionFailed", 412)
            return plain.s3.delete_object(**arguments)

    done: list[int] = []
    plain.forget(Late())
    assert b"L-10" in gzip.decompress(plain.standing()[ARCHIVE, key])
    assert plain.holders("L-1") == []


def test_a_write_whose_answer_was_lost_still_takes_the_old_version_along(plain):
    class Lossy:
        """Every conditional write is sent twice, as botocore does after a lost answer."""

        def __getattr__(self, name):
            return getattr(plain.s3, name)

        def put_object(self, **arguments):
            plain.s3.put_object(**arguments)
            return plain.s3.put_object(**arguments)

    plain.forget(Lossy())
    assert plain.holders("L-1") == []


def test_old_versions_of_a_key_that_was_deleted_go_too(plain):
    for bucket, key in plain.standing():
        if key.startswith("predictions/"):
            plain.s3.delete_object(Bucket=bucket, Key=key)
    result = plain.forget()
    assert result.places["predictions"].traces == 0
    assert result.places["predictions"].old_versions == 4
    assert plain.holders("L-1") == []


def test_what_is_not_of_its_kind_is_named_and_left_alone_and_the_rest_is_done(plain):
    plain.s3.put_object(Bucket=ARCHIVE, Key="predictions/dt=2026-11-24/torn.ndjson.gz", Body=b"\x1f\x8btorn")
    plain.s3.put_object(Bucket=DEAD_LETTERS, Key="aws/lambda/other", Body=b'{"payload":"{}"}')
    result = plain.forget()
    assert [each.partition(":")[0] for each in result.unreadable] == [
        "dead-letters/aws/lambda/other",
        "archive/predictions/dt=2026-11-24/torn.ndjson.gz",
    ]
    assert plain.holders("L-1") == []


def test_an_error_of_s3_is_not_swallowed(plain):
    class Refusing:
        def __getattr__(self, name):
            return getattr(plain.s3, name)

        def put_object(self, **arguments):
            raise client_error("AccessDenied", 403)

    with pytest.raises(ClientError, match="AccessDenied"):
        plain.forget(Refusing())


def test_verdicts_and_alarms_name_the_listing_no_more_and_are_read_as_before(s3):
    s3.create_bucket(Bucket=ARCHIVE)
    s3.put_bucket_versioning(Bucket=ARCHIVE, VersioningConfiguration={"Status": "Enabled"})
    cloud = Cloud(s3)
    cloud.promote()
    live(cloud, rise=1.25)
    bus = Bus()
    for hour in range(2):  # the second verdict leaves an old version of the newest
        monitor(cloud, bus).run(NOW - timedelta(days=14) + timedelta(hours=hour))
    fresh = bus.details[0]["fresh"]
    stack = FilledStack(s3, fresh["listing_id"])
    assert {"monitor/latest.json", f"monitor/alarms/{bus.details[0]['id']}.json"} <= set(stack.holders(stack.listing))

    result = stack.forget().places["monitor"]

    assert stack.holders(stack.listing) == []
    assert result.old_versions >= 1
    (alarm,) = Journal(s3, ARCHIVE).alarms()
    assert alarm.fresh.listing_id == ""
    assert alarm.fresh.reported_at.isoformat() == fresh["reported_at"].replace("Z", "+00:00")


def test_a_prediction_that_is_archived_again_is_found_by_the_next_run(plain):
    plain.forget()
    Archiver(plain.s3, ARCHIVE)(batch(prediction("L-1"), first=100))
    assert plain.forget().places["predictions"].traces == 1
    assert plain.holders("L-1") == []


def test_functions_log_nothing_of_a_listing(plain, capsys):
    champion("7").put(plain.s3, MODELS)
    capsys.readouterr()
    plain.archive()
    Room(plain.s3).score(payload("L-1"), payload("L-1", area_m2=-3), b"L-1")
    logged = capsys.readouterr().out
    assert [json.loads(line)["function"] for line in logged.splitlines()] == ["archive", "archive", "score"]
    assert [word for word in ("L-1", "Rua", "Buritis", "Gra") if word in logged] == []


def test_models_learn_homes_without_their_ids():
    for form in (LearntListing, Features, Golden):
        assert [name for name in form.__struct_fields__ if name.endswith("id")] == []
    assert "listing_id" not in COLUMNS
