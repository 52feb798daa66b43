"""Planted defects: one-line mistakes, each put into a copy of the production code, that chaos must catch."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.books import RAISED

ROOT = Path(__file__).parents[2]
COPIED = (
    *("pricing", "terminal", "lambdas", "listing_files", "markets", "stream_consumer", "stream_producer"),
    *("tests/simulator", "tests/chaos"),
)
COPIED_FILES = ("tests/__init__.py", "tests/champions.py", "tests/market.py")
EVENTS = 60_000  # for each defect, at most: the run stops at the first phase whose books do not balance
TIME_LIMIT = 300.0  # seconds


@dataclass(frozen=True, slots=True)
class Defect:
    """In `file`, `old`, which stands there once, becomes `new`."""

    name: str
    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether the chaos run noticed the defect, and by what."""

    defect: Defect
    caught: bool
    evidence: str


def within(file: str, *edits: tuple[str, str, str]) -> list[Defect]:
    """Return the defects of a file: name, old text, new text."""
    return [Defect(name, file, old, new) for name, old, new in edits]


DEFECTS = [
    *within(
        "lambdas/aws/put_records.py",
        ("ignore failed entries", 'if not reply.get("FailedRecordCount"):', "if True:"),
        (
            "retry the entries that were taken",
            'refused = [each for each, answer in answers if answer.get("ErrorCode")]',
            'refused = [each for each, answer in answers if not answer.get("ErrorCode")]',
        ),
        (
            "take a dropped connection for success",
            "return request, code(error) or type(error).__name__",
            'return [], ""',
        ),
    ),
    *within(
        "lambdas/scoring/publish.py",
        ("do not retry", "self._sleep(pause)", "return []"),
        (
            "drop the last chunk",
            "    if request:\n        yield",
            "    if len(request) == MAX_RECORDS:\n        yield",
        ),
        (
            "forget what the deadline left over",
            "        return request\n",
            "        return []\n",
        ),
        ("begin requests after the deadline", "while request and self._clock() < deadline and", "while request and"),
    ),
    *within(
        "lambdas/score.py",
        ("report the highest position only", "for each in unpublished]", "for each in unpublished[-1:]]"),
        ("report nothing", "for each in unpublished]", "for each in unpublished[:0]]"),
        ("skip the dead letters", "self._dead_letters.write(batch, refused)", "pass"),
        ("keep no time back from the deadline", " / 1000 - self._deadline_margin", " / 1000"),
        (
            "dead-letter what was throttled",
            "self._report(batch,",
            "self._dead_letters.write(batch, refused + [Refused(each, 0, 'k', b'', 'unscorable', 'late') "
            "for each in unpublished]); unpublished = []; self._report(batch,",
        ),
    ),
    *within(
        "lambdas/scoring/dead_letters.py",
        (
            "swallow the exception of a failed dead-letter write",
            "        self._s3.put_object(",
            "        with __import__('contextlib').suppress(Exception): self._s3.put_object(",
        ),
        ("one dead-letters key a day", "batch.sequence_number(0))", '"")'),
        (
            "name dead letters after the last record",
            "batch.sequence_number(0))",
            "batch.sequence_number(-1))",
        ),
        ("a dead letter without its partition key", "partition_key=refused.partition_key", "partition_key=''"),
        (
            "let every dead letter arrive with the first",
            "arrived_at=batch.arrived_at(refused.position)",
            "arrived_at=batch.arrived_at(0)",
        ),
    ),
    *within(
        "lambdas/scoring/decode.py",
        (
            "give every prediction the first position",
            'number, own_key = kinesis["sequenceNumber"]',
            "number, own_key = batch.sequence_number(0)",
        ),
        (
            "forget the index inside an aggregated record",
            "SourcePosition(shard_id, number, index)",
            "SourcePosition(shard_id, number, 0)",
        ),
        (
            "give the events in an aggregated record its own key",
            "key or own_key, payload",
            "own_key, payload",
        ),
        (
            "drop what follows a bad event in an aggregated record",
            "        except InvalidRecord as error:\n",
            "        except InvalidRecord as error:\n            if source.index: break\n",
        ),
    ),
    *within(
        "lambdas/scoring/predict.py",
        ("pair prices with the wrong listings", "for each in submitted.events]", "for each in submitted.events[::-1]]"),
        ("publish prices that are none", "if scorable.all():", "if True:"),
    ),
    *within(
        "lambdas/scoring/encode.py",
        (
            "a new id each time",
            "prediction_id(event.source, event.id)",
            "prediction_id(event.source, event.id + now)",
        ),
        (
            "report the record after the failed one",
            "Outgoing(position,",
            "Outgoing(position + 1,",
        ),
        ("claim another coverage", "manifest.interval.coverage, manifest.currency", "0.5, manifest.currency"),
        ("keep the confidence back", "            confidence,\n", "            None,\n"),
        ("name another model", "ModelVersion(manifest.name,", "ModelVersion('x',"),
        ("put all predictions under one partition key", "partition_key(listing_id), ", "'x', "),
    ),
    *within(
        "lambdas/scoring/champion.py",
        (
            "remember the pointer before its model has loaded",
            "        pointer = msgspec.json.decode(",
            '        self._settled = _Look(etag=reply["ETag"]); pointer = msgspec.json.decode(',
        ),
        ("do not verify the manifest", "if manifest_sha256 not in {None, found}:", "if False:"),
        ("never look for a new champion", "not 0 <= since < self._poll_seconds)", "since == math.inf)"),
        (
            "let go of the last good champion",
            "self.model = look.model or self.model",
            "self.model = look.model",
        ),
        (
            "let a fault of S3 stop the last good champion",
            "_Look(refused=_describe(error), failed=True) if error else self._looking.result()",
            "self._looking.result()",
        ),
        (
            "wait for a champion that loads late",
            "self._take(START_WAIT if starting else LOOK_WAIT)",
            "self._take(None)",
        ),
        (
            "poll by a clock that stands still while the process is frozen",
            "self._clock = clock",
            "self._clock = getattr(clock, '__self__', time).monotonic",
        ),
        (
            "wait for a next champion as for a first one",
            "starting = needed and self.model is None",
            "starting = needed",
        ),
    ),
    *within(
        "lambdas/scoring/challenger.py",
        (
            "let a challenger's failure through",
            "except Exception as error:",
            "except EOFError as error:",
        ),
        ("wait for a slow challenger", ".result(timeout=LOOK_WAIT)", ".result()"),
        ("ask a challenger again that was too slow", "self._failed = model, self.dropped\n", "pass\n"),
        ("publish a shadow that is no price", "None if math.isnan(price) else", ""),
        ("give a challenger's prices to other listings", "for price in prices]", "for price in prices[::-1]]"),
    ),
    *within(
        "pricing/model.py",
        ("do not verify the model", "if found != contract.sha256:", "if False:"),
        ("take 0.00 for a price", "((prices > 0) &", "((prices >= 0) &"),
        ("swap before the golden rows are checked", "    _check_golden_rows(ready)\n", "    pass\n"),
    ),
    *within(
        "pricing/answer/interval.py",
        ("put one width around all prices", "size = 1.0 if expected_error is None else expected_error", "size = 0.2"),
        ("name the class next to the right one", "[CLASSES[place] for", "[CLASSES[place - 1] for"),
    ),
    *within(
        "pricing/aggregation.py",
        ("give the events in an aggregated record the first key", "return keys[index], data", "return keys[0], data"),
    ),
    *within(
        "pricing/listing.py",
        ("forget the street", "        street or None,\n", "        None,\n"),
    ),
    *within(
        "stream_consumer/printing/newest.py",
        ("compare sequence numbers as text", "return int(number) if", "return number if"),
        ("take the first event in an aggregated record for the latest", "-1, position.index", "-1, -position.index"),
    ),
]


