"""Calls held against botocore's models: what AWS would refuse before it looked at anything else."""

import re
import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.model import Shape

from tests.aws_proof.wire import Call, model

NUMBERS = ("integer", "long", "float", "double")
KINDS = {
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "string": str,
    "blob": (str, bytes),
    "timestamp": (str, int, float),
}


def complaints(call: Call) -> list[str]:
    """Return what is wrong with a call: required, unknown, kinds, enums, patterns, lengths and ranges."""
    shape = model(call.service).operation_model(call.operation).input_shape
    if shape is None:
        return [f"{call.service}.{call.operation}: takes no parameters"] if call.parameters else []
    return [f"{call.service}.{call.operation}{each}" for each in _wrong(shape, call.parameters, "")]


def _wrong(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if shape.type_name == "structure":
        if not isinstance(value, dict):
            yield f"{path}: expected a structure, got {value!r}"
            return
        for name in shape.required_members:
            if value.get(name) is None:
                yield f"{path}.{name}: required, but missing"
        for name, each in value.items():
            if name not in shape.members:
                yield f"{path}.{name}: unknown"
            elif each is not None:
                yield from _wrong(shape.members[name], each, f"{path}.{name}")
    elif shape.type_name == "list":
        yield from _size(shape, value, path, "items")
        for index, each in enumerate(value):
            yield from _wrong(shape.member, each, f"{path}[{index}]")
    elif shape.type_name == "map":
        yield from _size(shape, value, path, "entries")
        for name, each in value.items():
            yield from _wrong(shape.key, name, f"{path} key")
            yield from _wrong(shape.value, each, f"{path}.{name}")
    else:
        yield from _scalar(shape, value, path)


def _scalar(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, KINDS[shape.type_name]) or (shape.type_name != "boolean" and isinstance(value, bool)):
        yield f"{path}: expected {shape.type_name}, got {value!r}"
        return
    said = shape.metadata
    if shape.type_name == "string":
        if "enum" in said and value not in said["enum"]:
            yield f"{path}: expected one of {', '.join(said['enum'])}, got {value!r}"
        if (pattern := _compiled(said.get("pattern"))) and not pattern.fullmatch(value):
            yield f"{path}: expected {said['pattern']}, got {value!r}"
        yield from _size(shape, value, path, "characters")
    elif shape.type_name in NUMBERS and not said.get("min", value) <= value <= said.get("max", value):
        yield f"{path}: expected {said.get('min')} to {said.get('max')}, got {value}"


def _size(shape: Shape, value: Any, path: str, what: str) -> Iterator[str]:
    low, high = shape.metadata.get("min", 0), shape.metadata.get("max")
    if len(value) < low or (high is not None and len(value) > high):
        yield f"{path}: expected {low} to {high} {what}, got {len(value)}"


@cache
def _compiled(pattern: str | None) -> re.Pattern[str] | None:
    """Return a model's pattern, which is Java's; None for one that Python does not know."""
    if pattern is None:
        return None
    python = pattern.replace(r"\p{L}", r"\w").replace(r"\p{Z}", r"\s").replace(r"\p{N}", r"\d")
    try:
        with warnings.catch_warnings(action="ignore", category=FutureWarning):  # of a [ in a set
            return re.compile(python, re.DOTALL)
    except re.error:
        return None
