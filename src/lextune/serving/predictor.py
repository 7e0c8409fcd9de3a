"""Loads a verified release and predicts texts with it, from any thread; it knows neither HTTP nor files of data."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from lextune.config import RunConfig
from lextune.errors import ConfigError, ModelError, Problem
from lextune.evidence.keys import Trust, load_trust
from lextune.extras import require
from lextune.hub import go_offline
from lextune.labels import LabelKind, Span
from lextune.models.loading import LoadedModel, load_finished
from lextune.records import Record
from lextune.release import Verification, VerifiedRelease, read_release

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

T = TypeVar("T")


class Prediction(Record):
    """What the model says of one text.

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


AnyPrediction = Prediction | ClassesPrediction | EntitiesPrediction


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
        config: Of the run that made it; `config.data.columns.text` held the text.
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
        """What is said of a text: a class (`Prediction`), classes, or spans (`EntitiesPrediction`)."""
        return self._loaded.task.label_kind

    @property
    def run_id(self) -> str:
        """The run that made the release, as its signed checkpoint says."""
        return self.verification.evidence.run or ""

    @property
    def release_digest(self) -> str:
        """SHA-256 (hex) of the signed release statement, which names the digest of every file."""
        return self.verification.evidence.statements[-1][0]

    def predict(self, texts: Sequence[str], batch_size: int = 64) -> list[AnyPrediction]:
        """Predictions in the order of the texts, of the class that `label_kind` says; from any thread.

        Args:
            texts: Any number, none included; each is cut to the length that the model was trained with, or
                read in windows of that length where entities are looked for.
            batch_size: Texts per forward pass.

        Raises:
            ConfigError: An item is no text, or `batch_size` is below 1.
            ModelError: The model gave a score that is not a number.
        """
        _check(texts, batch_size)
        if not texts:
            return []
        if self.label_kind == "spans":
            return [*self._entities(texts, batch_size)]
        scores = self._scores(texts, batch_size)
        if self.label_kind == "classes":
            return [_classes(self.classes, row) for row in scores.tolist()]
        best = scores.argmax(axis=1).tolist()
        return [
            Prediction(
                label=self.classes[index],
                score=row[index],
                scores=dict(zip(self.classes, row, strict=True)),
            )
            for row, index in zip(scores.tolist(), best, strict=True)
        ]

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

    def _scores(self, texts: Sequence[str], batch_size: int) -> npt.NDArray[np.float32]:
        import numpy as np

        encoded = self._loaded.encode(texts)
        scores = np.full((len(texts), len(self.classes)), np.nan, np.float32)
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
        self, rows: Iterable[T], text_of: Callable[[T], str], chunk: int = 1024
    ) -> Iterator[tuple[T, AnyPrediction]]:
        """Predict any number of rows, in their order, with at most `chunk` of them in memory.

        Args:
            rows: May be endless.
            text_of: The text of a row.
            chunk: Rows that are read before they are predicted.

        Yields:
            Each row with its prediction.

        Raises:
            ConfigError: A text is no text, or `chunk` is below 1.
            Exception: What `rows` or `text_of` raised, after the rows before it were yielded.
        """
        if chunk < 1:
            raise ConfigError(Problem(f"chunk is {chunk}", "give a number of rows above 0"))
        source = iter(rows)
        while True:
            part: list[T] = []
            texts: list[str] = []
            stopped: Exception | None = None
            try:
                for row in islice(source, chunk):
                    texts.append(text_of(row))
                    part.append(row)
            except Exception as error:
                stopped = error
            yield from zip(part, self.predict(texts), strict=True)
            if stopped is not None:
                raise stopped
            if len(part) < chunk:
                return


def _classes(names: Sequence[str], row: Sequence[float]) -> ClassesPrediction:
    from lextune.tasks.multi_label_classification import THRESHOLD

    scores = dict(zip(names, row, strict=True))
    labels = tuple(name for name, score in scores.items() if score >= THRESHOLD)
    return ClassesPrediction(labels=labels, scores=scores)


def _no_number() -> ModelError:
    return ModelError(
        Problem(
            "the model gave a score that is not a finite number",
            "evaluate the release again on this machine; do not use its answers",
        )
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
