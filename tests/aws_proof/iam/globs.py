"""Patterns of policies: `*` and `?`, and whether an ARN of some format could match one."""

import functools
import re

# Placeholders of ARN formats whose values have slashes in them; that of any other ends at the next one.
DEEP = frozenset({"ObjectName", "LogGroupName", "LogStreamName", "RepositoryName", "ApiSpecificResourcePath", "Path"})
_PLACEHOLDER = re.compile(r"\$\{(\w+)\}|<(\w+)>")


@functools.cache
def _compiled(pattern: str, *, case: bool) -> re.Pattern[str]:
    text = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern)
    return re.compile(text, re.DOTALL if case else re.DOTALL | re.IGNORECASE)


def matches(pattern: str, text: str, *, case: bool = True) -> bool:
    """Whether the text is of the pattern; `*` is any characters, `?` one."""
    return _compiled(pattern, case=case).fullmatch(text) is not None


def arn_matches(pattern: str, arn: str) -> bool:
    """Whether an ARN is of the pattern, each of its six parts by itself; `*` alone matches all."""
    wanted, found = pattern.split(":", 5), arn.split(":", 5)
    if len(wanted) < 6 or len(found) < 6:
        return pattern in {"*", arn}
    return all(map(matches, wanted, found))


def could_be(pattern: str, arn_format: str) -> bool:
    """Whether some ARN of a format, like `arn:${Partition}:s3:::${BucketName}`, matches the pattern."""
    wanted, offered = pattern.split(":", 5), arn_format.split(":", 5)
    if len(wanted) < 6:
        return pattern == "*"
    return all(_meet(one, tuple(_tokens(other))) for one, other in zip(wanted, offered, strict=True))


def _tokens(text: str) -> list[str]:
    """Return single characters, and for placeholders <deep> or <name>, which stand for one character or more."""
    found: list[str] = []
    end = 0
    for each in _PLACEHOLDER.finditer(text):
        name = each[1] or each[2]
        found += [*text[end : each.start()], "<deep>" if name in DEEP or name.endswith("WithPath") else "<name>"]
        end = each.end()
    return [*found, *text[end:]]


@functools.cache
def _meet(pattern: str, tokens: tuple[str, ...]) -> bool:
    # Both are walked at once; a state is how far each has come, and whether the placeholder has had its character.
    seen: set[tuple[int, int, bool]] = set()
    ahead = [(0, 0, False)]
    while ahead:
        state = ahead.pop()
        if state in seen:
            continue
        seen.add(state)
        at, on, begun = state
        if at == len(pattern) and on == len(tokens):
            return True
        letter = pattern[at] if at < len(pattern) else ""
        token = tokens[on] if on < len(tokens) else ""
        if begun:
            ahead.append((at, on + 1, False))
        if letter == "*":
            ahead.append((at + 1, on, begun))
        ahead += _together(letter, token, at, on)
    return False


def _together(letter: str, token: str, at: int, on: int) -> list[tuple[int, int, bool]]:
    """Return where both are after one character that they share."""
    if not letter or not token:
        return []
    stays = at if letter == "*" else at + 1
    if token in {"<deep>", "<name>"}:
        excluded = ":" if token == "<deep>" else ":/"
        return [] if letter in excluded else [(stays, on, True)]
    return [(stays, on + 1, False)] if letter in {"*", "?", token} else []
