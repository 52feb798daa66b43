"""Times as a person types them."""

from datetime import UTC, datetime

from terminal.errors import UsageFailure


def parse_time(option: str, text: str, expected: str = "a time") -> datetime:
    """Return an ISO 8601 time in UTC, which is meant where no zone is named; raises `UsageFailure`."""
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise UsageFailure(f"{option}: expected {expected} such as 2026-11-23T12:00:00Z, got {text}") from None
