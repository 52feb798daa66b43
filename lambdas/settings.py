"""What a function is told by its environment, read once."""

from collections.abc import Mapping
from dataclasses import dataclass


class MissingSetting(Exception):
    """An environment variable that the function cannot do without is not set, or is no number."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of `score`; each field's variable is BELO_ and the field's name in capitals."""

    predictions_stream: str
    models_bucket: str
    dead_letters_bucket: str
    champion_poll_seconds: float = 10.0
    deadline_margin_ms: int = 15_000  # kept back from the invocation's time: as long as a last request may take

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Settings":
        """Return the settings; raises `MissingSetting` naming the variable."""
        return cls(
            predictions_stream=required(environment, "BELO_PREDICTIONS_STREAM"),
            models_bucket=required(environment, "BELO_MODELS_BUCKET"),
            dead_letters_bucket=required(environment, "BELO_DEAD_LETTERS_BUCKET"),
            champion_poll_seconds=number(environment, "BELO_CHAMPION_POLL_SECONDS", 10.0),
            deadline_margin_ms=int(number(environment, "BELO_DEADLINE_MARGIN_MS", 15_000)),
        )


def required(environment: Mapping[str, str], name: str) -> str:
    """Return a variable; raises `MissingSetting` where it is not set, or empty."""
    if not (value := environment.get(name)):
        raise MissingSetting(f"{name} is not set")
    return value


def number(environment: Mapping[str, str], name: str, default: float) -> float:
    """Return a variable as a number, or the default; raises `MissingSetting` where it is no number."""
    text = environment.get(name, str(default))
    try:
        return float(text)
    except ValueError:
        raise MissingSetting(f"{name}: expected a number, got {text!r}") from None
