"""What a function is told by its environment, read once."""

from collections.abc import Mapping


class MissingSetting(Exception):
    """An environment variable that the function cannot do without is not set, or is no number."""


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
