"""What a retraining leaves in the archive bucket, step by step: the history, and the means to resume.

retraining/claims/<id>.json    who works on a request, and until when, if nothing more is heard
retraining/data/<id>.json.gz   what it is decided on: the champion and the labelled sales
retraining/verdicts/<id>.json  what was trained, and how the judge found
retraining/<id>.json           the record: it is done

A step that stands is never written again: whoever comes later goes on from it. That alone makes repeats harmless; the
claim only saves two workers from doing the same work.
"""

import gzip
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec
from botocore.exceptions import ClientError
from msgspec import Struct

from lambdas.aws.objects import Objects
from lambdas.drift.events import ALARMS
from training.registry.models_bucket import ABSENT, BUSY, REFUSED
from training.retraining.records import Claim, Clock, Evidence, Record, Verdict, now
from training.retraining.requests import Request, of_alarm

FOLDER = "retraining"
GZIP = b"\x1f\x8b"
Document = TypeVar("Document", bound=Struct)


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


class Ledger:
    """The archive bucket's `retraining/`, through a boto3 S3 client."""

    def __init__(self, s3: Any, bucket: str) -> None:  # noqa: ANN401 - a boto3 client, or a test's
        self._s3 = s3
        self._bucket = bucket

    def evidence(self, request_id: str) -> Evidence | None:
        """Return what a request is decided on, or None before it was gathered."""
        return self._read(_evidence_key(request_id), Evidence)

    def keep_evidence(self, evidence: Evidence) -> Evidence:
        """Write the evidence unless some stands; return what stands."""
        return self._once(_evidence_key(evidence.request.id), evidence)

    def verdict(self, request_id: str) -> Verdict | None:
        """Return the verdict on a request, or None before there is one."""
        return self._read(f"{FOLDER}/verdicts/{request_id}.json", Verdict)

    def keep_verdict(self, request_id: str, verdict: Verdict) -> Verdict:
        """Write the verdict unless one stands; return what stands."""
        return self._once(f"{FOLDER}/verdicts/{request_id}.json", verdict)

    def record(self, request_id: str) -> Record | None:
        """Return the record of a request that is done, or None."""
        return self._read(_record_key(request_id), Record)

    def keep_record(self, record: Record) -> Record:
        """Write the record unless one stands; return what stands."""
        return self._once(_record_key(record.request.id), record)

    def records(self) -> list[Record]:
        """Return all records, the oldest first."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=f"{FOLDER}/", Delimiter="/"
        )
        keys = [each["Key"] for page in pages for each in page.get("Contents", [])]
        found = [self._read(key, Record) for key in keys]
        return sorted((each for each in found if each), key=lambda each: each.finished_at)

    def alarms(self) -> list[Request]:
        """Return the requests of all alarms that the monitor remembers, the ones that came to the queue and others."""
        objects = Objects(self._s3, self._bucket)
        return list(objects.read(objects.keys(f"{ALARMS}/"), lambda found: of_alarm(found.body)))

    def claim(self, request_id: str, worker: str, lasting: timedelta, clock: Clock = now) -> Lease:
        """Claim a request; raises `Held` while another's claim lasts."""
        key, at = _claim_key(request_id), clock()
        found = self._get(key)
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
        if etag is None and (found := self._get(key)) and msgspec.json.decode(found[0], type=Claim) == claim:
            return found[1]
        return etag

    def _once(self, key: str, document: Document) -> Document:
        if self._put(key, document, IfNoneMatch="*"):
            return document
        standing = self._read(key, type(document))
        if standing is None:
            raise RuntimeError(f"{key}: refused because it stands, but it cannot be read")
        return standing

    def _read(self, key: str, form: type[Document]) -> Document | None:
        found = self._get(key)
        if found is None:
            return None
        body = gzip.decompress(found[0]) if found[0].startswith(GZIP) else found[0]
        return msgspec.json.decode(body, type=form)

    def _get(self, key: str) -> tuple[bytes, str] | None:
        try:
            reply = self._s3.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in ABSENT:
                return None
            raise
        return reply["Body"].read(), reply["ETag"]

    def _put(self, key: str, document: Struct, **condition: str) -> str | None:
        body = msgspec.json.format(msgspec.json.encode(document), indent=1)
        if key.endswith(".gz"):
            body = gzip.compress(body, mtime=0)
        try:
            return str(self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, **condition)["ETag"])
        except ClientError as error:
            if error.response["Error"]["Code"] in REFUSED | BUSY | ABSENT:
                return None
            raise


def _claim_key(request_id: str) -> str:
    return f"{FOLDER}/claims/{request_id}.json"


def _evidence_key(request_id: str) -> str:
    return f"{FOLDER}/data/{request_id}.json.gz"


def _record_key(request_id: str) -> str:
    return f"{FOLDER}/{request_id}.json"
