"""Reads lists of keywords and finds them in texts; what a keyword means it does not know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lextune.data.fingerprint import normalise
from lextune.data.quality.risks import find_risk
from lextune.errors import DataError, Problem
from lextune.extras import need
from lextune.files import read_regular, sha256

#: The risk of keywords whose list names none.
NO_RISK = "unclassified"


@dataclass
class Library:
    """Keywords as they are compared (normalised, each once) with their risks, and the digests of their files."""

    risks: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """Keywords of each risk."""
        return dict(sorted(Counter(self.risks.values()).items()))


def read_library(paths: Sequence[str]) -> Library:
    """All keywords of some files: UTF-8, one a line, the risk behind a tab where it is known; `#` begins a comment.

    Raises:
        DataError: A file cannot be read, is not UTF-8, or names a risk that there is not; all places at once.
    """
    library, problems = Library(), []
    for path in paths:
        try:
            data = read_regular(Path(path))
            lines = data.decode("utf-8-sig").split("\n")
        except OSError as error:
            problems.append(
                Problem("the keyword list cannot be read", "check data.quality.keyword_lists", str(error.strerror), path)
            )  # fmt: skip
            continue
        except UnicodeDecodeError:
            problems.append(
                Problem("the keyword list is not UTF-8", "save it as UTF-8", where=path)
            )
            continue
        library.files[path] = sha256(data)
        for number, line in enumerate(lines, 1):
            word, _, risk = line.partition("\t")
            keyword = normalise(word)
            if not keyword or keyword.startswith("#"):
                continue
            known = find_risk(risk) if risk.strip() else NO_RISK
            if known is None:
                problems.append(
                    Problem("the keyword's risk is none of the 31",
                            "write an id as A.1.3, a name, or A.2 其他", where=f"{path}:{number}")
                )  # fmt: skip
                continue
            library.risks.setdefault(keyword, known)
    if not problems and paths and not library.risks:
        problems.append(
            Problem("the keyword lists hold no keyword", "write one keyword a line", where=paths[0])
        )
    if problems:
        raise DataError(problems)
    return library


class Finder:
    """Finds the keywords of a library in texts, all in one pass (Aho and Corasick 1975).

    A keyword that begins or ends with a Latin letter or digit is found as a word only: `ass` is not in `class`.
    """

    def __init__(self, library: Library) -> None:
        self._words = list(library.risks)
        self._risks = [library.risks[word] for word in self._words]
        self._automaton: Any = need("data", "ahocorasick_rs").AhoCorasick(self._words)

    def risks(self, text: str) -> frozenset[str]:
        """The risks of all keywords that occur in a text."""
        text = normalise(text)
        found = self._automaton.find_matches_as_indexes(text, overlapping=True)
        return frozenset(
            self._risks[index] for index, start, end in found if _whole(text, start, end)
        )


def _whole(text: str, start: int, end: int) -> bool:
    before = start > 0 and _latin(text[start]) and _latin(text[start - 1])
    after = end < len(text) and _latin(text[end - 1]) and _latin(text[end])
    return not (before or after)


def _latin(sign: str) -> bool:
    return sign.isalnum() and sign < "\u0250"
