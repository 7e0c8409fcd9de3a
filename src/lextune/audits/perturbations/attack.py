"""A search for a few words that turn the model's answer, by questions to it alone; it knows no model and no measure.

The greedy search of TextFooler (Jin et al. 2020, arXiv:1907.11932) within a budget of questions: words are ranked by how
much the score of the true class falls without them, then one after another gets the substitute under which it falls most.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from lextune.audits.perturbations.substitutes import UNITS, Substitutes, written_like

#: From texts to probabilities, shape (texts, classes).
Scores = Callable[[Sequence[str]], npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Budget:
    """What an attack on a text may take.

    Attributes:
        queries: Questions to the model.
        share: Of the text's words to be changed; one may always be.
    """

    queries: int
    share: float


@dataclass
class Attempt:
    """An attack on one text.

    Attributes:
        label: Its true class, which the model gives.
        score: Of that class, for the text as it is now.
        pieces: Of the text, its words at the odd places.
        found: What may stand for each of them.
        queries: Asked so far.
        changed: How many words are others now.
        turned: Whether the model gives another class.
        order: Places of words, the most important first.
    """

    label: int
    score: float
    pieces: list[str]
    found: dict[int, list[str]]
    queries: int = 0
    changed: int = 0
    turned: bool = False
    order: list[int] = field(default_factory=list)

    @property
    def words(self) -> int:
        """How many the text has."""
        return len(self.pieces) // 2

    def with_(self, changes: dict[int, str]) -> str:
        """The text with other words at some places."""
        return "".join(changes.get(place, piece) for place, piece in enumerate(self.pieces))

    def most(self, share: float) -> int:
        """How many words may be changed."""
        return max(int(share * self.words), 1)


def attack(
    texts: Sequence[tuple[str, int]], labels: npt.NDArray[np.int64], scores: npt.NDArray[np.float64],
    ask: Scores, substitutes: Substitutes, budget: Budget,
) -> list[Attempt]:  # fmt: skip
    """Attacks on texts that the model answers right, side by side so that the model is asked many at a time.

    Args:
        texts: To attack, each with how many signs from its beginning the model reads.
        labels: Their classes, shape (texts,).
        scores: The model's, shape (texts, classes).
        ask: The model.
        substitutes: For words.
        budget: Of each text.
    """
    pieces = [UNITS.split(text[:read]) for text, read in texts]
    for one, (text, read) in zip(pieces, texts, strict=True):
        one[-1] += text[read:]
    asked = sorted({word.lower() for one in pieces for word in one[1::2]})
    found = dict(zip(asked, substitutes(asked), strict=True))
    attempts = []
    for one, label, row in zip(pieces, labels.tolist(), scores, strict=True):
        options = {place: found[one[place].lower()] for place in range(1, len(one), 2)}
        kept = {place: words for place, words in options.items() if words}
        attempts.append(Attempt(label, float(row[label]), one, kept))
    _rank(attempts, ask, budget)
    while waiting := [each for each in attempts if _goes_on(each, budget)]:
        _step(waiting, ask, budget)
    return attempts


def _rank(attempts: Sequence[Attempt], ask: Scores, budget: Budget) -> None:
    """Order the words of each text; of a long one several that stand together are left out at once."""
    groups: list[tuple[Attempt, list[int]]] = []
    for one in attempts:
        places = sorted(one.found)
        count = min(len(places), max(budget.queries // 2, 1))
        parts = np.array_split(np.array(places, np.int64), count) if count else []
        groups += [(one, part.tolist()) for part in parts]
        one.queries += count
    texts = [one.with_(dict.fromkeys(group, "")) for one, group in groups]
    scores = ask(texts) if texts else np.zeros((0, 1))
    ranked: dict[int, list[tuple[float, list[int]]]] = {}
    for (one, group), row in zip(groups, scores, strict=True):
        ranked.setdefault(id(one), []).append((float(row[one.label]), group))
    for one in attempts:
        by_score = sorted(ranked.get(id(one), []))
        one.order = [place for _, group in by_score for place in group]


def _goes_on(one: Attempt, budget: Budget) -> bool:
    left = one.queries < budget.queries and one.changed < one.most(budget.share)
    return bool(one.order) and left and not one.turned


def _step(attempts: Sequence[Attempt], ask: Scores, budget: Budget) -> None:
    """Try the substitutes of the next word of each text, and keep the one that does most."""
    tried: list[tuple[Attempt, int, list[str]]] = []
    for one in attempts:
        place = one.order.pop(0)
        words = [written_like(word, one.pieces[place]) for word in one.found[place]]
        tried.append((one, place, words[: budget.queries - one.queries]))
    scores = ask([one.with_({place: word}) for one, place, words in tried for word in words])
    ends = np.cumsum([len(words) for _, _, words in tried])
    for (one, place, words), rows in zip(tried, np.split(scores, ends[:-1]), strict=True):
        one.queries += len(words)
        turned = rows.argmax(axis=1) != one.label
        best = int((rows[:, one.label] - turned).argmin())
        if turned[best] or float(rows[best, one.label]) < one.score:
            one.score, one.turned = float(rows[best, one.label]), bool(turned[best])
            one.pieces[place] = words[best]
            one.changed += 1
