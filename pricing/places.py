"""How names of places are compared: by one key, and never as they were written."""

import functools
import re
import unicodedata
from collections.abc import Callable

from pricing.market import Affixes

_SEPARATORS = re.compile(r"[\W_]+")

NameKey = Callable[[str], str]


@functools.lru_cache(maxsize=65_536)
def place_key(name: str) -> str:
    """Return by what a name is known: "" for one without a letter or digit.

    Compatibility forms, letters' case, accents, blanks and punctuation make no other place: "Santa Amélia" (composed or
    not), " SANTA-AMELIA" and "santa  amelia" are one. Training, the model, the monitor and readers that choose by place
    all compare by it; the key of a key is itself.
    """
    # Folded before and after: a letter without its accent may have another case form, and a folded one an accent.
    text = unicodedata.normalize("NFKC", name).casefold()
    letters = "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
    return _SEPARATORS.sub(" ", unicodedata.normalize("NFKC", letters).casefold()).strip()


@functools.lru_cache(maxsize=64)
def neighborhood_key(affixes: Affixes) -> NameKey:
    """Return by what a market knows its neighbourhoods: `place_key` less the words that say nothing more.

    "Bairro Centro" and "Centro, Cidade" are "centro", where the market has such affixes. A name that
    is nothing but affixes keeps the last of them.
    """
    before = tuple(f"{place_key(word)} " for word in affixes.before)
    after = tuple(f" {place_key(word)}" for word in affixes.after)
    if not before and not after:
        return place_key

    @functools.lru_cache(maxsize=65_536)
    def key(name: str) -> str:
        found = place_key(name)
        while (rest := _less_one(found, before, after)) != found:
            found = rest
        return found

    return key


def _less_one(name: str, before: tuple[str, ...], after: tuple[str, ...]) -> str:
    for affix in before:
        if name.startswith(affix):
            return name[len(affix) :]
    for affix in after:
        if name.endswith(affix):
            return name[: -len(affix)]
    return name
