"""Whether something names a listing, however its id is spelt."""

import json
import re

import msgspec
from msgspec import Struct

from pricing.listing import TEXT_LIMIT, partition_key
from terminal.errors import UsageFailure

NAMES = frozenset({"listingid", "subject"})  # fields that name a listing, less case and punctuation

_ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "latin-1")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_NO_LETTER = re.compile(r"[\W_]+")


class _Row(Struct):
    listing_id: str


_rows = msgspec.json.Decoder(_Row)


class ListingName:
    """The id of a listing; raises `UsageFailure` for what can be none."""

    def __init__(self, listing_id: str) -> None:
        try:
            self._bytes = listing_id.encode()
        except UnicodeEncodeError:
            raise UsageFailure("LISTING_ID: expected text in UTF-8") from None
        if not 1 <= len(listing_id) <= TEXT_LIMIT:
            raise UsageFailure(f"LISTING_ID: expected 1 to {TEXT_LIMIT} characters, got {len(listing_id)}")
        self.id = listing_id
        self._keys = {listing_id, partition_key(listing_id)}
        self._word = re.compile(rf"(?<![\w-]){re.escape(listing_id)}(?![\w-])")

    def may_be_in(self, content: bytes) -> bool:
        """Return False only where no reading of the content can hold the id: plain text without it and its escapes."""
        if self._bytes in content or b"\\" in content or b"\0" in content:
            return True
        return not self.id.isascii() and not _is_utf8(content)

    def is_key(self, key: str) -> bool:
        """Return whether a partition key is the listing's."""
        return key in self._keys

    def in_row(self, line: bytes) -> bool:
        """Return whether a line of the archive is about the listing: its `listing_id` says so, or the line is torn."""
        if not self.may_be_in(line):
            return False
        try:
            return _rows.decode(line).listing_id == self.id
        except (ValueError, RecursionError):
            return self._is_word_of(_texts(line))

    def in_record(self, key: str, payload: bytes) -> bool:
        """Return whether a record is about the listing.

        Where its payload is JSON that names listings, these decide. Where it names none, or is no JSON, it is the
        listing's if its partition key is, or if the id stands anywhere in it as a word of its own.
        """
        if not self.may_be_in(payload):
            return self.is_key(key) and not _named(_texts(payload))
        texts = _texts(payload)
        if named := _named(texts):
            return self.id in named
        return self.is_key(key) or self._is_word_of(texts)

    def in_text(self, content: bytes) -> bool:
        """Return whether the id stands in a text of any kind as a word of its own."""
        return self.may_be_in(content) and self._is_word_of(_texts(content))

    def _is_word_of(self, texts: list[str]) -> bool:
        return any(self._word.search(text) or self._word.search(_unescaped(text)) for text in texts)


def _texts(content: bytes) -> list[str]:
    """Return what a content may say: one text where it is UTF-8, else one for each encoding that it may have."""
    if b"\0" not in content and _is_utf8(content):
        return [content.decode().removeprefix("\ufeff")]
    return [content.decode(encoding, "replace").removeprefix("\ufeff") for encoding in _ENCODINGS]


def _named(texts: list[str]) -> set[str]:
    """Return the listings that texts name where they are JSON, in any object of it, also under repeated names."""
    found: set[str] = set()

    def note(pairs: list[tuple[str, object]]) -> None:
        named = (value for name, value in pairs if isinstance(value, str) and _NO_LETTER.sub("", name).lower() in NAMES)
        found.update(spelt for value in named for spelt in (value, value.strip()))

    for text in texts:
        before = set(found)
        try:
            json.loads(text, object_pairs_hook=note, parse_int=str, parse_float=str, parse_constant=str)
        except (ValueError, RecursionError):
            found = before
    return found


def _unescaped(text: str) -> str:
    """Return a text with JSON's escapes undone, whatever else is wrong with it."""
    plain = _ESCAPE.sub(lambda each: chr(int(each[1], 16)) if each[1] else " " if each[2] in "bfnrt" else each[2], text)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
