import gzip
import json
import math
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from lambdas.archive_bucket.prediction_rows import features
from lambdas.drift import dead_letter_count
from lambdas.drift.events import Announcer, NotAnnounced
from lambdas.drift.watch import DriftVerdict, Watch
from lambdas.drift.watched_champion import NothingPromoted
from lambdas.monitor import Monitor, MonitorSettings, moment
from lambdas.settings import MissingSetting
from pricing.learnt_homes import LearntHomes
from pricing.manifest import CHAMPION_KEY, ContractMismatch, Pointer, homes_key
from tests.champions import champion, price
from tests.monitoring.markets import ARCHIVE, DEAD_LETTERS, MODELS, START, Cloud, Market, reference_of

WATCH = Watch(MODELS, DEAD_LETTERS, ARCHIVE)
NOW = START + timedelta(days=5)
INTERVAL = {"coverage": 0.9, "edges": [13.0], "low": [-0.4, -0.3], "high": [0.4, 0.3]}


class Bus:
    """An event bus that keeps what it takes; `refuses` so many puts first."""

    def __init__(self, refuses: int = 0) -> None:
        self.entries: list[dict] = []
        self.refuses = refuses

    def put_events(self, *, Entries: list[dict]) -> dict:  # noqa: N803
        if self.refuses:
            self.refuses -= 1
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "Throttling", "ErrorMessage": "too fast"}]}
        self.entries += Entries
        return {"FailedEntryCount": 0, "Entries": [{}]}

    @property
    def details(self) -> list[dict]:
        return [json.loads(entry["Detail"]) for entry in self.entries]


class Killed(Exception):
    pass


class Dying:
    """An S3 that kills its caller at its n-th write, before or after it was taken."""

    def __init__(self, s3, at: int, *, taken: bool) -> None:
        self._s3, self._left, self._taken = s3, at, taken

    def __getattr__(self, name):
        return getattr(self._s3, name)

    def put_object(self, **arguments):
        self._left -= 1
        if self._left == 0 and not self._taken:
            raise Killed
        reply = self._s3.put_object(**arguments)
        if self._left == 0:
            raise Killed
        return reply


@pytest.fixture
def cloud(s3) -> Cloud:
    s3.create_bucket(Bucket=ARCHIVE)
    cloud = Cloud(s3)
    cloud.promote()
    return cloud


def live(cloud: Cloud, rise: float = 1.0, normal: int = 240, after: int = 120) -> None:
    """Let homes be priced and sold, the last of them for more."""
    market = Market(seed=3)
    for number, (part, n) in enumerate([(market, normal), (market.but(rise=rise, seed=6), after)]):
        day = START + timedelta(days=2 * number)
        rows = part.predictions(n, first=10_000 * number, start=day)
        cloud.archive(rows, f"part-{number}")
        cloud.report(part.sales(rows), day + timedelta(days=1))


def monitor(cloud: Cloud, bus: Bus, s3=None) -> Monitor:
    s3 = s3 or cloud.s3
    return Monitor(s3, WATCH, Announcer(bus, "default", s3, ARCHIVE))


def objects(cloud: Cloud) -> dict[str, bytes]:
    found = cloud.s3.list_objects_v2(Bucket=ARCHIVE, Prefix="monitor/").get("Contents", [])
    return {each["Key"]: cloud.s3.get_object(Bucket=ARCHIVE, Key=each["Key"])["Body"].read() for each in found}


def test_a_still_market_rings_nothing(cloud):
    live(cloud)
    bus = Bus()
    assert monitor(cloud, bus).run(NOW) == {"champion": "7", "drifted": [], "announced": []}
    assert bus.entries == []


def test_sale_prices_that_rise_ring_within_the_new_sales_and_say_by_how_much(cloud):
    live(cloud, rise=1.25)
    bus = Bus()
    monitor(cloud, bus).run(NOW)
    (event,) = bus.details
    assert event["kind"] == "performance"
    assert event["champion"] == "7"
    (shift,) = event["moved"]
    assert 240 < shift["rang_after_sales"] <= 300
    assert shift["percent"] == pytest.approx(25, abs=8)
    assert "more than earlier ones" in event["summary"]


