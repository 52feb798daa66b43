"""What a person sees of a file being published."""

from rich.console import Console

from pricing.refusal import InvalidRecord

INVALID_SHOWN = 5


class NotSent:
    """Shows the first invalid rows, and says how many more there were."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._number = 0

    def show(self, row: int, error: InvalidRecord) -> None:
        """Show an invalid row, one of the first."""
        self._number += 1
        if self._number <= INVALID_SHOWN:
            self._console.print(f"row {row} is not sent: {error}", style="yellow", markup=False, highlight=False)

    def rest(self) -> None:
        """Say how many more there were."""
        if self._number > INVALID_SHOWN:
            self._console.print(f"… and {self._number - INVALID_SHOWN} more rows are not sent", style="yellow")
