"""Why a record is refused, in words that name the field and the value."""

import json
import re
from collections import Counter
from typing import Any, Literal, NoReturn

import msgspec

from pricing.aggregation import MAGIC, DamagedAggregate, split

Reason = Literal["invalid_json", "invalid_event", "invalid_listing", "unscorable"]

SHOWN = 80  # characters of a refused value that are worth showing


class InvalidRecord(ValueError):
    """A record that can never be priced, and why.

    `reason` is one of the dead letters' reasons; `str(error)` names the field and the value.
    """

    def __init__(self, reason: Reason, error: str) -> None:
        super().__init__(error)
        self.reason: Reason = reason


class _Number(str):
    """A number as it was written, so that 1e999 is shown as 1e999."""

    __slots__ = ()


def refusal(payload: bytes, error: Exception) -> InvalidRecord:
    """Return why `payload` was refused, given the decoder's error.

    The decoder stops at the first thing that is wrong with an event. Whether the whole is
    JSON at all is therefore looked at again here, where speed no longer matters.
    """
    if payload.startswith(MAGIC):
        try:
            split(payload)
        except DamagedAggregate as wrong:
            return InvalidRecord("invalid_json", str(wrong))
    try:
        document = json.loads(
            payload.decode(),
            object_pairs_hook=_unambiguous,
            parse_float=_Number,
            parse_int=_Number,
            parse_constant=_not_a_number,
        )
    except UnicodeDecodeError as wrong:
        return InvalidRecord("invalid_json", f"not UTF-8: byte 0x{payload[wrong.start]:02x} at {wrong.start}")
    except json.JSONDecodeError as wrong:
        what = wrong.msg.removesuffix(" at")
        return InvalidRecord("invalid_json", f"not JSON: {what} at {wrong.pos}{_near(wrong.doc, wrong.pos)}")
    except _NotANumber as wrong:
        return InvalidRecord("invalid_json", f"not JSON: {wrong}{_around(payload, str(wrong))}")
    except RecursionError:
        return InvalidRecord("invalid_json", "nested too deeply")
    if isinstance(error, RecursionError):
        return InvalidRecord("invalid_json", "nested too deeply")
    if not isinstance(error, msgspec.ValidationError):  # JSON by the letter, but no text
        return InvalidRecord("invalid_json", "not UTF-8: an escape stands for half a character (a lone surrogate)")
    return _explain(error, document)


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Leave out keys that stand more than once: which of their values was refused, nobody can tell."""
    times = Counter(name for name, _ in pairs)
    return {name: value for name, value in pairs if times[name] == 1}


class _NotANumber(ValueError):
    pass


def _not_a_number(text: str) -> NoReturn:
    raise _NotANumber(text)


def _near(document: str, position: int) -> str:
    excerpt = document[max(0, position - 24) : position + 16]
    return f", near {excerpt!r}" if excerpt else ""


def _around(payload: bytes, word: str) -> str:
    text = payload.decode()
    return _near(text, text.index(word))


def _explain(error: msgspec.ValidationError, document: object) -> InvalidRecord:
    path = _path(error)
    inside = path[:1] == ["data"] and (len(path) > 1 or "missing required field" in str(error))
    return InvalidRecord("invalid_listing" if inside else "invalid_event", _sentence(error, document))


def listing_refusal(error: msgspec.ValidationError, values: object) -> InvalidRecord:
    """Return why `values`, the fields of a listing, were refused."""
    return InvalidRecord("invalid_listing", _sentence(error, values))


def _path(error: msgspec.ValidationError) -> list[str]:
    _, _, path = str(error).partition(" - at `$.")
    return path.rstrip("`").split(".") if path else []


def _sentence(error: msgspec.ValidationError, document: object) -> str:
    what = str(error).partition(" - at `$")[0]
    if missing := re.search(r"missing required field `(\w+)`", what):
        return f"{missing[1]}: required, but missing"
    path = _path(error)
    name = path[-1] if path else "event"
    return f"{name}: expected {_expected(what, name)}{_got(document, path)}"


_LIMITS = (
    (r"`str` of length .*", "text of 1 to 256 characters"),
    (r"`float` that's a multiple of 1(\.0)?", "a whole number"),
    (r"`(?:float|int)` (>|>=|<|<=) ([\d.-]+)", r"a number \1 \2"),
    (r"`float( \| null)?`.*", r"a number\1"),
    (r"`str( \| null)?`.*", r"text\1"),
    (r"`object`.*", "an object"),
)
_LITERALS = {"specversion": '"1.0"', "type": '"listing.submitted"'}


def _expected(what: str, name: str) -> str:
    if name in _LITERALS:
        return _LITERALS[name]
    words = what.removeprefix("Expected ")
    for pattern, ours in _LIMITS:
        if found := re.fullmatch(pattern, words):
            return re.sub(r"\.0$", "", found.expand(ours).replace(" | null", " or null"))
    return "a number in range" if words == "Number out of range" else words


def _got(document: Any, names: list[str]) -> str:  # noqa: ANN401 - a parsed JSON document
    for name in names:
        if not isinstance(document, dict) or name not in document:
            return ""
        document = document[name]
    return f", got {shown(document)}"


def shown(value: object) -> str:
    """Return a refused value as JSON, or what it is where it is large, for an error message."""
    if isinstance(value, _Number):
        text = str(value)
    elif isinstance(value, dict | list):
        text = "an object" if isinstance(value, dict) else "a list"
    elif isinstance(value, float) and value.is_integer():
        text = f"{value:.0f}"
    else:
        text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text)} characters)"