def catch_all(defects: Sequence[Defect], act: str, seed: int) -> Iterator[Outcome]:
    """Run an act against each defect, two at a time; yield the outcomes in order."""
    with ThreadPoolExecutor(2) as pool:
        yield from pool.map(lambda defect: catch(defect, act, seed), defects)


def catch(defect: Defect, act: str, seed: int, events: int = EVENTS) -> Outcome:
    """Plant one defect in a copy and see whether the books of an act balance there."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        return plant(defect, copy, COPIED, COPIED_FILES) or _judge(defect, copy, act, seed, events)


def plant(defect: Defect, copy: Path, folders: Sequence[str], files: Sequence[str]) -> Outcome | None:
    """Copy code with a defect in it; return the outcome where the defect cannot be planted."""
    for name in folders:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in files:
        (copy / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    source = (copy / defect.file).read_text()
    if source.count(defect.old) != 1:
        return Outcome(defect, caught=False, evidence=f"stands {source.count(defect.old)} times in the code")
    (copy / defect.file).write_text(source.replace(defect.old, defect.new))
    return None


def run_tests(defect: Defect, folders: Sequence[str], tests: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """Plant a defect in a copy of folders, and run tests there: 1 is returned where they notice it."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        assert not plant(defect, copy, folders, ["pyproject.toml"])
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:xdist", *tests],
            cwd=copy,
            capture_output=True,
            text=True,
            check=False,
            env={"PYTHONPATH": str(copy), "PATH": ""},
        )


def _judge(defect: Defect, copy: Path, act: str, seed: int, events: int) -> Outcome:
    figures = copy / "chaos.json"
    run = (f"--act={act}", f"--seed={seed}", f"--events={events}", f"--clients-events={events}", f"--out={figures}")
    options = ("--no-defects", "--until-wrong", *run)
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tests.chaos", *options],
            cwd=copy,
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Outcome(defect, caught=False, evidence="the run did not end")
    if not figures.exists() or RAISED in done.stderr:
        return Outcome(defect, caught=False, evidence=done.stderr[-300:])
    found = json.loads(figures.read_text())
    found = found.get("clients", found)
    last = found["faults"][-1]["fault"]
    counts = {name: found.get(name, 0) for name in ("lost", "wrong", "concealed")}
    caught = sum(counts.values()) > 0
    evidence = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
    return Outcome(defect, caught, f"{evidence} under: {last}" if caught else "unnoticed")
