"""A real client of Kinesis whose requests are answered here."""

import io
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from lambdas.aws.quick_puts import QUICK, quicken

Answer = tuple[int, bytes]


class Raw(io.BytesIO):
    """A body as urllib3 hands it over."""

    def stream(self, **_: Any):
        yield self.read()


class Wire:
    """Answers in turn, the last one for ever; keeps what was asked."""

    def __init__(self, *answers: Answer, quick: bool = True, **config: Any) -> None:
        self.answers = answers
        self.requests: list[Any] = []
        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
        config = {"retries": {"total_max_attempts": 1}, **config}
        self.client = boto3.client("kinesis", config=Config(**config).merge(QUICK), **keys)
        if quick:
            quicken(self.client)
        self.client.meta.events.register("before-send.kinesis", self._answer)

    def _answer(self, request: Any, **_: Any) -> AWSResponse:
        status, body = self.answers[min(len(self.requests), len(self.answers) - 1)]
        self.requests.append(request)
        return AWSResponse(request.url, status, {"content-length": str(len(body))}, Raw(body))

    def put(self, entries: list[dict[str, Any]]) -> Any:
        """Put entries; return the answer, or the error that the caller has."""
        try:
            return self.client.put_records(StreamName="predictions", Records=entries)
        except Exception as error:  # noqa: BLE001 - compared with another client's
            return repr(error)
