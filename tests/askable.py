"""Predictors over small functions in place of models, for what serving does with every kind of input; nothing is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from lextune.audio import UnfitAudioError, read_audio, sound_info
from lextune.errors import DataError, Problem
from lextune.serving.predictor import Predictor
from lextune.tasks.audio.found import FoundTranscript, Segment


class Encoded(list[Any]):
    """Encoded inputs, which are what they were."""

    def in_order(self, batch_size: int) -> list[Any]:
        return [np.arange(len(self))] if self else []


def predictor_of(
    kinds: tuple[str, str],
    classes: tuple[str, ...],
    *,
    find: Callable[[Sequence[Any]], list[Any]] | None = None,
    scores: Callable[[Any], np.ndarray[Any, Any]] | None = None,
    settings: Mapping[str, str] | None = None,
    encode: Callable[[Sequence[Any]], Any] = Encoded,
    config: Any = None,
) -> Predictor:
    """A predictor of these kinds of inputs and answers; `config` is that of the run that might have made it."""
    task = SimpleNamespace(name="a task", input_kind=kinds[0], label_kind=kinds[1])
    loaded = SimpleNamespace(
        task=task, classes=classes, settings=settings or {}, encode=encode,
        find=lambda inputs, batch_size: (find or list)(inputs), scores=lambda encoded, rows: scores and scores(encoded),
    )  # fmt: skip
    release = SimpleNamespace(
        config=config or SimpleNamespace(release=SimpleNamespace(name="tiny", version="1.2.3")),
        verification=SimpleNamespace(
            evidence=SimpleNamespace(run="run", statements=[("0" * 64,)], signers=("me",))
        ),
    )
    return Predictor(release, loaded)  # type: ignore[arg-type]


def heard(inputs: Sequence[Any]) -> list[FoundTranscript | None]:
    """How long each sound is, as words; nothing finite of what is louder than half of full scale."""
    found: list[FoundTranscript | None] = []
    for one in inputs:
        try:
            seconds = sound_info(one.data).seconds or 0.0
        except UnfitAudioError as error:
            raise DataError(Problem("a sound cannot be read", "restore it", error.fact)) from error
        text = f"{seconds:.1f} seconds"
        loud = float(np.abs(read_audio(one.data)).max()) > 0.5
        found.append(
            None if loud else FoundTranscript(text, 0.5, (Segment(0.0, seconds / 3, text),))
        )
    return found
