"""Loads a verified release and predicts texts or images with it, from any thread; it knows neither HTTP nor tables."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lextune.config import RunConfig
from lextune.errors import ConfigError, DataError, ModelError, Problem
from lextune.evidence.keys import Trust, load_trust
from lextune.extras import require
from lextune.hub import go_offline
from lextune.labels import InputKind, LabelKind, Span
from lextune.models.loading import LoadedModel, load_finished
from lextune.release import Verification, VerifiedRelease, read_release
from lextune.serving.answers import (
    AnyPrediction,
    ClassesPrediction,
    EntitiesPrediction,
    Entity,
    Prediction,
    boxes_answer,
    class_answers,
    mask_answer,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from lextune.images import ImageInput
    from lextune.serving.pictures import AnyImage

T = TypeVar("T")

__all__ = [
    "AnyPrediction",
    "ClassesPrediction",
    "EntitiesPrediction",
    "Entity",
    "Prediction",
    "Predictor",
    "is_unicode",
    "load_release",
]

#: Inputs that a stream holds at a time, and how many bytes of images.
_TEXTS, _IMAGES, _IMAGE_BYTES = 1024, 32, 64 << 20
#: Score from which a found box is shown, where training chose none.
_SHOWN = 0.5
#: Requests whose inputs are encoded at once: a decoded image may fill hundreds of megabytes.
_ENCODING = 2


def load_release(folder: str | Path, trust: Trust | None = None) -> Predictor:
    """Verify a release and load the model from the very bytes that were hashed.

    Args:
        folder: The release.
        trust: Whom to trust; None means the user's own trust file.

    Raises:
        VerificationError: With every problem; nothing of the release was loaded.
        MissingExtraError: The extra `text` is not installed.
    """
    release = read_release(Path(folder), trust if trust is not None else load_trust())
    require("text")
    go_offline()
    return Predictor(release, load_finished(release.files))


class Predictor:
    """A verified model, ready to be asked; made by `load_release`.

    Attributes:
        name: Of the release, without its version.
        version: Of the release.
        config: Of the run that made it; `config.data.columns.text` held the text, or `.image` the image's path.
        verification: What was verified before the model was loaded.
    """

    def __init__(self, release: VerifiedRelease, loaded: LoadedModel) -> None:
        # The release itself is not kept: its bytes are the weights a second time.
        self.name: str = release.config.release.name
        self.version: str = release.config.release.version
        self.config: RunConfig = release.config
        self.verification: Verification = release.verification
        self._loaded = loaded
        self._lock = threading.Lock()
        self._encoding = threading.BoundedSemaphore(_ENCODING)

    @property
    def classes(self) -> tuple[str, ...]:
        """In the order of the model's outputs."""
        return self._loaded.classes

    @property
    def task(self) -> str:
        """The name of the task."""
        return self._loaded.task.name

    @property
    def label_kind(self) -> LabelKind:
        """What is said: a class (`Prediction`), classes, spans (`EntitiesPrediction`), boxes, or a mask."""
        return self._loaded.task.label_kind

    @property
    def input_kind(self) -> InputKind:
        """What is asked about: texts or images."""
        return self._loaded.task.input_kind

    @property
    def score_threshold(self) -> float:
        """The score from which a found box is shown: the one that training chose on the validation part, else 0.5."""
        return float(self._loaded.settings.get("score_threshold", _SHOWN))

    @property
    def run_id(self) -> str:
        """The run that made the release, as its signed checkpoint says."""
        return self.verification.evidence.run or ""

    @property
    def release_digest(self) -> str:
        """SHA-256 (hex) of the signed release statement, which names the digest of every file."""
        return self.verification.evidence.statements[-1][0]

    def predict(self, inputs: Sequence[Any], batch_size: int = 64) -> list[AnyPrediction]:
        """Predictions in the order of the inputs, of the class that `label_kind` says; from any thread.

        Args:
            inputs: Any number, none included. Texts: each is cut to the length that the model was trained with, or
                read in windows of that length where entities are looked for. Images: the bytes of a file, or its
                path.
            batch_size: Inputs per forward pass.

        Raises:
            ConfigError: An item is no text or no image, or `batch_size` is below 1.
            DataError: An image cannot be read; it names the positions (from 0), never what is in it.
            ModelError: The model gave a score that is not a number.
        """
        if self.input_kind == "image":
            return _all_read(self.predict_each(inputs, batch_size))
        _check(inputs, batch_size)
        if not inputs:
            return []
        if self.label_kind == "spans":
            return [*self._entities(inputs, batch_size)]
        return [*self._class_answers(self._scores(inputs, batch_size))]

    def predict_each(
        self, images: Sequence[AnyImage | ImageInput | Problem], batch_size: int = 64
    ) -> list[AnyPrediction | Problem]:
        """As `predict`, of a model of images; in the place of one that cannot be read stands why.

        Raises:
            ConfigError: The model reads no images, an item is none, or `batch_size` is below 1.
            ModelError: The model gave a score that is not a number.
        """
        from lextune.images import ImageInput
        from lextune.serving.pictures import fault, image_input

        _check_images(self, images, batch_size)
        given = [
            one if isinstance(one, ImageInput | Problem) else image_input(one) for one in images
        ]
        try:
            return self._of_images(given, batch_size)
        except DataError:
            # Only now is each decoded once more: a damaged image is rare, and the model itself says that there is one.
            told = [
                one if isinstance(one, Problem) else fault(one, self._loaded.encode) or one
                for one in given
            ]
            return self._of_images(told, batch_size)

    def _of_images(
        self, given: Sequence[ImageInput | Problem], batch_size: int
    ) -> list[AnyPrediction | Problem]:
        found = iter(
            self._image_answers([one for one in given if not isinstance(one, Problem)], batch_size)
        )
        return [one if isinstance(one, Problem) else next(found) for one in given]

    def _image_answers(self, images: list[ImageInput], batch_size: int) -> Sequence[AnyPrediction]:
        if not images:
            return []
        if self.label_kind in ("class", "classes"):
            return self._class_answers(self._scores(images, batch_size))
        with self._lock:
            found = self._loaded.find(images, batch_size)
        if any(one is None for one in found):
            raise _no_number()
        if self.label_kind == "mask":
            if not all(math.isfinite(one.confidence) for one in found):
                raise _no_number()
            return [mask_answer(one, self.classes) for one in found]
        return [boxes_answer(one, self.score_threshold) for one in found]

    def _class_answers(self, scores: npt.NDArray[np.float32]) -> Sequence[AnyPrediction]:
        threshold = None
        if self.label_kind == "classes":
            from lextune.tasks.multi_label_classification import THRESHOLD

            threshold = THRESHOLD
        return class_answers(self.classes, scores.tolist(), threshold)

    def spans(self, texts: Sequence[str]) -> list[list[Span]]:
        """The entities of each text as bare spans, such as `Detector(models=[predictor.spans])` asks for.

        Raises:
            ConfigError: The model looks for no entities, or an item is no text.
            ModelError: The model gave a score that is not a number.
        """
        if self.label_kind != "spans":
            raise ConfigError(
                Problem(
                    f"the task of {self.name} is {self.task}, which finds no entities",
                    "load a release of the task ner",
                )
            )
        found = self.predict(texts)
        return [
            [Span(entity.start, entity.end, entity.entity_group) for entity in one.entities]
            for one in found
            if isinstance(one, EntitiesPrediction)
        ]

    def _scores(self, inputs: Sequence[Any], batch_size: int) -> npt.NDArray[np.float32]:
        import numpy as np

        with self._encoding:
            encoded = self._loaded.encode(inputs)
        scores = np.full((len(inputs), len(self.classes)), np.nan, np.float32)
        for rows in encoded.in_order(batch_size):
            # One forward pass at a time: two at once would fight over the same cores.
            with self._lock:
                scores[rows] = self._loaded.scores(encoded, rows)
        if not np.isfinite(scores).all():
            raise _no_number()
        return scores

    def _entities(self, texts: Sequence[str], batch_size: int) -> Iterator[EntitiesPrediction]:
        with self._lock:
            found = self._loaded.find_spans(texts, batch_size)
        for text, spans in zip(texts, found, strict=True):
            if spans is None:
                raise _no_number()
            yield EntitiesPrediction(
                entities=tuple(
                    Entity(
                        entity_group=one.type, score=one.score, start=one.start, end=one.end,
                        word=text[one.start : one.end],
                    )
                    for one in spans
                )
            )  # fmt: skip

    def predict_stream(
        self, rows: Iterable[T], input_of: Callable[[T], Any], chunk: int | None = None
    ) -> Iterator[tuple[T, AnyPrediction | Problem]]:
        """Predict any number of rows, in their order, with at most `chunk` of them in memory.

        Args:
            rows: May be endless.
            input_of: The text of a row, or its image: bytes, or the path of a file.
            chunk: Rows that are read before they are predicted; None is 1,024 texts, or 32 images of 64 MB in all.

        Yields:
            Each row with its prediction; with a problem where its image cannot be read.

        Raises:
            ConfigError: A text is no text, or `chunk` is below 1.
            Exception: What `rows` or `input_of` raised, after the rows before it were yielded.
        """
        images = self.input_kind == "image"
        chunk = (_IMAGES if images else _TEXTS) if chunk is None else chunk
        if chunk < 1:
            raise ConfigError(Problem(f"chunk is {chunk}", "give a number of rows above 0"))
        source = iter(rows)
        while True:
            part: list[T] = []
            inputs: list[Any] = []
            stopped: Exception | None = None
            size = 0
            try:
                for row in islice(source, chunk):
                    given = input_of(row)
                    if images:
                        given = _opened(given)
                        size += len(getattr(given, "data", b""))
                    inputs.append(given)
                    part.append(row)
                    if size >= _IMAGE_BYTES:
                        break
            except Exception as error:
                stopped = error
            found: Sequence[Any] = self.predict_each(inputs) if images else self.predict(inputs)
            yield from zip(part, found, strict=True)
            if stopped is not None:
                raise stopped
            if len(part) < chunk and size < _IMAGE_BYTES:
                return


