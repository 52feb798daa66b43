"""What a person chooses of a file, and how it goes out."""

from msgspec import Struct


class Choices(Struct, frozen=True, kw_only=True):
    """What is published of a file, and how; `rate` in events a second."""

    sample: int | None = None
    limit: int | None = None
    rate: float | None = None
    aggregate: bool = False
    resume: bool = False
