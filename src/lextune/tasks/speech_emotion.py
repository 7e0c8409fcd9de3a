"""The task speech_emotion: one sound, one class of how it is said; it knows no run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from lextune.audio import AudioInput, UnfitAudioError, sound_info
from lextune.config import RunConfig
from lextune.errors import DataError, Problem
from lextune.tasks.audio.front import POSITION, RATE, Front, read_front
from lextune.tasks.audio.task import AudioTask
from lextune.tasks.base import NO_SETTINGS, Files, tasks
from lextune.tasks.one_class import OneClass

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

    from lextune.tasks.audio.batches import AudioBatch
    from lextune.tasks.audio.waves import Waves

#: Sounds whose length is looked at to choose the window, the share of them that it holds whole, and its bounds in seconds.
_LOOKED_AT, _WHOLE, _LEAST, _MOST = 2000, 0.9, 1, 30


class SpeechEmotion(OneClass, AudioTask):
    """An encoder of sounds, pooled over time: softmax and cross entropy over windows of one length.

    Whisper's stock classifier reads 30 s, however short the sound is; here the encoder has the positions of a window
    that nine in ten training sounds fit into.
    """

    pipeline_tag: ClassVar[str] = "audio-classification"
    metrics: tuple[str, ...] = (
        "unweighted_average_recall", "macro_f1", "accuracy", "precision", "recall", "roc_auc", "log_loss",
        "expected_calibration_error",
    )  # fmt: skip
    baselines: tuple[str, ...] = ("majority", "mfcc_svm", "linear_probe")

    def settings(
        self, config: RunConfig, inputs: Iterable[AudioInput], labels: Iterable[str]  # noqa: ARG002
    ) -> dict[str, str]:  # fmt: skip
        """The seconds of the window; nothing where no rows are given."""
        given = list(inputs)
        if not given:
            return {}
        some = given[:: len(given) // _LOOKED_AT + 1]
        seconds = sorted(_seconds(one) for one in some)
        fits = seconds[min(len(seconds) - 1, math.floor(_WHOLE * len(seconds)))]
        # times are written in hundredths: 2.004 s are 2
        return {"window_seconds": str(min(_MOST, max(_LEAST, math.ceil(fits - 0.01))))}

    def front(self, files: Files, settings: Mapping[str, str]) -> Front:
        """Windows of the length in the settings."""
        return read_front(files, window=_window(settings))

    def build(
        self, files: Files, classes: Sequence[str], *, dropout: float | None, new_head: bool,
        settings: Mapping[str, str] = NO_SETTINGS,
    ) -> tuple[torch.nn.Module, frozenset[str]]:  # fmt: skip
        """transformers' classifier of sounds for this encoder."""
        from lextune.tasks.audio.classifier import build_sound_classifier

        return build_sound_classifier(
            files, classes, window=_window(settings), dropout=dropout, new_head=new_head
        )

    def collate(self, encoded: Waves, rows: npt.NDArray[np.int64]) -> AudioBatch:
        """Windows of the sounds."""
        from lextune.tasks.audio.batches import sounds

        return sounds(encoded, rows)

    def logits(self, model: torch.nn.Module, batch: AudioBatch) -> torch.Tensor:
        """Shape (sounds, classes)."""
        return self.head_logits(model, self.features(model, batch))

    def features(self, model: torch.nn.Module, batch: AudioBatch) -> torch.Tensor:
        """The mean over time of each layer, one layer after the other, shape (sounds, layers * hidden)."""
        from lextune.tasks.audio.classifier import pooled

        return pooled(model, batch).flatten(1)

    def head_logits(self, model: torch.nn.Module, features: torch.Tensor) -> torch.Tensor:
        """The weighted sum of the layers and the two linear maps."""
        from lextune.tasks.audio.classifier import classified

        hidden = int(model.projector.in_features)  # type: ignore[union-attr,arg-type]
        return classified(model, features.reshape(len(features), -1, hidden))

    def export(
        self, model: torch.nn.Module, files: Files, info: Mapping[str, Any]
    ) -> dict[str, bytes]:
        """A folder that transformers loads as it is, and lextune.json."""
        from lextune.tasks.audio.classifier import exported_config

        window = _window(info["settings"])
        return self.written(model, exported_config(model, files, window), info)


def _window(settings: Mapping[str, str]) -> int:
    """Samples of the window, a whole number of positions."""
    seconds = int(settings.get("window_seconds", str(_MOST)))
    return seconds * RATE // POSITION * POSITION


def _seconds(sound: AudioInput) -> float:
    """How long a sound is by its header.

    Raises:
        DataError: It cannot be read any more.
    """
    try:
        stop = sound.stop
        if stop is None:
            stop = sound_info(sound.file if sound.data is None else sound.data).seconds
    except (OSError, UnfitAudioError) as error:
        why = error.fact if isinstance(error, UnfitAudioError) else str(error.strerror)
        raise DataError(
            Problem(
                "a sound cannot be read", "restore it, or run again from the config", why, sound.file
            )
        ) from error  # fmt: skip
    # a file that does not say its length is taken for a long one
    return _MOST if stop is None else stop - sound.start


tasks.register("speech_emotion")(SpeechEmotion("speech_emotion"))
