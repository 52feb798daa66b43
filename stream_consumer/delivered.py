"""The ids of the predictions that were handed on last: what drops a repeat."""

from collections.abc import Iterable
from hashlib import blake2b

REMEMBERED = 500_000  # predictions; about 100 bytes of memory and 16 on disk each
DIGEST_BYTES = 16


class Delivered:
    """The newest ids, between half of `size` and all of it: the elder half goes at once."""

    def __init__(self, size: int = REMEMBERED) -> None:
        self._half = max(1, size // 2)
        self._younger: set[bytes] = set()
        self._elder: set[bytes] = set()

    def remember(self, digests: Iterable[bytes]) -> None:
        """Take in ids that an earlier run handed on, the oldest first."""
        for each in digests:
            self._add(each)

    def is_new(self, event_id: str) -> bool:
        """Return whether an id is not among them, and add it."""
        known = digest(event_id)
        if known in self._younger or known in self._elder:
            return False
        self._add(known)
        return True

    def _add(self, known: bytes) -> None:
        if len(self._younger) >= self._half:
            self._elder, self._younger = self._younger, set()
        self._younger.add(known)


def digest(event_id: str) -> bytes:
    """Return by what an id is remembered."""
    return blake2b(event_id.encode(), digest_size=DIGEST_BYTES).digest()