def test_the_event_is_one_that_rules_can_match(cloud):
    live(cloud, rise=1.25)
    bus = Bus()
    monitor(cloud, bus).run(NOW)
    (entry,) = bus.entries
    assert (entry["Source"], entry["DetailType"], entry["EventBusName"]) == ("belo.monitor", "DriftDetected", "default")
    assert set(bus.details[0]) == {
        "id",
        "kind",
        "champion",
        "promoted_at",
        "at",
        "window",
        "summary",
        "moved",
        "fresh",
        "after",
    }
    assert entry["Resources"] == [f"arn:aws:s3:::{ARCHIVE}"]


def test_listings_that_change_are_an_event_of_their_own_kind(cloud):
    cloud.archive(Market(seed=3, grow=1.6).predictions(300))
    bus = Bus()
    monitor(cloud, bus).run(NOW)
    (event,) = bus.details
    assert event["kind"] == "listings"
    assert "area_m2" in {each["name"] for each in event["moved"]}
    assert "area_m2 (PSI" in event["summary"]


def test_the_same_drift_is_announced_once_under_one_id_while_it_lasts(cloud):
    live(cloud, rise=1.25)
    bus = Bus()
    first = monitor(cloud, bus).run(NOW)
    again = monitor(cloud, bus).run(NOW + timedelta(hours=1))
    assert len(first["announced"]) == 1
    assert again == {"champion": "7", "drifted": ["performance"], "announced": []}
    assert len(bus.entries) == 1


def test_a_champion_promoted_again_has_alarms_of_its_own(cloud):
    live(cloud, rise=1.25)
    bus = Bus()
    monitor(cloud, bus).run(NOW)
    cloud.promote(at=START + timedelta(seconds=1))
    monitor(cloud, bus).run(NOW)
    assert len({event["id"] for event in bus.details}) == 2


def test_a_new_champion_is_judged_by_its_own_predictions_alone(cloud):
    live(cloud, rise=1.25)
    cloud.promote("8", at=START + timedelta(days=4))
    verdict = WATCH.look(cloud.s3, NOW).verdict
    assert (verdict.champion, verdict.performance.sales, verdict.window.predictions) == ("8", 0, 0)
    assert verdict.drifted == []


def test_the_verdict_stands_under_its_time_and_as_the_latest(cloud):
    live(cloud, rise=1.25)
    monitor(cloud, Bus()).run(NOW)
    kept = objects(cloud)
    assert "monitor/dt=2026-11-06/000000.json" in kept
    assert kept["monitor/latest.json"] == kept["monitor/dt=2026-11-06/000000.json"]
    verdict = msgspec.json.decode(kept["monitor/latest.json"], type=DriftVerdict)
    assert verdict.drifted == ["performance"]
    assert verdict.figures[0].band is None
    assert verdict.figures[0].sales == sum(each.sales for each in verdict.figures[1:]) == 200
    assert verdict.figures[0].coverage_low < verdict.figures[0].coverage < verdict.figures[0].coverage_high


def test_a_delivery_that_comes_twice_changes_nothing(cloud):
    live(cloud, rise=1.25)
    bus = Bus()
    monitor(cloud, bus).run(NOW)
    before = objects(cloud)
    monitor(cloud, bus).run(NOW)
    assert objects(cloud) == before
    assert len(bus.entries) == 1


@pytest.mark.parametrize("taken", [False, True])
@pytest.mark.parametrize("write", [1, 2, 3])
def test_a_monitor_killed_at_any_write_and_called_again_comes_to_the_same_end(cloud, write, taken):
    live(cloud, rise=1.25)
    whole, bus = Bus(), Bus()
    with pytest.raises(Killed):
        monitor(cloud, bus, Dying(cloud.s3, write, taken=taken)).run(NOW)
    monitor(cloud, bus).run(NOW)
    after = objects(cloud)
    for key in after:
        cloud.s3.delete_object(Bucket=ARCHIVE, Key=key)
    monitor(cloud, whole).run(NOW)
    assert objects(cloud) == after
    assert {event["id"] for event in bus.details} == {event["id"] for event in whole.details}


