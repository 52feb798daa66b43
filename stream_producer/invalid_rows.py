"""What a person sees of the rows that are not published."""

from pricing.refusal import InvalidRecord
from terminal.display import warn

INVALID_SHOWN = 5


class InvalidRows:
    """Shows the first invalid rows, and says how many more there were."""

    def __init__(self) -> None:
        self._number = 0

    def show(self, row: int, error: InvalidRecord) -> None:
        """Show an invalid row, one of the first."""
        self._number += 1
        if self._number <= INVALID_SHOWN:
            warn(f"row {row} is not sent: {error}")

    def sum_up(self) -> None:
        """Say how many more there were."""
        if self._number > INVALID_SHOWN:
            warn(f"… and {self._number - INVALID_SHOWN} more rows are not sent")
