"""Reads from a model's files how sounds become its input: log-mel frames or waves; it computes nothing and knows no task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from lextune.errors import DataError, ModelError, Problem
from lextune.tasks.base import Files
from lextune.tasks.pretrained import read_json

RATE, POSITION = 16_000, 320
#: Models of transformers that take log-mel frames as Whisper's extractor makes them.
_MEL = ("whisper",)
#: Models that take waves, by what reads them.
_WAVE = (
    "wav2vec2",
    "hubert",
    "wavlm",
    "unispeech",
    "unispeech-sat",
    "data2vec-audio",
    "sew",
    "sew-d",
)


@dataclass(frozen=True)
class Front:
    """How samples at 16 kHz become the model's input.

    Attributes:
        kind: `mel` as transformers' WhisperFeatureExtractor makes it, `wave` as Wav2Vec2FeatureExtractor does.
        bins: Mel bins.
        n_fft: Samples of one spectrum.
        hop: Samples from one spectrum to the next.
        normalised: Whether a wave is given zero mean and unit variance.
        masked: Whether the model is told what of a batch is padding.
        window: Samples of a window in which longer sounds are read, and to which shorter ones are padded; None pads
            to the longest of a batch.
        longest: Seconds that a sound may have; None is unlimited.
        silence: Samples of zeros after the longest sound of a batch, where there is no window.
        most: Samples of the longest input without a window; a sound that a change of speed makes longer is heard as it is.
    """

    kind: Literal["mel", "wave"] = "mel"
    bins: int = 80
    n_fft: int = 400
    hop: int = 160
    normalised: bool = False
    masked: bool = False
    window: int | None = None
    longest: float | None = None
    silence: int = 0
    most: int | None = None

    @property
    def fewest(self) -> int:
        """Samples of the shortest input: a spectrum, or what convolutions of the wav2vec2 families span (400), and more."""
        return 2 * self.n_fft

    def positions(self, samples: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Positions of the model for sounds of so many samples, of all their windows."""
        if self.window is None:
            return np.asarray(np.maximum(1, -(-samples // POSITION)), np.int64)
        windows = np.maximum(1, -(-samples // self.window))
        return np.asarray(windows * max(1, self.window // POSITION), np.int64)

    def check(self, seconds: float, file: str) -> None:
        """Refuse a sound that is too long.

        Raises:
            DataError: It is.
        """
        if self.longest is not None and seconds > self.longest:
            raise DataError(
                Problem(
                    f"a sound has {seconds:.1f} s, but the model takes {self.longest:g} s",
                    "split it where nobody speaks",
                    "a sound that is cut would keep the whole of its label",
                    file,
                )
            )


def read_front(files: Files, window: int | None = None, longest: float | None = None) -> Front:
    """What config.json and preprocessor_config.json of a model say of its input.

    Raises:
        ModelError: The architecture takes something else, or the files contradict each other.
    """
    config, extractor = (
        read_json(files, name) for name in ("config.json", "preprocessor_config.json")
    )
    kind = config.get("model_type")
    rate = extractor.get("sampling_rate", RATE)
    if rate != RATE:
        raise _contradiction(f"preprocessor_config.json asks for {rate} samples a second")
    if kind in _MEL:
        return _mel(config, extractor, window, longest)
    if kind in _WAVE:
        group = config.get("feat_extract_norm", "group") == "group"
        return Front(
            "wave", normalised=bool(extractor.get("do_normalize", True)),
            masked=bool(extractor.get("return_attention_mask", not group)), window=window, longest=longest,
        )  # fmt: skip
    raise ModelError(
        Problem(
            f"sounds are not read for the architecture {kind!r}",
            f"choose one of {', '.join((*_MEL, *_WAVE))}",
            "it is not known what this model takes for a sound",
        )
    )


def _mel(
    config: dict[str, Any], extractor: dict[str, Any], window: int | None, longest: float | None
) -> Front:
    bins = config.get("num_mel_bins", 80)
    said = {
        "feature_size": extractor.get("feature_size", bins),
        "n_fft": extractor.get("n_fft", 400),
        "hop_length": extractor.get("hop_length", 160),
    }
    whole = all(type(one) is int and one > 0 for one in (*said.values(), bins))
    if not whole or said["feature_size"] != bins or extractor.get("dither", 0):
        raise _contradiction("config.json and preprocessor_config.json disagree on the mel frames")
    return Front(
        "mel", bins, said["n_fft"], said["hop_length"], bool(extractor.get("do_normalize", False)),
        window=window, longest=longest,
    )  # fmt: skip


def _contradiction(fact: str) -> ModelError:
    return ModelError(
        Problem(fact, "restore the files that belong to the weights", "16 kHz is read, as is")
    )
