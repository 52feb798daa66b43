import re
import shutil
import subprocess
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import msgspec
import numpy as np
import pytest
from matplotlib.image import imread

from lambdas.drift.events import Announcer
from lambdas.drift.watch import Watch
from lambdas.monitor import Monitor
from monitoring.report_page import page, write
from monitoring.timeline import History
from terminal.errors import Failure
from tests.monitoring.markets import ARCHIVE, DEAD_LETTERS, MODELS, START, Cloud, Market

WATCH = Watch(MODELS, DEAD_LETTERS, ARCHIVE, window=timedelta(days=2))
NOW = START + timedelta(days=9)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Deaf:
    """An event bus that nobody listens to."""

    def put_events(self, **_: object) -> dict:
        return {"FailedEntryCount": 0}


@pytest.fixture
def cloud(s3) -> Cloud:
    s3.create_bucket(Bucket=ARCHIVE)
    return Cloud(s3)


@pytest.fixture
def lived(cloud) -> Cloud:
    """Two champions, a rise of prices, then larger homes: everything that a page can show."""
    for version, market, n, day in (
        ("6", Market(seed=5, version="6"), 120, -6),
        ("7", Market(seed=3), 240, 1),
        ("7", Market(seed=6, rise=1.25), 120, 3),
        ("7", Market(seed=9, grow=1.5), 300, 8),
    ):
        if version == "7" and day == 1:
            cloud.promote()
        rows = market.predictions(n, first=1_000 * (day + 10), start=START + timedelta(days=day))
        cloud.archive(rows, f"day-{day}")
        if day < 8:
            cloud.report(market.sales(rows), START + timedelta(days=day + 1))
    announcer = Announcer(Deaf(), "default", cloud.s3, ARCHIVE)
    Monitor(cloud.s3, WATCH, announcer).run(NOW - timedelta(days=2))
    Monitor(cloud.s3, WATCH, announcer).run(NOW)
    return cloud


def html(cloud: Cloud) -> str:
    look = WATCH.look(cloud.s3, NOW)
    return page(look, History.read(look, WATCH, cloud.s3))


class Tags(HTMLParser):
    """Collects what a page would load, and whether its tags are balanced."""

    VOID = frozenset({"meta", "line", "circle", "rect", "polyline"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.loads += [value for name, value in attrs if name in {"src", "href", "xlink:href"}]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_whole_and_loads_nothing(lived):
    text = html(lived)
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    assert tags.loads == []
    assert "<script" not in text
    assert not re.search(r"https?:|url\(|@import", text)
    assert "nan" not in text


def test_the_page_says_what_drifted_and_shows_every_distribution(lived):
    text = html(lived)
    assert "DRIFT of sale prices and listings" in text
    for name in ("area, m²", "neighbourhood", "predicted price", "monthly fees"):
        assert f"<h3>{name}</h3>" in text
    assert len(re.findall("<svg", text)) == 2 + 8


def test_promotions_and_alarms_stand_in_the_course_and_in_the_table(lived):
    text = html(lived)
    assert "champion 7" in text
    assert "alarm: sale prices" in text
    assert "alarm: listings" in text
    assert "version 7 serves since" in text
    assert "more than earlier ones" in text


def test_names_from_outside_are_escaped(cloud):
    cloud.promote()
    watch = replace(WATCH, window=timedelta(days=20))
    reference = watch.look(cloud.s3, NOW).champion.reference
    names = {"<script>alert(1)</script>": 0.4, "Buritis & Co": 0.6}
    cloud.promote(reference=msgspec.to_builtins(msgspec.structs.replace(reference, neighborhood=names)))
    cloud.archive(Market(seed=3).predictions(150))
    look = watch.look(cloud.s3, NOW)
    text = page(look, History.read(look, watch, cloud.s3))
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_before_anything_happened_there_is_a_page_too(cloud):
    cloud.promote()
    text = html(cloud)
    assert "no drift" in text
    assert "No sale of a predicted home has been reported" in text
    assert "distributions are compared from 100 on" in text


def test_a_page_that_cannot_be_written_fails_in_one_line(cloud, tmp_path):
    cloud.promote()
    with pytest.raises(Failure, match="No such file"):
        write(tmp_path / "nowhere" / "report.html", WATCH.look(cloud.s3, NOW), WATCH, cloud.s3)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_chromium_draws_it_from_the_file_alone(lived, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(html(lived), encoding="utf-8")
    shot = tmp_path / "report.png"
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1120,900", f"--user-data-dir={tmp_path}/c"]
    offline = "--host-resolver-rules=MAP * ~NOTFOUND"
    command = [CHROMIUM, *flags, offline, f"--screenshot={shot}", path.as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    pixels = np.round(imread(shot)[..., :3] * 255)
    for name, color in {"alarm": (200, 55, 31), "course": (47, 111, 222), "promotion": (28, 131, 84)}.items():
        alike = (np.abs(pixels - color).max(axis=-1) < 16).sum()
        assert alike > 50, name
