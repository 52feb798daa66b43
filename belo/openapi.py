"""The OpenAPI description of `POST /price`: `python -m belo.openapi` writes docs/openapi.json.

Schemas come from the structs that the service itself reads and writes. The worked example is what it answers, with a
champion trained on the generated sample.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from belo.openapi_listing import Schema, components, present
from belo.openapi_words import ASKED, EXPLAIN, FIELDS, KINDS, REPLIES, SERVICE
from belo.sample_service import example, sample, service, trained
from lambdas.asking import request
from lambdas.asking.reply import RETRY_AFTER, Problem
from pricing.answer.answer import Answer
from pricing.answer.warnings import WARNINGS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "openapi.json"
PROBLEMS = (400, 413, 415, 422, 503)
FROM_THE_GATEWAY = (403, 429)
REF = "#/components/schemas/{name}"
# What a type cannot say.
NARROWER: Mapping[str, Schema] = {
    "Answer.predicted_price": {"exclusiveMinimum": 0},
    "Answer.currency": {"pattern": "^[A-Z]{3}$"},
    "Answer.warnings": {"items": {"enum": list(WARNINGS)}, "uniqueItems": True},
    "Answer.comparables": {"maxItems": 5},
    "Interval.low": {"exclusiveMinimum": 0},
    "Interval.high": {"exclusiveMinimum": 0},
    "Interval.coverage": {"exclusiveMinimum": 0, "exclusiveMaximum": 1},
    "Breakdown.typical_price": {"exclusiveMinimum": 0},
    "Comparable.distance": {"minimum": 0},
    "Comparable.km": {"minimum": 0},
    "Problem.type": {"const": "about:blank"},
    "Problem.status": {"enum": list(PROBLEMS)},
    "Problem.detail": {"minLength": 1},
    "WrongField.index": {"minimum": 0, "maximum": request.MOST_LISTINGS - 1},
}


def document(examples: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description; `examples`: a home in both spellings, and its answer (`sample_service.example`)."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Prices of homes", "version": "1", "description": SERVICE},
        "servers": [_server()],
        "security": [{"signature": []}, {"key": []}],
        "paths": {"/price": {"post": _operation(examples)}},
        "components": {"schemas": _schemas(), "headers": _headers(), "securitySchemes": _security()},
    }


def examples_of(page: Mapping[str, Any]) -> dict[str, Any]:
    """Return the examples of a description, as `document` takes them."""
    asked = page["paths"]["/price"]["post"]
    given = asked["requestBody"]["content"]["application/json"]["examples"]
    said = asked["responses"]["200"]["content"]["application/json"]["examples"]
    return {name: each["value"] for name, each in {**given, **said}.items()}


def text(page: Mapping[str, Any]) -> str:
    """Return a description as its file has it."""
    return json.dumps(page, indent=1, ensure_ascii=False) + "\n"


def _operation(examples: Mapping[str, Any]) -> dict[str, Any]:
    asked = {name: {"value": examples[name]} for name in ("canonical", "scraped")}
    answered = {"explained": {"summary": "Either of the two, asked with explain=1.", "value": examples["explained"]}}
    return {
        "operationId": "price",
        "summary": "Price homes",
        "parameters": [
            {
                "name": "explain",
                "in": "query",
                "description": EXPLAIN,
                "schema": {"type": "string", "enum": list(request.EXPLAIN), "default": "0"},
                "example": "1",
            }
        ],
        "requestBody": {
            "required": True,
            "description": ASKED,
            "content": {"application/json": {"schema": _asked(), "examples": asked}},
        },
        "responses": {str(status): _reply(status, answered) for status in sorted((200, *PROBLEMS, *FROM_THE_GATEWAY))},
    }


def _asked() -> Schema:
    listing = {"$ref": REF.format(name="Listing")}
    return {"anyOf": [listing, {"type": "array", "items": listing, "minItems": 1, "maxItems": request.MOST_LISTINGS}]}


def _reply(status: int, answered: Mapping[str, Any]) -> dict[str, Any]:
    if status == 200:
        either = {"anyOf": [{"$ref": REF.format(name=name)} for name in ("Answer", "Answers")]}
        content: Any = {"application/json": {"schema": either, "examples": answered}}
    elif status in FROM_THE_GATEWAY:
        content = {"application/json": {"schema": {"$ref": REF.format(name="Message")}}}
    else:
        content = {"application/problem+json": {"schema": {"$ref": REF.format(name="Problem")}}}
    names = [] if status in FROM_THE_GATEWAY else ["cache-control", *(["retry-after"] if status in RETRY_AFTER else [])]
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return {"description": REPLIES[status], **({"headers": headers} if headers else {}), "content": content}


def _schemas() -> dict[str, Schema]:
    (_, kinds) = msgspec.json.schema_components([Answer, Problem], ref_template=REF)
    several = {"type": "array", "items": {"$ref": REF.format(name="Answer")}, "minItems": 1}
    return components() | {name: _described(name, each) for name, each in kinds.items()} | {
        "Answers": {
            "title": "Answers",
            "description": "The prices of a list of listings, in its order.",
            "type": "object",
            "properties": {"prices": several | {"maxItems": request.MOST_LISTINGS}},
            "required": ["prices"],
        },
        "Message": {
            "title": "Message",
            "description": "What the gateway says by itself.",
            "type": "object",
            "properties": {"message": {"type": "string", "description": "What is wrong, in a few words."}},
            "required": ["message"],
        },
    }  # fmt: skip


def _described(kind: str, schema: Schema) -> Schema:
    """Return the schema of a struct in words; what may be absent is absent, and never null."""
    fields = {
        name: present(each) | NARROWER.get(f"{kind}.{name}", {}) | {"description": FIELDS[f"{kind}.{name}"]}
        for name, each in schema["properties"].items()
    }
    return schema | {"description": KINDS[kind], "properties": fields}


def _headers() -> dict[str, Any]:
    return {
        "cache-control": {
            "description": "Prices change with the model: keep none.",
            "required": True,
            "schema": {"const": "no-store"},
        },
        "retry-after": {
            "description": "Seconds to wait.",
            "required": True,
            "schema": {"type": "integer", "minimum": 1},
        },
    }


def _security() -> dict[str, Any]:
    return {
        "signature": {
            "type": "apiKey",
            "in": "header",
            "name": "authorization",
            "description": "A request signed with AWS Signature Version 4, for the service execute-api.",
            "x-amazon-apigateway-authtype": "awsSigv4",
        },
        "key": {
            "type": "apiKey",
            "in": "header",
            "name": "x-api-key",
            "description": "A key of the API, where the service was set up with keys in place of signatures.",
        },
    }


def _server() -> dict[str, Any]:
    return {
        "url": "https://{api}.execute-api.{region}.amazonaws.com/v1",
        "description": "The stack's output `price_url` names it, with /price.",
        "variables": {
            "api": {"default": "abcdefghij", "description": "The id of the API."},
            "region": {"default": "us-east-1", "description": "The region that it is in."},
        },
    }


def main() -> None:
    """Write the file, with what a champion trained now says to the sample's first home."""
    data = sample()
    PAGE.write_text(text(document(example(data, service(trained(data))))), encoding="utf-8")


if __name__ == "__main__":
    main()
