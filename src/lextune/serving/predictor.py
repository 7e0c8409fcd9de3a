"""Loads a verified release and predicts inputs of any kind with it, from any thread; it knows neither HTTP nor tables."""

from __future__ import annotations

import functools
import json
import math
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
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
    items_answer,
    mask_answer,
    transcript_answer,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from lextune.audio import AudioInput
    from lextune.serving.explanations import Explanation
    from lextune.serving.rows import Asking
    from lextune.tasks.audio.found import FoundTranscript

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

#: Inputs that a stream holds at a time, by what they are, and how many bytes of files.
_AT_ONCE: Mapping[InputKind, int] = {
    "text": 1024, "image": 32, "audio": 16, "record": 1024, "history": 256,
}  # fmt: skip
_FILE_BYTES = 64 << 20
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
        config: Of the run that made it; `config.data.columns` says which columns its data had.
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
        """What is said: a class (`Prediction`), classes, spans, boxes, a mask, a transcript, or items."""
        return self._loaded.task.label_kind

    @property
    def input_kind(self) -> InputKind:
        """What is asked about: texts, images, sounds, histories or records."""
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
                read in windows of that length where entities are looked for. Images and sounds: the bytes of a file,
                or its path. Histories and records: mappings, as `serving.rows` says.
            batch_size: Inputs per forward pass.

        Raises:
            ConfigError: An item is none of these, or `batch_size` is below 1.
            DataError: An input cannot be read; it names the positions (from 0), never what is in it.
            ModelError: The model gave a score that is not a number.
        """
        if self.input_kind != "text":
            return _all_read(self.predict_each(inputs, batch_size))
        _check(inputs, batch_size)
        if not inputs:
            return []
        if self.label_kind == "spans":
            return [*self._entities(inputs, batch_size)]
        return [*self._class_answers(self._scores(inputs, batch_size))]

    def predict_each(
        self, inputs: Sequence[Any], batch_size: int = 64
    ) -> list[AnyPrediction | Problem]:
        """As `predict`, of a model of anything but texts; in the place of an input that cannot be read stands why.

        Raises:
            ConfigError: The model reads texts, an item is nothing that it reads, or `batch_size` is below 1.
            ModelError: The model gave a score that is not a number.
        """
        _check_each(self, inputs, batch_size)
        given = [one if isinstance(one, Problem) else self._opened(one) for one in inputs]
        try:
            return self._of_each(given, batch_size)
        except DataError:
            # Only now is each encoded once more: a damaged file is rare, and the model itself says that there is one.
            told = [one if isinstance(one, Problem) else self._fault(one) or one for one in given]
            return self._of_each(told, batch_size)

    def _opened(self, given: Any, *, stream: bool = False) -> Any:
        """An input as the model takes it, or why it is none; `stream` leaves a long sound in its file."""
        if self.input_kind == "image":
            from lextune.images import ImageInput
            from lextune.serving.pictures import image_input

            return given if isinstance(given, ImageInput) else image_input(given)
        if self.input_kind == "audio":
            from lextune.audio import AudioInput
            from lextune.serving.sounds import sound_input

            stream = stream or self.label_kind == "transcript"
            return given if isinstance(given, AudioInput) else sound_input(given, stream=stream)
        from lextune.serving.rows import history_input, record_input

        return (record_input if self.input_kind == "record" else history_input)(given, self._known)

    @cached_property
    def _known(self) -> frozenset[str]:
        """Items that a history may name, or features that a record has."""
        return frozenset(self.classes) if self.input_kind == "history" else self.features

    @cached_property
    def features(self) -> frozenset[str]:
        """Names of what a record has; none where the model reads no records."""
        return frozenset(
            one["name"] for one in json.loads(self._loaded.settings.get("columns", "[]"))
        )

    @cached_property
    def _item_texts(self) -> Mapping[str, str]:
        """What is known of items in words, where the model was told."""
        found: Mapping[str, str] = json.loads(self._loaded.settings.get("items", "{}"))
        return found

    def _fault(self, given: Any) -> Problem | None:
        """Why a model cannot take one input."""
        if self.input_kind == "image":
            from lextune.serving.pictures import fault as image_fault

            return image_fault(given, self._loaded.encode)
        if self.input_kind == "audio":
            from lextune.serving.sounds import fault as sound_fault

            return sound_fault(given, self._loaded.encode)
        try:
            self._loaded.encode([given.history if self.input_kind == "history" else given])
        except DataError as error:
            return error.problems[0]
        return None

    def _of_each(self, given: Sequence[Any], batch_size: int) -> list[AnyPrediction | Problem]:
        found = iter(
            self._answers([one for one in given if not isinstance(one, Problem)], batch_size)
        )
        return [one if isinstance(one, Problem) else next(found) for one in given]

    def _answers(self, given: list[Any], batch_size: int) -> Sequence[AnyPrediction | Problem]:
        if not given:
            return []
        if self.label_kind in ("class", "classes"):
            return self._class_answers(self._scores(given, batch_size))
        if self.label_kind == "transcript":
            return self._transcripts(given, batch_size)
        if self.label_kind == "items":
            return self._items(given, batch_size)
        with self._lock:
            found = self._loaded.find(given, batch_size)
        if any(one is None for one in found):
            raise _no_number()
        if self.label_kind == "mask":
            if not all(math.isfinite(one.confidence) for one in found):
                raise _no_number()
            return [mask_answer(one, self.classes) for one in found]
        return [boxes_answer(one, self.score_threshold) for one in found]

    def _transcripts(
        self, sounds: Sequence[AudioInput], batch_size: int
    ) -> list[AnyPrediction | Problem]:
        """What is said in each; long files are heard block after block, in the memory of one window."""
        from lextune.audio import UnfitAudioError
        from lextune.serving.sounds import unfit

        read = [one for one in sounds if one.data is not None]
        with self._lock:
            whole = iter(self._loaded.find(read, batch_size) if read else [])
        answers: list[AnyPrediction | Problem] = []
        for one in sounds:
            try:
                found = next(whole) if one.data is not None else self._streamed(one.file)
            except UnfitAudioError as error:
                answers.append(unfit(error))
                continue
            if found is None or not math.isfinite(found.score):
                raise _no_number()
            answers.append(transcript_answer(found))
        return answers

    def _streamed(self, file: str) -> FoundTranscript | None:
        from lextune.audio import stream_audio
        from lextune.tasks.audio.transcribing import transcribe_blocks

        with self._lock:
            return transcribe_blocks(self._loaded, stream_audio(Path(file)))

    def _items(self, asked: Sequence[Asking], batch_size: int) -> list[AnyPrediction]:
        import numpy as np

        with self._lock:
            found = self._loaded.find([one.history for one in asked], batch_size)
        if any(one is None or np.isnan(one.scores).any() for one in found):
            raise _no_number()
        return [
            items_answer(one.scores, asking.k, self.classes, self._item_texts)
            for one, asking in zip(found, asked, strict=True)
        ]

    @property
    def explains(self) -> bool:
        """Whether its answers are explained: classes of texts, images, sounds or records."""
        return self.label_kind in ("class", "classes") and self.input_kind != "history"

    @property
    def adverse_class(self) -> str | None:
        """The class whose answers need reasons, as the run declared it (`audit_parameters.explanation.adverse_class`)."""
        found = self.config.audit_parameters.get("explanation", {}).get("adverse_class")
        return None if found is None else str(found)

    def explain(
        self, inputs: Sequence[Any], label: str | None = None
    ) -> list[Explanation | Problem]:
        """What moved the answer to each input; in the place of an input that cannot be read stands why.

        Args:
            inputs: As `predict` takes them.
            label: The class to explain; None is `adverse_class`, and where the run declared none, the answer.

        Raises:
            ConfigError: Answers of this release are not explained, `label` is no class, or an item is no input.
            ModelError: The model gave a score that is not a number.
        """
        from lextune.serving.explanations import explained

        if not self.explains:
            raise ConfigError(
                Problem(
                    f"answers of the task {self.task} are not explained",
                    "ask for explanations of a model that answers with classes",
                )
            )
        if self.input_kind == "text":
            _check(inputs, 1)
        else:
            _check_each(self, inputs, 1)
        wanted = self.adverse_class if label is None else label
        found: list[Explanation | Problem] = []
        for one in inputs:
            given = one if self.input_kind == "text" else self._opened(one)
            if not isinstance(given, Problem) and self.input_kind != "text":
                given = self._fault(given) or given
            if not isinstance(given, Problem):
                scores_of = functools.partial(self._scores, batch_size=_AT_ONCE["image"])
                given = explained(self._loaded, given, wanted, scores_of, self._lock)
            found.append(given)
        return found

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
            input_of: The input of a row, as `predict` takes it, or a problem.
            chunk: Rows that are read before they are predicted; None is 1,024 texts or records, 256 histories, 32
                images or 16 sounds of 64 MB in all.

        Yields:
            Each row with its prediction; with a problem where its input cannot be read.

        Raises:
            ConfigError: A text is no text, or `chunk` is below 1.
            Exception: What `rows` or `input_of` raised, after the rows before it were yielded.
        """
        texts = self.input_kind == "text"
        chunk = _AT_ONCE[self.input_kind] if chunk is None else chunk
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
                    if not texts and not isinstance(given, Problem):
                        given = self._opened(given)
                        size += len(getattr(given, "data", None) or b"")
                    inputs.append(given)
                    part.append(row)
                    if size >= _FILE_BYTES:
                        break
            except Exception as error:
                stopped = error
            found: Sequence[Any] = self.predict(inputs) if texts else self.predict_each(inputs)
            yield from zip(part, found, strict=True)
            if stopped is not None:
                raise stopped
            if len(part) < chunk and size < _FILE_BYTES:
                return


