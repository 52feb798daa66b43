"""What a retraining leaves in the archive bucket, step by step: the history, and the means to resume.

retraining/claims/<id>.json    who works on a request, and until when, if nothing more is heard
retraining/data/<id>.json.gz   what it is decided on: the champion and the labelled sales
retraining/verdicts/<id>.json  what was trained, and how the judge found
retraining/<id>.json           the record: it is done

A step that stands is never written again: whoever comes later goes on from it. That alone makes repeats harmless; the
claim only saves two workers from doing the same work.
"""

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

import msgspec
from msgspec import Struct

from lambdas.aws.objects import Objects
from lambdas.drift.events import ALARMS
from training.retraining.records import Claim, Clock, Evidence, Record, RetrainingVerdict, now
from training.retraining.requests import Request, of_alarm

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FOLDER = "retraining"
GZIP = b"\x1f\x8b"
Document = TypeVar("Document", Evidence, RetrainingVerdict, Record)
_KINDS: dict[type[Struct], str] = {
    Evidence: "data/{}.json.gz",
    RetrainingVerdict: "verdicts/{}.json",
    Record: "{}.json",
}


@dataclass(frozen=True, slots=True)
class Lease:
    """A claim that we hold."""

    claim: Claim
    etag: str


class Held(Exception):
    """Somebody else works on the request until `until`."""

    def __init__(self, claim: Claim) -> None:
        super().__init__(f"{claim.worker} works on it until {claim.until:%H:%M:%S} UTC")
        self.until = claim.until


class Journal:
    """The archive bucket's `retraining/`: documents by kind and request, each written once."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._objects = Objects(s3, bucket)

    def find(self, kind: type[Document], request_id: str) -> Document | None:
        """Return a request's evidence, verdict or record; None before there is one."""
        return self._read(_key(kind, request_id), kind)

    def once(self, kind: type[Document], request_id: str, make: Callable[[], Document]) -> Document:
        """Return a request's evidence, verdict or record; made, and written, unless one stands."""
        if standing := self.find(kind, request_id):
            return standing
        made = make()
        if self._put(_key(kind, request_id), made, IfNoneMatch="*"):
            return made
        standing = self.find(kind, request_id)
        if standing is None:
            raise RuntimeError(f"{_key(kind, request_id)}: refused because it stands, but it cannot be read")
        return standing

    def records(self) -> list[Record]:
        """Return all records, the oldest first."""
        keys = [key for key in self._objects.keys(f"{FOLDER}/") if key.count("/") == 1]
        found = [self._read(key, Record) for key in keys]
        return sorted((each for each in found if each), key=lambda each: each.finished_at)

    def alarms(self) -> list[Request]:
        """Return the requests of all alarms that the monitor remembers, the ones that came to the queue and others."""
        keys = self._objects.keys(f"{ALARMS}/")
        return list(self._objects.read(keys, lambda found: of_alarm(found.body)))

    def claim(self, request_id: str, worker: str, lasting: timedelta, clock: Clock = now) -> Lease:
        """Claim a request; raises `Held` while another's claim lasts."""
        key, at = _claim_key(request_id), clock()
        found = self._objects.get(key)
        standing = msgspec.json.decode(found[0], type=Claim) if found else None
        if standing and standing.worker != worker and standing.until > at:
            raise Held(standing)
        mine = Claim(worker, at + lasting, standing.attempt + 1 if standing else 1)
        etag = self._claimed(key, mine, **({"IfMatch": found[1]} if found else {"IfNoneMatch": "*"}))
        if etag is None:
            raise Held(Claim("another worker", at + lasting, 0))
        return Lease(mine, etag)

    def renew(self, request_id: str, lease: Lease, until: datetime) -> Lease | None:
        """Let a claim last until then; return None where it is ours no longer."""
        claim = msgspec.structs.replace(lease.claim, until=until)
        etag = self._claimed(_claim_key(request_id), claim, IfMatch=lease.etag)
        return Lease(claim, etag) if etag else None

    def _claimed(self, key: str, claim: Claim, **condition: str) -> str | None:
        """Write a claim; return its ETag, also where it stands already: a lost answer makes botocore write twice."""
        etag = self._put(key, claim, **condition)
        if etag is None and (found := self._objects.get(key)) and msgspec.json.decode(found[0], type=Claim) == claim:
            return found[1]
        return etag

    def _read(self, key: str, form: type[Document]) -> Document | None:
        found = self._objects.get(key)
        if found is None:
            return None
        body = gzip.decompress(found[0]) if found[0].startswith(GZIP) else found[0]
        return msgspec.json.decode(body, type=form)

    def _put(self, key: str, document: Struct, **condition: str) -> str | None:
        body = msgspec.json.format(msgspec.json.encode(document), indent=1)
        if key.endswith(".gz"):
            body = gzip.compress(body, mtime=0)
        return self._objects.put(key, body, **condition)


def _claim_key(request_id: str) -> str:
    return f"{FOLDER}/claims/{request_id}.json"


def _key(kind: type[Struct], request_id: str) -> str:
    return f"{FOLDER}/{_KINDS[kind].format(request_id)}"
