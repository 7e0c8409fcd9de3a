"""What a model says of one input, by kind of label, as records; it knows no model and no request."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import Field, field_serializer

from lextune.records import Record

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from lextune.tasks.audio.found import FoundTranscript
    from lextune.tasks.vision.found import FoundMask, ScoredBox


class Prediction(Record):
    """What the model says of one text or image.

    Attributes:
        label: The class with the highest score; the first of them where several are equal.
        score: Its score.
        scores: Every class and its probability, in the order of the model's outputs.
    """

    label: str
    score: float
    scores: dict[str, float]


class ClassesPrediction(Record):
    """What a model that gives any number of classes says of one text.

    Attributes:
        labels: The classes that are given, in the order of the model's outputs.
        scores: Every class and its probability.
    """

    labels: tuple[str, ...]
    scores: dict[str, float]


class Entity(Record):
    """An entity as Hugging Face's pipelines tell it: type, mean probability, code points of the text, and the words."""

    entity_group: str
    score: float
    start: int
    end: int
    word: str


class EntitiesPrediction(Record):
    """The entities that a model found in one text, in its order."""

    entities: tuple[Entity, ...]


class Place(Record):
    """Corners of a box, in pixels of the upright image from its upper left corner."""

    xmin: float
    ymin: float
    xmax: float
    ymax: float


class FoundObject(Record):
    """An object as Hugging Face's pipelines tell it: how sure the model is, its type, and where it is."""

    score: float
    label: str
    box: Place


class BoxesPrediction(Record):
    """The objects that a model found in one image, the surest first."""

    boxes: tuple[FoundObject, ...]


class Segment(Record):
    """All pixels of one class.

    Attributes:
        label: The class.
        share: Of the image's pixels.
        score: Mean probability of the class over them.
    """

    label: str
    share: float
    score: float


class MaskPrediction(Record):
    """The class of each pixel of one image.

    Attributes:
        segments: The classes that occur, the largest first.
        mask: PNG of the upright image's size, whose values are the classes' numbers in the order of the model's
            outputs; its palette has the colours of `tasks.vision.drawing.colours`. In JSON it is base64.
    """

    segments: tuple[Segment, ...]
    mask: bytes = Field(repr=False)

    @field_serializer("mask", when_used="json")
    def _base64(self, mask: bytes) -> str:
        return base64.b64encode(mask).decode()


class SaidSegment(Record):
    """A stretch of a sound, in seconds from its beginning, and what is said in it."""

    start: float
    end: float
    text: str


class TranscriptPrediction(Record):
    """What a model heard in one sound.

    Attributes:
        text: All that is said; empty where nothing is.
        score: The geometric mean of the probabilities of its tokens.
        segments: The same in stretches, in order.
    """

    text: str
    score: float
    segments: tuple[SaidSegment, ...]


class RecommendedItem(Record):
    """An item, how well it fits (comparable within one answer alone), and what is known of it in words."""

    item: str
    score: float
    text: str | None = None


class ItemsPrediction(Record):
    """The items that a model recommends, the best first; none of them is in the history that was given."""

    items: tuple[RecommendedItem, ...]


#: Pixels that are counted at once, for numpy makes each eight times as large.
_AT_ONCE = 1 << 20

AnyPrediction = (
    Prediction
    | ClassesPrediction
    | EntitiesPrediction
    | BoxesPrediction
    | MaskPrediction
    | TranscriptPrediction
    | ItemsPrediction
)


def class_answers(
    classes: Sequence[str], scores: Sequence[Sequence[float]], threshold: float | None = None
) -> list[Prediction | ClassesPrediction]:
    """Of each row of probabilities the best class, or all classes of at least `threshold` where that is given."""
    found: list[Prediction | ClassesPrediction] = []
    for row in scores:
        by_name = dict(zip(classes, row, strict=True))
        if threshold is None:
            best = max(by_name, key=by_name.__getitem__)
            found.append(Prediction(label=best, score=by_name[best], scores=by_name))
        else:
            labels = tuple(name for name, score in by_name.items() if score >= threshold)
            found.append(ClassesPrediction(labels=labels, scores=by_name))
    return found


def boxes_answer(found: Sequence[ScoredBox], threshold: float) -> BoxesPrediction:
    """The boxes with a score of at least `threshold`; corners in hundredths of a pixel."""
    shown = sorted((one for one in found if one.score >= threshold), key=lambda one: -one.score)
    return BoxesPrediction(
        boxes=tuple(
            FoundObject(
                score=one.score,
                label=one.type,
                box=Place(**_corners(one)),
            )
            for one in shown
        )
    )


def _corners(box: ScoredBox) -> Mapping[str, float]:
    names = ("xmin", "ymin", "xmax", "ymax")
    return {name: round(float(value), 2) for name, value in zip(names, box[:4], strict=True)}


def transcript_answer(found: FoundTranscript) -> TranscriptPrediction:
    """The words with their stretches; seconds in hundredths."""
    return TranscriptPrediction(
        text=found.text,
        score=float(found.score),
        segments=tuple(
            SaidSegment(start=round(float(start), 2), end=round(float(end), 2), text=text)
            for start, end, text in found.segments
        ),
    )


def items_answer(
    scores: npt.NDArray[np.float32], k: int, items: Sequence[str], texts: Mapping[str, str]
) -> ItemsPrediction:
    """The best items; of equal ones the earlier comes first.

    Args:
        scores: Of each item, minus infinity where it is not to be recommended; shape (items,).
        k: How many; there are fewer where so many may not be recommended.
        items: Ids in the order of the scores.
        texts: What is known of an item in words.
    """
    import numpy as np

    order = np.argsort(-scores, kind="stable")[:k].tolist()
    return ItemsPrediction(
        items=tuple(
            RecommendedItem(
                item=items[number],
                score=float(scores[number]),
                text=texts.get(items[number]) or None,
            )
            for number in order
            if scores[number] > -math.inf
        )
    )


def mask_answer(found: FoundMask, classes: Sequence[str]) -> MaskPrediction:
    """The classes that occur in a mask, and the mask as a picture.

    Args:
        found: With the certainty of each pixel.
        classes: In the order of the model's outputs.
    """
    import numpy as np

    from lextune.masks import write_indexed
    from lextune.tasks.vision.drawing import colours

    assert found.certainty is not None
    values, certainty = found.values.ravel(), found.certainty.ravel()
    pixels, sure = np.zeros(len(classes)), np.zeros(len(classes))
    for start in range(0, values.size, _AT_ONCE):
        some, how = values[start : start + _AT_ONCE], certainty[start : start + _AT_ONCE]
        pixels += np.bincount(some, minlength=len(classes))
        sure += np.bincount(some, weights=how / 255, minlength=len(classes))
    order = sorted(np.flatnonzero(pixels).tolist(), key=lambda number: -pixels[number])
    return MaskPrediction(
        segments=tuple(
            Segment(
                label=classes[number],
                share=float(pixels[number] / values.size),
                score=float(sure[number] / pixels[number]),
            )
            for number in order
        ),
        mask=write_indexed(found.values, colours(len(classes))),
    )