def _no_number() -> ModelError:
    return ModelError(
        Problem(
            "the model gave a score that is not a finite number",
            "evaluate the release again on this machine; do not use its answers",
        )
    )


def _all_read(found: Sequence[AnyPrediction | Problem]) -> list[AnyPrediction]:
    wrong = [
        Problem(f"item {index} {one.fact}", one.remedy, one.reason)
        for index, one in enumerate(found)
        if isinstance(one, Problem)
    ]
    if wrong:
        raise DataError(wrong)
    return [one for one in found if not isinstance(one, Problem)]


#: What one input is called, and several of them, and what to give.
_ASKED: Mapping[InputKind, tuple[str, str, str]] = {
    "image": ("image", "images", "give the bytes of a file, or its path"),
    "audio": ("sound", "sounds", "give the bytes of a file, or its path"),
    "history": ("history", "histories", "give mappings with events"),
    "record": ("record", "records", "give mappings of features by name"),
}


def _check_each(predictor: Predictor, inputs: Sequence[Any], batch_size: int) -> None:
    kind = predictor.input_kind
    if kind == "text":
        raise ConfigError(
            Problem(
                f"the task of {predictor.name} reads texts, not images", "call predict with texts"
            )
        )
    noun, nouns, remedy = _ASKED[kind]
    if isinstance(inputs, bytes | str | os.PathLike | Mapping):
        raise ConfigError(
            Problem(
                f"the {nouns} are one {noun}, not a list", f"put the {noun} into a list: [{noun}]"
            )
        )
    if batch_size < 1:
        raise ConfigError(Problem(f"batch_size is {batch_size}", "give a number above 0"))
    wrong = [index for index, one in enumerate(inputs) if not isinstance(one, _types(kind))]
    if wrong:
        raise ConfigError(Problem(f"{_places(wrong)} no {noun}", remedy))


def _types(kind: InputKind) -> tuple[type, ...]:
    """What an input of a list may be."""
    from lextune.audio import AudioInput
    from lextune.histories import HistoryInput
    from lextune.serving.rows import Asking

    files = (bytes, str, os.PathLike, Problem)
    if kind == "image":
        from lextune.images import ImageInput

        return (*files, ImageInput)
    if kind == "audio":
        return (*files, AudioInput)
    return (Mapping, Problem, *((HistoryInput, Asking) if kind == "history" else (str,)))


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
