"""The task semantic_segmentation: a class for each pixel of an image; it knows no run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from lextune.config_training import TrainConfig
from lextune.errors import ModelError, Problem
from lextune.labels import LabelKind, read_mask
from lextune.tasks.base import NO_SETTINGS, Encoder, Files, tasks
from lextune.tasks.vision.task import VisionTask, find_by_block
from lextune.tasks.vision.transform import Transform

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

    from lextune.images import ImageInput, Pixels8
    from lextune.tasks.vision.batches import ImageBatch
    from lextune.tasks.vision.found import FoundMask
    from lextune.tasks.vision.frames import MaskTargets
    from lextune.tasks.vision.pixels import Pixels

#: Side of a crop in training where neither the config nor a network of masks says one: classifiers' are too small.
_SIDE = 320
#: Of the made-up images on which it is seen whether a folded encoder answers as before.
_EXAMPLE = 64


class SemanticSegmentation(VisionTask):
    """A network of segmentation-models-pytorch or transformers: softmax and cross entropy, or Dice, over pixels.

    Training sees crops of `train.image_size`; prediction sees whole images, none larger than so that the crop is
    `train.crop_pct` of the shorter side.
    """

    train_settings: ClassVar[frozenset[str]] = VisionTask.train_settings | {"segmentation_loss"}
    label_kind: ClassVar[LabelKind] = "mask"
    pipeline_tag: ClassVar[str] = "image-segmentation"
    metrics: tuple[str, ...] = (
        "mean_iou", "iou", "pixel_accuracy", "mean_dice", "expected_calibration_error",
    )  # fmt: skip
    baselines: tuple[str, ...] = ("majority_class", "mean_layout")

    def transform(self, files: Files, settings: Mapping[str, str]) -> Transform:
        """How an image becomes the model's input; in crops of 320 pixels where no files of masks say another size."""
        from lextune.tasks.vision.backbones import is_timm
        from lextune.tasks.vision.segmenters import is_smp

        silent = is_timm(files) or (is_smp(files) and "preprocessor_config.json" not in files)
        if silent and "image_size" not in settings:
            settings = {**settings, "image_size": str(_SIDE)}
        return super().transform(files, settings)

    def encoder(
        self, files: Files, max_length: int, settings: Mapping[str, str] = NO_SETTINGS  # noqa: ARG002
    ) -> Encoder:  # fmt: skip
        """Inputs to pixels, with masks where all inputs have some."""
        from lextune.tasks.vision.pixels import encode_images, short_side_fit

        transform = self.transform(files, settings)
        fit = short_side_fit(transform.short_side)

        def encode(inputs: Sequence[ImageInput]) -> Pixels:
            masked = all(one.mask for one in inputs)
            return encode_images(
                inputs, transform, fit, read_mask=_read if masked else None, alike=False
            )

        return encode

    def epoch(self, encoded: Pixels, config: TrainConfig, epoch: int) -> Pixels:
        """Crops that are new in every epoch, with the loss that the config asks for."""
        from lextune.tasks.vision.frames import TaughtFrames

        seen = super().epoch(encoded, config, epoch)
        return TaughtFrames.of(seen, config.segmentation_loss)

    def outputs(self, classes: Sequence[str]) -> tuple[str, ...]:
        """One a class."""
        return tuple(classes)

    def numbers(
        self, labels: Sequence[str], classes: Sequence[str], encoded: Any = None  # noqa: ARG002
    ) -> npt.NDArray[np.uint8]:  # fmt: skip
        """Class number of each value in each row's mask, shape (rows, 256)."""
        from lextune.tasks.vision.frames import class_tables

        number = {name: index for index, name in enumerate(classes)}
        return class_tables([tuple(read_mask(one).classes.values()) for one in labels], number)

    def build(
        self, files: Files, classes: Sequence[str], *, dropout: float | None, new_head: bool,
        settings: Mapping[str, str] = NO_SETTINGS,  # noqa: ARG002
    ) -> tuple[torch.nn.Module, frozenset[str]]:  # fmt: skip
        """A network whose every tensor comes from `files`, but for a new decoder's or head's."""
        from lextune.tasks.vision.segmenters import build_segmenter

        return build_segmenter(files, classes, dropout=dropout, new_head=new_head)

    def fit(self, model: torch.nn.Module, *, frozen_norms: bool) -> None:
        """Lay the model out channels last, and freeze and fold the batch norms of its encoder.

        Those of a decoder learn always: a new one has no statistics yet.
        """
        import torch

        from lextune.tasks.vision.folding import fold_batch_norms, freeze_batch_norms

        model.to(memory_format=torch.channels_last)
        prefix = model.backbone_prefix
        assert isinstance(prefix, str)
        encoder = model.get_submodule(prefix)
        if frozen_norms and any(isinstance(one, torch.nn.BatchNorm2d) for one in encoder.modules()):
            freeze_batch_norms(encoder)
            draw = torch.Generator().manual_seed(0)
            fold_batch_norms(encoder, torch.rand(2, 3, _EXAMPLE, _EXAMPLE, generator=draw))

    def collate(self, encoded: Pixels, rows: npt.NDArray[np.int64]) -> ImageBatch:
        """Crops in training, else whole images side by side."""
        from lextune.tasks.vision.frames import frames

        return frames(encoded, rows)

    def targets(
        self, labels: npt.NDArray[np.uint8], encoded: Pixels, rows: npt.NDArray[np.int64]
    ) -> MaskTargets:
        """The class of each pixel of `collate`'s inputs."""
        from lextune.tasks.vision.frames import taught

        return taught(encoded, rows, labels)

    def size(self, targets: MaskTargets, class_weights: torch.Tensor | None) -> float:
        """The pixels that are not void, each with the weight of its class."""
        from lextune.tasks.vision.found import VOID
        from lextune.tasks.vision.mask_loss import pixels_of

        if class_weights is None:
            return float((targets.values != VOID).sum())
        counts = pixels_of(targets, len(class_weights))
        return float(counts.double() @ class_weights.to(counts.device).double())

    def logits(self, model: torch.nn.Module, batch: ImageBatch) -> torch.Tensor:
        """Shape (images, classes, height, width) of the input."""
        found = _logits(model, batch.pixels)
        if not batch.flip:
            return found
        # the mean of log probabilities, which softmax turns into their geometric mean
        mirrored = _logits(model, batch.pixels.flip(-1)).flip(-1)
        return (found.float().log_softmax(1) + mirrored.float().log_softmax(1)) / 2

    def features(self, model: torch.nn.Module, batch: Any) -> NoReturn:  # noqa: ARG002
        """None: the method `head` keeps a row of numbers for each image, and a decoder reads maps."""
        raise ModelError(
            Problem(
                "train.method: head does not fit the task semantic_segmentation",
                "set train.method: full, and train.head_epochs to train the decoder alone at first",
                "a decoder reads maps of features, which are too large to keep",
            )
        )

    def head_logits(self, model: torch.nn.Module, features: torch.Tensor) -> NoReturn:
        """As for `features`."""
        self.features(model, features)

    def loss(
        self, logits: torch.Tensor, labels: MaskTargets, *,
        class_weights: torch.Tensor | None = None, label_smoothing: float = 0.0,
    ) -> torch.Tensor:  # fmt: skip
        """Cross entropy, Dice's loss or their sum, as the targets say; in validation cross entropy."""
        from lextune.tasks.vision.mask_loss import mask_loss

        return mask_loss(logits, labels, class_weights, label_smoothing)

    def accepts(self, logits: torch.Tensor, targets: MaskTargets, outputs: int) -> bool:
        """One score for each class of each pixel."""
        images, height, width = targets.values.shape
        return tuple(logits.shape) == (images, outputs, height, width)

    def right(self, logits: torch.Tensor, labels: MaskTargets) -> tuple[int, int]:
        """Pixels whose likeliest class is the label's, of those that are not void."""
        from lextune.tasks.vision.found import VOID

        known = labels.values != VOID
        return int((logits.argmax(1) == labels.values)[known].sum()), int(known.sum())

    def find(
        self, loaded: Any, inputs: Sequence[Any], batch_size: int, advance: Callable[[int], None]
    ) -> list[FoundMask]:
        """The class of each pixel of each image at its upright size."""
        import torch

        from lextune.tasks.vision.frames import enlarged

        pixels = loaded.encode([one._replace(mask="") for one in inputs])
        device = next(loaded.model.parameters()).device
        half = loaded.precision == "bf16"

        def answer(rows: npt.NDArray[np.int64]) -> list[FoundMask]:
            batch = self.collate(pixels, rows).to(device)
            with torch.inference_mode():
                with torch.autocast(device.type, torch.bfloat16, enabled=half):
                    logits = self.logits(loaded.model, batch)
                return [
                    enlarged(one, tuple(kept), tuple(original))
                    for one, kept, original in zip(
                        logits, pixels.shapes[rows].tolist(), pixels.originals[rows].tolist(), strict=True
                    )
                ]  # fmt: skip

        return find_by_block(pixels, batch_size, answer, advance)

    def export(
        self, model: torch.nn.Module, files: Files, info: Mapping[str, Any]
    ) -> dict[str, bytes]:
        """A folder that segmentation-models-pytorch or transformers loads as it is, and lextune.json."""
        from lextune.tasks.vision.backbones import is_timm
        from lextune.tasks.vision.segmenters import is_smp, written_config, written_transform

        if is_timm(files) or is_smp(files):
            transform = self.transform(files, info.get("settings", {}))
            written = self.written(model, written_config(model), info)
            return written | {"preprocessor_config.json": written_transform(transform)}
        config = model.config.to_dict() | {"architectures": [type(model).__name__]}  # type: ignore[operator,union-attr]
        config.pop("_name_or_path", None)
        kept = {name: files[name] for name in ("preprocessor_config.json",) if name in files}
        text = json.dumps(config, indent=2, sort_keys=True).encode() + b"\n"
        return kept | self.written(model, text, info)


def _read(given: ImageInput) -> Pixels8:
    """The mask of an input, upright, as `masks.load_mask` numbers its values.

    Raises:
        VerificationError: It is not the one that was checked.
    """
    from pathlib import Path

    from lextune.errors import VerificationError
    from lextune.files import read_regular
    from lextune.images import UnfitImageError
    from lextune.masks import load_mask

    assert given.label is not None
    try:
        return load_mask(read_regular(Path(given.mask)), read_mask(given.label))
    except (OSError, UnfitImageError) as error:
        raise VerificationError(
            Problem(
                f"the mask {given.mask} is not the one that was checked",
                "run again from the config",
                "it was changed between the checks and its use",
            )
        ) from error


def _logits(model: torch.nn.Module, pixels: torch.Tensor) -> torch.Tensor:
    """At the input's size: networks answer for every fourth pixel or so."""
    import torch

    found = model(pixels)
    logits: torch.Tensor = found.logits if hasattr(found, "logits") else found
    if logits.shape[-2:] == pixels.shape[-2:]:
        return logits
    return torch.nn.functional.interpolate(
        logits, pixels.shape[-2:], mode="bilinear", align_corners=False
    )


tasks.register("semantic_segmentation")(SemanticSegmentation("semantic_segmentation"))