def _no_number() -> ModelError:
    return ModelError(
        Problem(
            "the model gave a score that is not a finite number",
            "evaluate the release again on this machine; do not use its answers",
        )
    )


def _opened(given: Any) -> Any:
    from lextune.serving.pictures import image_input

    return image_input(given)


def _all_read(found: Sequence[AnyPrediction | Problem]) -> list[AnyPrediction]:
    wrong = [
        Problem(f"item {index} {one.fact}", one.remedy, one.reason)
        for index, one in enumerate(found)
        if isinstance(one, Problem)
    ]
    if wrong:
        raise DataError(wrong)
    return [one for one in found if not isinstance(one, Problem)]


def _check_images(predictor: Predictor, images: Sequence[Any], batch_size: int) -> None:
    if predictor.input_kind != "image":
        raise ConfigError(
            Problem(
                f"the task of {predictor.name} reads texts, not images", "call predict with texts"
            )
        )
    if isinstance(images, bytes | str | os.PathLike):
        raise ConfigError(
            Problem("the images are one image, not a list", "put the image into a list: [image]")
        )
    if batch_size < 1:
        raise ConfigError(Problem(f"batch_size is {batch_size}", "give a number above 0"))
    from lextune.images import ImageInput

    known = (bytes, str, os.PathLike, ImageInput, Problem)
    wrong = [index for index, one in enumerate(images) if not isinstance(one, known)]
    if wrong:
        raise ConfigError(
            Problem(f"{_places(wrong)} no image", "give the bytes of a file, or its path")
        )