def test_an_event_that_the_bus_refuses_fails_the_run_and_is_put_by_the_next(cloud):
    live(cloud, rise=1.25)
    bus = Bus(refuses=1)
    with pytest.raises(NotAnnounced, match="too fast"):
        monitor(cloud, bus).run(NOW)
    assert len(monitor(cloud, bus).run(NOW + timedelta(hours=1))["announced"]) == 1


def test_a_corrected_report_replaces_a_wrong_one_and_the_alarm_never_was(cloud):
    live(cloud, rise=1.25)
    calm = Market(seed=3)
    rows = [row for row in WATCH.look(cloud.s3, NOW).predictions if row.listing_id >= "L-10000"]
    cloud.report(calm.sales(rows), START + timedelta(days=4))
    assert WATCH.look(cloud.s3, NOW).verdict.drifted == []


def test_sales_reported_after_the_look_are_not_seen(cloud):
    live(cloud, rise=1.25)
    seen = WATCH.look(cloud.s3, START + timedelta(days=2, hours=12)).verdict.sales
    assert seen.compared + seen.set_apart == 240


def test_sales_reported_before_the_promotion_say_nothing_about_homes_that_were_priced_again(cloud):
    market = Market(seed=3)
    early = market.predictions(50)
    cloud.report(market.sales(early), START + timedelta(hours=1))
    cloud.promote(at=START + timedelta(hours=2))
    cloud.archive(market.predictions(50, start=START + timedelta(hours=3)))
    assert WATCH.look(cloud.s3, NOW).verdict.performance.sales == 0


def test_errors_that_grow_are_announced_though_prices_as_a_whole_rang_before(cloud):
    calm, dearer = Market(seed=3), Market(seed=6, rise=1.3)
    rows = [*calm.predictions(200), *dearer.predictions(400, first=1_000, start=START + timedelta(hours=4))]
    cloud.archive(rows)
    sold = [*calm.sales(rows[:200]), *dearer.sales(rows[200:])]
    level = 1.3 * math.exp(-0.05)
    said = {row.listing_id: row.predicted_price for row in rows}
    wide = [
        msgspec.structs.replace(each, sale_price=each.sale_price**2 / said[each.listing_id] / level)
        for each in sold[350:]
    ]
    cloud.report([*sold[:350], *wide], START + timedelta(days=1))
    bus = Bus()
    monitor(cloud, bus).run(NOW)
    by_level, by_errors = bus.details
    assert by_level["id"] != by_errors["id"]
    assert "test" not in by_level["moved"][0]
    assert {each["test"] for each in by_errors["moved"]} <= {"coverage", "spread", "place"}
    assert by_errors["after"] != by_level["after"]


def test_a_listing_that_came_several_times_is_one_home(cloud):
    rows = Market(seed=3).predictions(300)
    again = [
        msgspec.structs.replace(row, id=f"{row.id}-{n}", arrived_at=row.arrived_at + timedelta(days=n))
        for n in range(5)
        for row in rows
    ]
    cloud.archive(rows)
    once = WATCH.look(cloud.s3, NOW).verdict
    cloud.archive(again, "again")
    many = WATCH.look(cloud.s3, NOW).verdict
    assert many.window.predictions > once.window.predictions == 300
    assert [each.value for each in many.listings if each.test == "psi"] == [
        each.value for each in once.listings if each.test == "psi"
    ]


