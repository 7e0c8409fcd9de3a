"""What all tasks on images share: how inputs are kept, seen in an epoch and made ready for training; it knows no loss."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from lextune.config import RunConfig
from lextune.config_training import TrainConfig
from lextune.labels import InputKind
from lextune.tasks.base import NO_SETTINGS, Encoder, Files
from lextune.tasks.keeping import KeepsRows
from lextune.tasks.vision.transform import Transform, image_settings, read_transform

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

    from lextune.images import ImageInput
    from lextune.tasks.vision.pixels import Pixels

Advance = Callable[[int], None]
#: Of the made-up images on which it is seen whether a folded model answers as before.
_SIDE = 64


class VisionTask(KeepsRows):
    """A task of which each row is an image; a task adds what is taught and how it is answered."""

    input_kind: ClassVar[InputKind] = "image"
    train_settings: ClassVar[frozenset[str]] = frozenset(
        {"image_size", "crop_pct", "batch_norm", "augmentation"}
    )

    def __init__(self, name: str) -> None:
        self.name = name

    def positions(self, files: Files) -> int | None:  # noqa: ARG002
        """None: an image is scaled to what the model takes."""
        return None

    def settings(
        self, config: RunConfig, inputs: Iterable[ImageInput], labels: Iterable[str]  # noqa: ARG002
    ) -> dict[str, str]:  # fmt: skip
        """The size of the input and what is averaged over, where the config says so."""
        return image_settings(config)

    def transform(self, files: Files, settings: Mapping[str, str]) -> Transform:
        """How an image becomes the model's input."""
        return read_transform(files, settings)

    def encoder(
        self, files: Files, max_length: int, settings: Mapping[str, str] = NO_SETTINGS  # noqa: ARG002
    ) -> Encoder:  # fmt: skip
        """Inputs to pixels, kept so large that the middle crop of prediction needs no scaling."""
        from lextune.tasks.vision.pixels import encode_images, short_side_fit

        transform = self.transform(files, settings)
        fit = short_side_fit(transform.short_side)
        return lambda inputs: encode_images(inputs, transform, fit)

    def items(self, encoded: Pixels, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:  # noqa: ARG002
        """The images themselves."""
        return rows

    def epoch(self, encoded: Pixels, config: TrainConfig, epoch: int) -> Pixels:
        """Seen anew in every epoch, unless the features of a frozen encoder are kept."""
        from lextune.tasks.vision.augment import View

        if config.method == "head":
            return encoded
        return encoded.seen(View(config.augmentation, config.seed, epoch))

    def fit(self, model: torch.nn.Module, *, frozen_norms: bool) -> None:
        """Lay the model out channels last, and freeze and fold its batch norms unless they are to be trained."""
        import torch

        from lextune.tasks.vision.folding import fold_batch_norms, freeze_batch_norms

        model.to(memory_format=torch.channels_last)
        if frozen_norms:
            freeze_batch_norms(model)
            draw = torch.Generator().manual_seed(0)
            fold_batch_norms(model, torch.rand(2, 3, _SIDE, _SIDE, generator=draw))

    def decided(self, loaded: Any, encoded: Any, labels: Any) -> dict[str, str]:  # noqa: ARG002
        """Nothing."""
        return {}

    def blind_loss(self, outputs: int) -> float:
        """Of the same probability for each output."""
        import math

        return math.log(max(outputs, 2))

    def written(
        self, model: torch.nn.Module, config: bytes, info: Mapping[str, Any]
    ) -> dict[str, bytes]:
        """config.json, model.safetensors and lextune.json."""
        import safetensors.torch

        from lextune.tasks.tensors import distinct_tensors

        state = {name: one.cpu().contiguous() for name, one in distinct_tensors(model).items()}
        return {
            "config.json": config,
            "model.safetensors": safetensors.torch.save(state, {"format": "pt"}),
            "lextune.json": json.dumps(dict(info), indent=2, ensure_ascii=False).encode() + b"\n",
        }


def find_by_block(
    pixels: Pixels, batch_size: int, answer: Callable[[npt.NDArray[np.int64]], Sequence[Any]], advance: Advance
) -> list[Any]:  # fmt: skip
    """What `answer` says of each image, in the images' order, whatever the order of the batches."""
    found: list[Any] = [None] * len(pixels)
    for rows in pixels.in_order(batch_size):
        for row, one in zip(rows.tolist(), answer(rows), strict=True):
            found[row] = one
        advance(len(rows))
    return found
