"""One request for a retraining, from the evidence to the record; whoever finds it half done goes on from there.

gather the evidence -> train and judge, register the winner -> promote (or as the policy says) -> tell -> record

Each step is written where a second worker finds it before the next one begins (training/retraining/journal.py), and
done again it changes nothing: a winner has one version, and the pointer moves once, only away from the champion that
was judged.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

from lambdas.archive_bucket.reader import Archive
from pricing.manifest import Pointer
from terminal.errors import Failure
from training.data.listings import Dataset
from training.params import Params
from training.registry.mlflow_registry import Registry
from training.registry.models_bucket import ModelsBucket, parse
from training.retraining.journal import Journal
from training.retraining.promoter import Promoter
from training.retraining.records import Clock, Evidence, Record, RetrainingOutcome, RetrainingVerdict, now
from training.retraining.register_winner import Keep, Winner, keep_model, register
from training.retraining.requests import Request
from training.retraining.schedule import fresh_since, is_due, open_drifts, reign, reopened, unrecorded_alarm
from training.retraining.shadow_review import review
from training.sales_contest.challengers import Served, Trainer
from training.sales_contest.contest import MIN_SALES, hold_contests, why_it_lost, why_it_won
from training.sales_contest.sales import contested
from training.sales_contest.sold_homes import Sold, gather

Policy = Literal["auto", "shadow-first", "manual"]
BY_POLICY: dict[Policy, RetrainingOutcome] = {
    "auto": "promoted",
    "shadow-first": "in shadow",
    "manual": "awaiting a person",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraining:
    """Everything that a retraining talks to, and the policy of promotion."""

    journal: Journal
    archive: Archive
    bucket: ModelsBucket
    registry: Registry
    promoter: Promoter
    listings: Callable[[Served], Dataset | None]  # the reference file that goes with a champion
    train: Trainer
    params: Params
    policy: Policy
    announce: Callable[[Record], None]
    keep_model: Keep = keep_model
    clock: Clock = now

    def resolve(self, asked: Request) -> Request | None:
        """Return what a request amounts to: itself, or what the schedule finds open; None for nothing to do."""
        begun = asked.kind != "schedule" or self.journal.find(Evidence, asked.id)
        return asked if begun else self._from_schedule(asked)

    def run(self, request: Request) -> Record:
        """Do what is asked; return the record.

        What was done before is not done again. Raises `Failure` where there is no champion to challenge.
        """
        return self.journal.once(Record, request.id, lambda: self._carry_out(request))

    def _carry_out(self, request: Request) -> Record:
        evidence = self.journal.once(Evidence, request.id, lambda: self._gather(request))
        verdict = self.journal.once(RetrainingVerdict, request.id, lambda: self._judge(evidence))
        outcome, why = self.promoter.carry_out(verdict, evidence)
        record = self._record(evidence, verdict, outcome, why)
        self.announce(record)
        return record

    def _from_schedule(self, asked: Request) -> Request | None:
        champion = self._champion()
        if self.promoter.challenger():
            return asked  # to review it
        records = reign(self.journal.records(), champion)
        if found := unrecorded_alarm(self.journal.alarms(), records, champion):
            return found
        if drifts := open_drifts(records):
            return reopened(asked, drifts, gather(self.archive, self.clock()), champion)
        return asked if is_due(asked, records, champion) else None

    def _gather(self, request: Request) -> Evidence:
        at, champion = self.clock(), self._champion()
        fresh = request.fresh or fresh_since(self.journal.alarms(), champion)
        return Evidence(
            request=msgspec.structs.replace(request, fresh=fresh),
            gathered_at=at,
            champion=champion,
            challenger=self.promoter.challenger(),
            sales=gather(self.archive, at),
        )

    def _champion(self) -> Pointer:
        found = self.bucket.champion()
        if found is None:
            raise Failure("there is no champion to challenge: run `belo promote` first")
        return found[0]

    def _judge(self, evidence: Evidence) -> RetrainingVerdict:
        request, champion = evidence.request, evidence.champion
        if request.champion and (request.champion, request.promoted_at) != (champion.version, _time(champion)):
            return RetrainingVerdict(
                outcome="overtaken",
                why=f"version {request.champion} drifted; {champion.version} has served since {champion.promoted_at}",
                contests=[],
            )
        if request.kind == "schedule" and evidence.challenger:
            return review(evidence, self.bucket)
        return self._contest(evidence)

    def _contest(self, evidence: Evidence) -> RetrainingVerdict:
        about = contested(evidence.sales, evidence.request.fresh, evidence.champion)
        if about.fresh < MIN_SALES:
            why = f"{about.fresh} sales {_since(evidence)}; at least {MIN_SALES} are needed"
            return RetrainingVerdict(outcome="undecided", why=why, contests=[])
        model, document = self.bucket.get_version(evidence.champion.version)
        champion = Served(model, parse(document))
        listings, sales = self.listings(champion), about.sales()
        found = self.train(champion, sales, listings, self.params)
        contests = hold_contests(champion, sales, found, self.params.judge)
        winners = [pair for pair in zip(contests, found, strict=True) if pair[0].won]
        if not winners:
            why = "; ".join(why_it_lost(each) for each in contests)
            return RetrainingVerdict(outcome="kept", why=why, contests=contests, fresh=about.fresh)
        best, challenger = max(winners, key=lambda pair: pair[0].gain)
        winner = Winner(
            request_id=evidence.request.id,
            challenger=challenger,
            contests=contests,
            fresh=sales.rows.take(sales.fresh),
            gathered_at=evidence.gathered_at,
            data_sha256=_fingerprint(about.sold, listings),
            generated=champion.manifest.generated_data,
            homes=[each.features for each in about.sold],
            champion=champion.manifest,
            listings=listings,
        )
        return RetrainingVerdict(
            outcome=BY_POLICY[self.policy],
            why=why_it_won(best),
            contests=contests,
            version=register(winner, self.registry, self.bucket, self.params, self.keep_model),
            trained=challenger.name,
            fresh=about.fresh,
        )

    def _record(self, evidence: Evidence, verdict: RetrainingVerdict, outcome: RetrainingOutcome, why: str) -> Record:
        return Record(
            request=evidence.request,
            finished_at=self.clock(),
            outcome=outcome,
            why=why,
            champion_before=evidence.champion.version,
            reign_since=evidence.champion.promoted_at,
            champion_after=self._champion().version,
            promoted_by=self.policy if outcome == "promoted" else None,
            sales=len(evidence.sales),
            contests=verdict.contests,
            trained=verdict.trained,
            version=verdict.version,
            fresh=verdict.fresh,
        )


def _since(evidence: Evidence) -> str:
    return "since prices moved" if evidence.request.fresh else f"since {evidence.champion.promoted_at[:16]}"


def _fingerprint(sold: list[Sold], listings: Dataset | None) -> str:
    sales = msgspec.json.encode(sold)
    return hashlib.sha256((listings.sha256 if listings else "").encode() + sales).hexdigest()


def _time(pointer: Pointer) -> datetime:
    return datetime.fromisoformat(pointer.promoted_at)