def _check(texts: Sequence[str], batch_size: int) -> None:
    if isinstance(texts, str):
        raise ConfigError(
            Problem("the texts are one text, not a list", "put the text into a list: [text]")
        )
    problems = []
    if batch_size < 1:
        problems.append(Problem(f"batch_size is {batch_size}", "give a number above 0"))
    wrong = [index for index, text in enumerate(texts) if not isinstance(text, str)]
    if wrong:
        problems.append(
            Problem(f"{_places(wrong)} no text", "give strings; leave out rows without a text")
        )
    broken = [index for index, text in enumerate(texts) if not is_unicode(text)]
    if broken:
        problems.append(
            Problem(
                f"{_places(broken)} no valid Unicode",
                "read the texts in their right encoding",
                "half of a surrogate pair stands alone",
            )
        )
    if problems:
        raise ConfigError(problems)


def is_unicode(value: object) -> bool:
    """False for a string that UTF-8 cannot say: one with half of a surrogate pair."""
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            return False
    return True


def _places(indices: Sequence[int]) -> str:
    """The first few positions (from 0), never what stands there."""
    if len(indices) == 1:
        return f"item {indices[0]} is"
    more = f" and {len(indices) - 5} more" if len(indices) > 5 else ""
    return f"items {', '.join(str(index) for index in indices[:5])}{more} are"
