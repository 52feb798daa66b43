"""The least that scoring a batch can cost: what any service must do with this model and these documents."""

from collections.abc import Sequence
from typing import Any

import msgspec
import onnxruntime
from pybase64 import b64decode

from pricing import prediction
from pricing.listing import decode
from pricing.prediction import prediction_id

Graph = tuple[onnxruntime.InferenceSession, dict[str, Any]]  # and the columns that it is fed with, ready

_encode = msgspec.json.Encoder().encode


class Floor:
    """Base64, valid JSON, a bare run over columns that are ready, ids, and encoding of documents that are ready."""

    def __init__(self, event: dict[str, Any], graphs: Sequence[Graph], answers: Sequence[bytes]) -> None:
        """Do it for the records of Lambda's event, each a listing event; `answers` are what is to be encoded."""
        self._records = event["Records"]
        self._graphs = graphs
        self._answers = [prediction.decode(each) for each in answers]

    def __call__(self) -> list[bytes]:
        """Do it once."""
        events = [decode(b64decode(record["kinesis"]["data"], validate=True)) for record in self._records]
        for session, columns in self._graphs:
            session.run(None, columns)
        for event in events:
            prediction_id(event.source, event.id)
        return [_encode(answer) for answer in self._answers]