def test_what_became_of_each_sale_is_counted_and_nothing_is_dropped_in_silence(cloud):
    market = Market(seed=3)
    rows = market.predictions(40)
    cloud.archive(rows)
    sold = market.sales(rows)
    token = msgspec.structs.replace(sold[0], sale_price=1.0)
    typed = msgspec.structs.replace(sold[1], sale_price=sold[1].sale_price * 10)
    cloud.report(sold[30:], START + timedelta(days=1))
    cloud.promote(at=START + timedelta(days=2))
    cloud.report([token, typed, *sold[2:30]], START + timedelta(days=3))
    cloud.report([msgspec.structs.replace(sold[2], listing_id="nobody-priced-it")], START + timedelta(days=3))
    verdict = WATCH.look(cloud.s3, NOW).verdict
    assert (verdict.sales.before_reign, verdict.sales.compared, verdict.sales.unmatched) == (10, 28, 1)
    assert (verdict.sales.set_apart, verdict.sales.learnt) == (2, None)
    assert [each.listing_id for each in verdict.set_apart] == ["L-0", "L-1"]


def test_homes_that_another_champion_priced_are_priced_again_so_that_every_sale_counts_from_the_first_day(cloud):
    market = Market(seed=3, version="6")
    rows = market.predictions(80)
    cloud.archive(rows)
    at = START + timedelta(days=2)
    made = champion("7", base=9.0, reference=reference_of(99), interval=INTERVAL)
    made.put(cloud.s3, MODELS)
    pointer = msgspec.structs.replace(msgspec.json.decode(made.pointer, type=Pointer), promoted_at=at.isoformat())
    cloud.s3.put_object(Bucket=MODELS, Key=CHAMPION_KEY, Body=msgspec.json.encode(pointer))
    cloud.report(market.sales(rows), at + timedelta(hours=1))
    look = WATCH.look(cloud.s3, NOW)
    assert look.verdict.sales.priced_again == look.verdict.sales.compared + look.verdict.sales.set_apart == 80
    for each in look.labelled:
        again = price("nowhere", each.prediction.area_m2)
        assert each.prediction.predicted_price == pytest.approx(again, rel=1e-4)
        assert (each.prediction.model_version, each.prediction.coverage) == ("7", 0.9)


def test_homes_that_the_champion_has_learnt_are_told_apart(cloud):
    market = Market(seed=3)
    rows = market.predictions(60)
    cloud.archive(rows)
    learnt = LearntHomes.of([row.street for row in rows[:20]], [row.area_m2 for row in rows[:20]])
    cloud.s3.put_object(Bucket=MODELS, Key=homes_key("7"), Body=learnt.encode())
    cloud.report(market.sales(rows), START + timedelta(days=1))
    look = WATCH.look(cloud.s3, NOW)
    verdict, known = look.verdict, sum(learnt.knows(features(each.prediction)) for each in look.labelled)
    assert verdict.sales.learnt == known >= 19
    assert verdict.figures[0].sales + verdict.figures_learnt[0].sales == verdict.sales.compared


def test_dead_letters_of_the_window_are_counted_once(cloud):
    def letter(number: int, day: int) -> dict:
        return {
            "shard_id": "shard-0",
            "sequence_number": str(number),
            "index": 0,
            "arrived_at": (START + timedelta(days=day)).isoformat(),
            "payload": "",
        }

    live(cloud)
    for name, letters in {
        "a": [letter(1, 1), letter(2, 1)],
        "b": [letter(2, 1), letter(3, 1)],
        "c": [letter(4, 9)],
    }.items():
        body = gzip.compress(b"".join(json.dumps(each).encode() + b"\n" for each in letters))
        cloud.s3.put_object(Bucket=DEAD_LETTERS, Key=f"dead-letters/dt=2026-11-02/{name}.ndjson.gz", Body=body)
    assert WATCH.look(cloud.s3, NOW).verdict.window.dead_letters == 3


def test_dead_letters_in_more_objects_than_are_read_are_estimated_from_all_over_the_window(cloud):
    for number in range(60):
        at = START + timedelta(hours=number)
        letter = {"shard_id": "s", "sequence_number": str(number), "index": 0, "arrived_at": at.isoformat()}
        key = f"dead-letters/dt={at:%Y-%m-%d}/s-{number:03}.ndjson.gz"
        cloud.s3.put_object(Bucket=DEAD_LETTERS, Key=key, Body=gzip.compress(json.dumps(letter).encode()))
    until = START + timedelta(hours=60)
    half = START + timedelta(hours=30)
    assert dead_letter_count.count(cloud.s3, DEAD_LETTERS, START, until) == 60
    assert dead_letter_count.count(cloud.s3, DEAD_LETTERS, START, until, most=20) == 60
    assert dead_letter_count.count(cloud.s3, DEAD_LETTERS, half, until, most=20) == pytest.approx(30, abs=3)


