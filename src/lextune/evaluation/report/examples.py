"""Chooses the rows of a part that are worth a look: the worst answers and typical ones; it opens no image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lextune.evaluation.boxes import ScoredBoxes
from lextune.evaluation.errors import SCORE, Mistake, worst
from lextune.evaluation.kinds import Answers
from lextune.evaluation.masks import ScoredMasks, overlap
from lextune.evaluation.predict import Scored
from lextune.evaluation.transcripts import ScoredTranscripts


@dataclass(frozen=True)
class Example:
    """A row to be shown.

    Attributes:
        row: Its number in the part.
        mistakes: What is wrong with its answer, the worst first; none where it is right.
    """

    row: int
    mistakes: tuple[Mistake, ...] = ()


def worst_examples(answers: Answers, most: int, score: float = SCORE) -> list[Example]:
    """The rows with the worst mistakes, the worst first, each once with all of its mistakes."""
    by_row: dict[str, list[Mistake]] = {}
    for one in worst(answers, None, score):
        by_row.setdefault(one.id, []).append(one)
    place = {name: row for row, name in enumerate(answers.ids)}
    return [Example(place[name], tuple(found)) for name, found in [*by_row.items()][:most]]


def typical_examples(answers: Answers, most: int, score: float = SCORE) -> list[Example]:
    """Rows that stand for many.

    Of classes right ones whose score is nearest to the median of right rows, of as many classes as there are. Of boxes
    images without a mistake whose number of objects is nearest to the median, of masks those whose mean overlap is, and
    of transcripts those whose error rate is.
    """
    if isinstance(answers, Scored):
        return _right_rows(answers, most)
    if isinstance(answers, ScoredBoxes):
        wrong = {one.id for one in worst(answers, None, score)}
        rows = [
            row for row, (name, good) in enumerate(zip(answers.ids, answers.finite, strict=True))
            if good and name not in wrong and answers.labels[row]
        ]  # fmt: skip
        return _middle(rows, [float(len(answers.labels[row])) for row in rows], most)
    if isinstance(answers, ScoredMasks):
        rows = [
            row for row, one in enumerate(answers.found) if one is not None and one.confusion.any()
        ]
        return _middle(
            rows, [float(np.nanmean(overlap(answers.counts[row]))) for row in rows], most
        )
    if isinstance(answers, ScoredTranscripts):
        counts = answers.characters if answers.unspaced else answers.words
        rows = np.flatnonzero(answers.finite & (counts[:, 3] > 0)).tolist()
        return _middle(rows, [float(counts[row, :3].sum() / counts[row, 3]) for row in rows], most)
    return []


def _right_rows(scored: Scored, most: int) -> list[Example]:
    rows = np.flatnonzero(scored.right)
    by_class = {
        label: _middle(some.tolist(), scored.scores[some, label].tolist(), most)
        for label in range(len(scored.classes))
        if len(some := rows[scored.labels[rows] == label])
    }
    taken: list[Example] = []
    for turn in range(most):
        taken += [found[turn] for found in by_class.values() if turn < len(found)]
    return taken[:most]


def _middle(rows: list[int], values: list[float], most: int) -> list[Example]:
    """The rows whose value is nearest to the median, in their order."""
    if not rows:
        return []
    away = np.abs(np.array(values) - np.median(values))
    nearest = sorted(np.argsort(away, kind="stable")[:most].tolist())
    return [Example(rows[at]) for at in nearest]
