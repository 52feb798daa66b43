"""How names of places are compared: by one key, and never as they were written."""

import functools
import re
import unicodedata

_SEPARATORS = re.compile(r"[\W_]+")


@functools.lru_cache(maxsize=65_536)
def place_key(name: str) -> str:
    """Return by what a name of a neighbourhood or street is known: "" for one without a letter or digit.

    Compatibility forms, letters' case, accents, blanks and punctuation make no other place: "Santa Amélia" (composed or
    not), " SANTA-AMELIA" and "santa  amelia" are one. Training, the model, the monitor and readers that choose by place
    all compare by it; the key of a key is itself.
    """
    # Folded before and after: a letter without its accent may have another case form, and a folded one an accent.
    text = unicodedata.normalize("NFKC", name).casefold()
    letters = "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
    return _SEPARATORS.sub(" ", unicodedata.normalize("NFKC", letters).casefold()).strip()