def test_each_look_spends_less_of_the_false_alarms(cloud):
    cloud.archive(Market(seed=3).predictions(200))
    early = WATCH.look(cloud.s3, START + timedelta(hours=4)).verdict
    late = WATCH.look(cloud.s3, START + timedelta(hours=40)).verdict
    assert (early.look, late.look) == (5, 41)
    assert late.listings[0].alpha < early.listings[0].alpha / 50


def test_without_a_champion_there_is_nothing_to_look_at_and_nothing_is_wrong(s3, capsys):
    s3.create_bucket(Bucket=ARCHIVE)
    with pytest.raises(NothingPromoted, match=r"^s3://models/house-price/champion.json: no champion was promoted yet$"):
        WATCH.look(s3, NOW)
    bus = Bus()
    assert Monitor(s3, WATCH, Announcer(bus, "default", s3, ARCHIVE)).run(NOW) == {
        "champion": None,
        "drifted": [],
        "announced": [],
    }
    assert json.loads(capsys.readouterr().out)["Champions"] == 0


def test_a_manifest_without_a_reference_is_refused_by_name(cloud):
    cloud.promote(reference={})
    with pytest.raises(ContractMismatch, match=r"version 7.*rows"):
        WATCH.look(cloud.s3, NOW)


def test_a_manifest_that_the_pointer_does_not_know_is_refused(cloud):
    cloud.s3.put_object(Bucket=MODELS, Key="house-price/versions/7/manifest.json", Body=b"{}")
    with pytest.raises(ContractMismatch, match="sha256"):
        WATCH.look(cloud.s3, NOW)


def test_each_run_leaves_one_line_in_the_embedded_metric_format(cloud, capsys):
    live(cloud, rise=1.25)
    monitor(cloud, Bus()).run(NOW)
    (line,) = capsys.readouterr().out.splitlines()
    document = json.loads(line)
    (directive,) = document["_aws"]["CloudWatchMetrics"]
    assert all(isinstance(document[metric["Name"]], int | float) for metric in directive["Metrics"])
    assert (document["function"], document["Drifted"], document["Sales"]) == ("monitor", 1, 360)


def test_metrics_that_are_not_known_yet_are_left_out(cloud, capsys):
    monitor(cloud, Bus()).run(NOW)
    document = json.loads(capsys.readouterr().out)
    assert document["Drifted"] == 0
    assert "PriceShift" not in document
    assert "Coverage" not in document


def test_the_settings_are_read_from_the_environment():
    names = {"BELO_MODELS_BUCKET": "m", "BELO_DEAD_LETTERS_BUCKET": "d", "BELO_ARCHIVE_BUCKET": "a"}
    settings = MonitorSettings.read(names | {"BELO_MONITOR_WINDOW_HOURS": "24", "BELO_MONITOR_EVERY_MINUTES": "5"})
    assert settings.watch == Watch("m", "d", "a", timedelta(days=1), timedelta(minutes=5))
    assert settings.event_bus == "default"
    for name in names:
        with pytest.raises(MissingSetting, match=name):
            MonitorSettings.read({other: value for other, value in names.items() if other != name})


def test_a_repeated_delivery_of_the_schedule_looks_at_the_same_moment():
    scheduled = {"detail-type": "Scheduled Event", "time": "2026-11-06T00:00:00Z"}
    assert moment(scheduled) == moment(scheduled) == datetime(2026, 11, 6, tzinfo=UTC)


def test_whoever_calls_by_hand_looks_at_what_is_there_now():
    assert datetime.now(UTC) - moment({}) < timedelta(minutes=1)
