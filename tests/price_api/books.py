"""What a reply must be, whatever was asked; and the champion that all who ask share, in a file."""

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import fastjsonschema
import msgspec

from lambdas.asking.request import MOST_BYTES, MOST_LISTINGS

SEED = 20261124
PAGE = Path(__file__).parents[2] / "docs/openapi.json"
EXPECTED = (200, 400, 413, 415, 422)

Reply = Mapping[str, Any]


class WrongReply(AssertionError):
    """A reply that breaks the description."""


class Books:
    """Holds replies to the description, and to what everybody can see of a request."""

    def __init__(self, page: Mapping[str, Any]) -> None:
        self._valid = {name: _validator(page, name) for name in ("Answer", "Answers", "Problem")}

    def check(self, content: bytes, reply: Reply) -> int:
        """Return the status of a reply to a body; raises `WrongReply` where it cannot be right."""
        status, document = reply["statusCode"], json.loads(reply["body"], parse_constant=_no_number)
        if status not in EXPECTED:
            raise WrongReply(f"status {status}")
        media_type = "application/json" if status == 200 else "application/problem+json"
        if reply["headers"].get("content-type") != media_type:
            raise WrongReply(f"status {status} as {reply['headers'].get('content-type')}")
        if status == 200:
            self._prices(document, _read(content))
        else:
            self._hold("Problem", document)
            if (document["status"], document["title"]) != (status, HTTPStatus(status).phrase):
                raise WrongReply(f"status {status}, and the problem says {document['status']} {document['title']}")
        if status == 413 and len(content) <= MOST_BYTES and len(_read(content)) <= MOST_LISTINGS:
            raise WrongReply("413 for what is not much")
        if status == 422:
            _read(content)
        return int(status)

    def _prices(self, document: Any, asked: Any) -> None:
        alone = isinstance(asked, dict)
        self._hold("Answer" if alone else "Answers", document)
        answers = [document] if alone else document["prices"]
        if len(answers) != (1 if alone else len(asked)):
            raise WrongReply(f"{len(answers)} prices for {len(asked)} listings")
        for each in answers:
            if not each["interval"]["low"] <= each["predicted_price"] <= each["interval"]["high"]:
                raise WrongReply(f"a price beside its interval: {each['predicted_price']}, {each['interval']}")

    def _hold(self, name: str, document: Any) -> None:
        try:
            self._valid[name](document)
        except fastjsonschema.JsonSchemaValueException as error:
            raise WrongReply(f"not as described: {error.message}") from None


def books() -> Books:
    """Return the books that docs/openapi.json makes."""
    return Books(json.loads(PAGE.read_text()))


def keep_objects(path: Path, objects: Mapping[str, bytes]) -> None:
    """Write the objects of a models bucket to a file."""
    path.write_bytes(msgspec.msgpack.encode(dict(objects)))


def read_objects(path: Path) -> dict[str, bytes]:
    """Return what `keep_objects` wrote."""
    return msgspec.msgpack.decode(path.read_bytes(), type=dict[str, bytes])


def _validator(page: Mapping[str, Any], name: str) -> Callable[[Any], Any]:
    schema = {"allOf": [{"$ref": f"#/components/schemas/{name}"}], "components": page["components"]}
    return fastjsonschema.compile(schema, use_default=False)


def _read(content: bytes) -> Any:
    """Return the JSON that the service said it could read, by another reader."""
    try:
        return json.loads(content.decode(), parse_constant=_no_number, parse_int=str)
    except (ValueError, RecursionError) as error:
        raise WrongReply(f"what is no JSON was read: {error}") from None


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no JSON")
