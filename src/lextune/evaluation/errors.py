"""What a model confuses with what, and where it errs worst, as plain records that a page may draw; it draws nothing.

The records hold ids, names, places and scores, and nothing of any input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lextune import statistics
from lextune.evaluation.boxes import ScoredBoxes
from lextune.evaluation.kinds import Answers
from lextune.evaluation.masks import ScoredMasks, overlap
from lextune.evaluation.matching import overlaps
from lextune.evaluation.predict import Scored
from lextune.evaluation.transcripts import ScoredTranscripts
from lextune.labels import Box
from lextune.tasks.vision.found import ScoredBox

#: Score from which a box is taken for given, and overlap from which it is at an object's place.
SCORE, OVERLAP = 0.5, 0.5
#: What stands for no object.
BACKGROUND = "(background)"

Corners = tuple[float, float, float, float]


@dataclass(frozen=True)
class Mistake:
    """One answer that is wrong.

    Attributes:
        id: Of the row.
        loss: How bad it is; the larger the worse, comparable within one kind alone.
        truth: The true class; `BACKGROUND` where there is no object, None where it is about the whole image.
        given: The class that was given; `BACKGROUND` where an object was missed, None as before.
        score: Of the class that was given; None where nothing was.
        box: The place in the upright image, `x1, y1, x2, y2`; None where it is about the whole image.
    """

    id: str
    loss: float
    truth: str | None
    given: str | None
    score: float | None
    box: Corners | None = None


@dataclass(frozen=True)
class Confusion:
    """How often which class was taken for which.

    Attributes:
        classes: Of rows and columns; of boxes the last one is `BACKGROUND`.
        counts: Row is the true class, column the given one, shape (classes, classes): rows, objects or pixels.
        unit: What is counted.
    """

    classes: tuple[str, ...]
    counts: npt.NDArray[np.int64]
    unit: str


def confusion(answers: Answers, score: float = SCORE) -> Confusion | None:
    """The confusion of rows, objects or pixels; None for kinds that have none. Rows without an answer do not count.

    `score` is the one from which a box is taken for given.
    """
    if isinstance(answers, Scored):
        some = answers.finite
        counts = statistics.confusion(
            answers.labels[some], answers.predicted[some], len(answers.classes)
        )
        return Confusion(answers.classes, counts, "rows")
    if isinstance(answers, ScoredMasks):
        return Confusion(answers.classes, answers.confusion, "pixels")
    return _of_boxes(answers, score) if isinstance(answers, ScoredBoxes) else None


def worst(answers: Answers, most: int | None, score: float = SCORE) -> tuple[Mistake, ...]:
    """The worst mistakes, the worst first; none for kinds that are not classes, boxes, masks or transcripts.

    `most` of None is all of them, and `score` is the one from which a box is taken for given.

    Of classes the surest wrong rows, by the log loss of the label. Of boxes the surest false ones, and missed objects
    by how sure the model was that nothing is there. Of masks the images with the least mean overlap. Of transcripts the
    utterances with the most errors.
    """
    made: list[Mistake] = []
    if isinstance(answers, Scored):
        made = _wrong_rows(answers)
    elif isinstance(answers, ScoredBoxes):
        made = _wrong_boxes(answers, score)
    elif isinstance(answers, ScoredMasks):
        made = _wrong_masks(answers)
    elif isinstance(answers, ScoredTranscripts):
        made = _misheard(answers)
    return tuple(sorted(made, key=lambda one: (-one.loss, one.id, one.box or ()))[:most])


def _wrong_rows(scored: Scored) -> list[Mistake]:
    made = []
    for row in np.flatnonzero(scored.finite & ~scored.right).tolist():
        label, given = int(scored.labels[row]), int(scored.predicted[row])
        loss = statistics.log_loss(scored.labels[row : row + 1], scored.scores[row : row + 1])
        made.append(
            Mistake(
                scored.ids[row], loss, scored.classes[label], scored.classes[given],
                float(scored.scores[row, given]),
            )
        )  # fmt: skip
    return made


def _misheard(scored: ScoredTranscripts) -> list[Mistake]:
    counts = scored.characters if scored.unspaced else scored.words
    errors = counts[:, :3].sum(axis=1)
    return [
        Mistake(scored.ids[row], float(errors[row]), None, None, scored.found[row].score)  # type: ignore[union-attr]
        for row in np.flatnonzero(scored.finite & (errors > 0)).tolist()
    ]


def _wrong_masks(scored: ScoredMasks) -> list[Mistake]:
    made = []
    for row, one in enumerate(scored.found):
        if one is not None and one.confusion.any():
            loss = 1 - float(np.nanmean(overlap(scored.counts[row])))
            if loss > 0:
                made.append(Mistake(scored.ids[row], loss, None, None, one.confidence))
    return made


Pair = tuple[Box | None, ScoredBox | None]


def _pairs(labels: Sequence[Box], found: Sequence[ScoredBox]) -> list[Pair]:
    """Each object with the box at its place whatever its type, the best overlaps first; None where one is alone.

    Crowds are no objects, and what lies on them is left out.
    """
    objects = [box for box in labels if not box.crowd]
    shared = overlaps(_corners(objects), _corners(found))
    alone, taken = set(range(len(objects))), dict.fromkeys(range(len(found)), False)
    pairs: list[Pair] = []
    near = np.argwhere(shared >= OVERLAP)
    # Among equal overlaps the right type goes first, then the surer box.
    order = sorted(
        near.tolist(),
        key=lambda at: (
            -shared[at[0], at[1]],
            objects[at[0]].type != found[at[1]].type,
            -found[at[1]].score,
        ),
    )
    for row, column in order:
        if row in alone and not taken[column]:
            alone.discard(row)
            taken[column] = True
            pairs.append((objects[row], found[column]))
    crowds = [box for box in labels if box.crowd]
    pairs += [(objects[row], None) for row in sorted(alone)]
    pairs += [
        (None, found[at]) for at, done in taken.items() if not done and not _within(found[at], crowds)
    ]  # fmt: skip
    return pairs


def _within(box: ScoredBox, crowds: Sequence[Box]) -> bool:
    """Whether at least half of the box lies on a crowd of its type, as COCO has it."""
    area = (box.x2 - box.x1) * (box.y2 - box.y1)
    for crowd in crowds:
        width = min(box.x2, crowd.x2) - max(box.x1, crowd.x1)
        height = min(box.y2, crowd.y2) - max(box.y1, crowd.y1)
        if crowd.type == box.type and width > 0 and height > 0 and width * height >= OVERLAP * area:
            return True
    return False


def _corners(boxes: Sequence[Any]) -> npt.NDArray[np.float64]:
    return np.array([one[:4] for one in boxes], np.float64).reshape(-1, 4)


def _of_boxes(scored: ScoredBoxes, score: float) -> Confusion:
    names = (*scored.classes, BACKGROUND)
    number = {name: place for place, name in enumerate(names)}
    counts = np.zeros((len(names), len(names)), np.int64)
    for labels, found, good in zip(scored.labels, scored.found, scored.finite, strict=True):
        if good:
            for true, given in _pairs(labels, [one for one in found or () if one.score >= score]):
                row = number[true.type] if true else -1
                counts[row, number[given.type] if given else -1] += 1
    return Confusion(names, counts, "objects")


def _wrong_boxes(scored: ScoredBoxes, score: float) -> list[Mistake]:
    made = []
    for name, labels, found, good in zip(
        scored.ids, scored.labels, scored.found, scored.finite, strict=True
    ):
        if not good:
            continue
        every = found or ()
        for true, given in _pairs(labels, [one for one in every if one.score >= score]):
            if given is not None and (true is None or true.type != given.type):
                truth = true.type if true else BACKGROUND
                made.append(Mistake(name, given.score, truth, given.type, given.score, given[:4]))
            elif given is None and true is not None:
                missed = 1 - _surest(true, every)
                made.append(Mistake(name, missed, true.type, BACKGROUND, None, true[:4]))
    return made


def _surest(label: Box, found: Sequence[ScoredBox]) -> float:
    """The highest score of a box of the object's type at its place; 0 where there is none."""
    same = [one for one in found if one.type == label.type]
    shared = overlaps(_corners([label]), _corners(same))
    return max(
        (one.score for one, share in zip(same, shared[0], strict=True) if share >= OVERLAP), default=0.0
    )  # fmt: skip
