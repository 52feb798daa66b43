"""What a function is told by its environment, read once."""

import math
from collections.abc import Mapping


class MissingSetting(Exception):
    """An environment variable that the function cannot do without is not set, or is no number."""


def required(environment: Mapping[str, str], name: str) -> str:
    """Return a variable; raises `MissingSetting` where it is not set, or empty."""
    if not (value := environment.get(name)):
        raise MissingSetting(f"{name} is not set")
    return value


def number(environment: Mapping[str, str], name: str, default: float) -> float:
    """Return a variable as a number, or the default; raises `MissingSetting` where it is no finite one of 0 or more."""
    text = environment.get(name, str(default))
    try:
        value = float(text)
    except ValueError:
        raise MissingSetting(f"{name}: expected a number, got {text!r}") from None
    if not 0 <= value < math.inf:
        raise MissingSetting(f"{name}: expected a finite number of 0 or more, got {text!r}")
    return value
