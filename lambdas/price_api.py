"""`POST /price`: one listing, or up to a hundred, priced while somebody waits.

read the request -> the champion -> decode and validate -> answer (with reasons on request) -> reply. The champion, the
listings' rules and the prices are those of the stream (`lambdas.score`).
"""

import functools
import os
import time
from typing import Any

from lambdas.asking.explaining import Explainers
from lambdas.asking.reply import priced, problem
from lambdas.asking.request import Refused, Request, Wrong, read
from lambdas.aws.clients import s3_client
from lambdas.aws.telemetry import emit
from lambdas.scoring.champion import POLL_SECONDS, Champion, NoChampion
from lambdas.settings import number, required
from lambdas.starting import after_restore, at_start
from pricing.answer.answer import Answer, answers
from pricing.listing import Listing
from pricing.manifest import ContractMismatch
from pricing.model import Model


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's
    """Answer a request of API Gateway (REST, Lambda proxy); what Lambda calls."""
    return _api()(event)


@functools.cache
def _api() -> "PriceApi":
    s3, bucket = s3_client(), required(os.environ, "BELO_MODELS_BUCKET")
    poll_seconds = number(os.environ, "BELO_CHAMPION_POLL_SECONDS", POLL_SECONDS)
    champion = Champion(s3, bucket, poll_seconds=poll_seconds)
    champion.prepare()
    after_restore(s3.close, champion.distrust)
    return PriceApi(champion, Explainers(s3, bucket))


class PriceApi:
    """The handler with everything it talks to."""

    def __init__(self, champion: Champion, explainers: Explainers) -> None:
        self._champion = champion
        self._explainers = explainers

    def __call__(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return the reply: 200 with prices, 400, 413, 415 or 422 with what is wrong, 503 without a champion."""
        begin, found, version, refused = time.perf_counter(), [], "", None
        try:
            request = read(event)
            model = self._current()
            version = model.manifest.version
            listings = request.listings(model.listing_type)
            found = self._answers(request, listings, model)
            reply = priced(found, alone=request.alone)
        except Refused as error:
            refused = error
            reply = problem(error)
        emit(
            "price_api",
            {
                "Requests": 1,
                "Prices": len(found),
                "RefusedRequests": int(refused is not None),
                "WithoutComparables": int(self._explainers.missing is not None),
                "Latency": (time.perf_counter() - begin) * 1000,
            },
            {"Latency": "Milliseconds"},
            status=reply["statusCode"],
            model_version=version,
            champion_refused=self._champion.refused,
            without_comparables=self._explainers.missing,
        )
        return reply

    def _current(self) -> Model:
        try:
            return self._champion.current()
        except NoChampion as error:
            raise Refused(503, f"no champion serves yet: {error}") from None

    def _answers(self, request: Request, listings: list[Listing], model: Model) -> list[Answer]:
        try:
            found = self._explainers.of(model).answers(listings) if request.explain else answers(model, listings)
        except ContractMismatch as error:
            raise Refused(422, f"explain: version {model.manifest.version} gives no reasons: {error}") from None
        errors = [Wrong(index, "listing: no finite price") for index, each in enumerate(found) if each is None]
        if errors:
            raise Refused(422, errors[0].error, errors)
        return [each for each in found if each is not None]


at_start(__name__, _api)
