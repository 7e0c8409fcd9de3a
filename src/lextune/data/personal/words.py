"""English words that belong to no name, to organisations, or stand before places; it reads no text."""

from __future__ import annotations

from lextune.data.personal.lists import words

#: No name begins or goes on with them.
NOT_NAMES = frozenset(words("not_names_en"))

#: The name of an organisation, a street or an institution ends with them.
ORGANISATION = frozenset(words("organisations"))

#: Behind them capitalised words are more often a place than a person.
PLACE_BEFORE = frozenset(
    (
        "in",
        "at",
        "near",
        "from",
        "into",
        "across",
        "around",
        "through",
        "towards",
        "toward",
        "via",
        "outside",
        "inside",
    )
)
