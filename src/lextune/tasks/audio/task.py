"""What all tasks on sounds share: how inputs are kept, heard in an epoch and made ready for training; it knows no loss."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from lextune.config import RunConfig
from lextune.config_training import TrainConfig
from lextune.labels import InputKind
from lextune.tasks.audio.front import Front, read_front
from lextune.tasks.base import NO_SETTINGS, Encoder, Files
from lextune.tasks.keeping import KeepsRows

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

    from lextune.audio import AudioInput
    from lextune.tasks.audio.waves import Waves

Advance = Callable[[int], None]


class AudioTask(KeepsRows):
    """A task of which each row is a sound; a task adds what is taught and how it is answered."""

    input_kind: ClassVar[InputKind] = "audio"
    train_settings: ClassVar[frozenset[str]] = frozenset({"audio_augmentation", "freeze_encoder"})

    def __init__(self, name: str) -> None:
        self.name = name

    def positions(self, files: Files) -> int | None:  # noqa: ARG002
        """None: a sound is measured in seconds, and read in windows."""
        return None

    def settings(
        self, config: RunConfig, inputs: Iterable[AudioInput], labels: Iterable[str]  # noqa: ARG002
    ) -> dict[str, str]:  # fmt: skip
        """Nothing."""
        return {}

    def front(self, files: Files, settings: Mapping[str, str]) -> Front:  # noqa: ARG002
        """How a sound becomes the model's input."""
        return read_front(files)

    def encoder(
        self, files: Files, max_length: int, settings: Mapping[str, str] = NO_SETTINGS  # noqa: ARG002
    ) -> Encoder:  # fmt: skip
        """Inputs to waves."""
        from lextune.tasks.audio.waves import encode_sounds

        front = self.front(files, settings)
        return lambda inputs: encode_sounds(inputs, front)

    def items(self, encoded: Waves, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:  # noqa: ARG002
        """The sounds themselves."""
        return rows

    def epoch(self, encoded: Waves, config: TrainConfig, epoch: int) -> Waves:
        """Heard anew in every epoch, unless the features of a frozen encoder are kept."""
        from lextune.tasks.audio.augment import AudioView

        if config.method == "head":
            return encoded
        return encoded.seen(AudioView(config.audio_augmentation, config.seed, epoch))

    def fit(self, model: torch.nn.Module, *, frozen_norms: bool) -> None:
        """Nothing: sounds go through transformers' layers as they are."""

    def decided(self, loaded: Any, encoded: Any, labels: Any) -> dict[str, str]:  # noqa: ARG002
        """Nothing."""
        return {}

    def blind_loss(self, outputs: int) -> float:
        """Of the same probability for each output."""
        import math

        return math.log(max(outputs, 2))

    def written(
        self, model: torch.nn.Module, files: Mapping[str, bytes], info: Mapping[str, Any]
    ) -> dict[str, bytes]:
        """model.safetensors and lextune.json beside the files of the model's config."""
        import safetensors.torch

        from lextune.tasks.tensors import distinct_tensors

        state = {name: one.cpu().contiguous() for name, one in distinct_tensors(model).items()}
        return {
            **files,
            "model.safetensors": safetensors.torch.save(state, {"format": "pt"}),
            "lextune.json": json.dumps(dict(info), indent=2, ensure_ascii=False).encode() + b"\n",
        }
