"""The task object_detection: objects in an image, each with a box, a type and a score; it knows no run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from lextune.config import RunConfig
from lextune.errors import ConfigError, ModelError, Problem
from lextune.labels import LabelKind
from lextune.tasks.base import NO_SETTINGS, Encoder, Files, tasks
from lextune.tasks.pretrained import read_json
from lextune.tasks.vision.task import VisionTask, find_by_block

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

    from lextune.images import ImageInput
    from lextune.tasks.vision.boxes import Boxes, BoxTargets
    from lextune.tasks.vision.detectors import Detections
    from lextune.tasks.vision.found import ScoredBox
    from lextune.tasks.vision.pixels import Pixels
    from lextune.tasks.vision.pyramid import Detector
    from lextune.tasks.vision.scaled import PaddedBatch, Scaling

#: A box is found when one of its type overlaps it so much (intersection over union) and is so sure.
_OVERLAP, _SURE = 0.5, 0.3
#: Validation images in a forward pass, for the threshold.
_AT_ONCE = 16
#: The most that a detector begins with: FCOS costs 3 a box, DETR 6, RT-DETR 10, D-FINE 14.
_BLIND = 15.0
#: Of the made-up images on which it is seen whether a folded backbone answers as before.
_SIDE = 64


class ObjectDetection(VisionTask):
    """torchvision's FCOS over a backbone of timm, or a detector of transformers."""

    label_kind: ClassVar[LabelKind] = "boxes"
    pipeline_tag: ClassVar[str] = "object-detection"
    train_settings: ClassVar[frozenset[str]] = frozenset(
        {"image_size", "batch_norm", "augmentation"}
    )
    metrics: tuple[str, ...] = (
        "mean_average_precision_50", "mean_average_precision", "mean_average_precision_75",
        "mean_average_recall_100", "average_precision_50", "average_precision", "detection_calibration_error",
    )  # fmt: skip
    baselines: tuple[str, ...] = ("prior_boxes",)

    def settings(
        self, config: RunConfig, inputs: Iterable[ImageInput], labels: Iterable[str]
    ) -> dict[str, str]:
        """The size of the input, where the config says so.

        Raises:
            ConfigError: The config asks for what boxes are not made for.
        """
        train = config.train
        idle = {
            "train.augmentation.mixup_alpha": train.augmentation.mixup_alpha,
            "train.augmentation.cutmix_alpha": train.augmentation.cutmix_alpha,
            "evaluation.test_time_augmentation": config.evaluation.test_time_augmentation != "none",
        }
        problems = [
            Problem(
                f"{name} does nothing in object_detection",
                f"remove {name}",
                "boxes are not blended",
            )
            for name, value in idle.items()
            if value
        ]
        if problems:
            raise ConfigError(problems)
        found = super().settings(config, inputs, labels)
        return {name: value for name, value in found.items() if name == "image_size"}

    def transform(self, files: Files, settings: Mapping[str, str]) -> Scaling:
        """The whole image, its shorter side as the model or the config says."""
        from lextune.tasks.vision.detectors import LONGEST, SHORT_SIDE
        from lextune.tasks.vision.scaled import read_scaling

        own = read_json(files, "config.json").get("detector")
        short = int(own.get("min_size", SHORT_SIDE)) if isinstance(own, dict) else SHORT_SIDE
        return read_scaling(files, settings, short_side=short, longest=LONGEST, multiple=32)

    def encoder(
        self, files: Files, max_length: int, settings: Mapping[str, str] = NO_SETTINGS  # noqa: ARG002
    ) -> Encoder:  # fmt: skip
        """Inputs to pixels at the size of prediction, none larger than it is."""
        from lextune.tasks.vision.pixels import encode_images

        transform = self.transform(files, settings)
        return lambda inputs: encode_images(inputs, transform, transform.kept, alike=False)

    def outputs(self, classes: Sequence[str]) -> tuple[str, ...]:
        """One a class."""
        return tuple(classes)

    def numbers(
        self, labels: Sequence[str], classes: Sequence[str], encoded: Any = None  # noqa: ARG002
    ) -> Boxes:  # fmt: skip
        """The boxes of all images, in pixels of the upright originals."""
        from lextune.tasks.vision.boxes import box_numbers

        return box_numbers(labels, classes)

    def targets(self, labels: Boxes, encoded: Pixels, rows: npt.NDArray[np.int64]) -> BoxTargets:
        """The boxes of these images as they are laid into their inputs."""
        from lextune.tasks.vision.boxes import targets_of
        from lextune.tasks.vision.scaled import geometry_of, of_original

        numbers = rows.tolist()
        geometries = [of_original(encoded, row, geometry_of(encoded, row)) for row in numbers]
        return targets_of(labels, numbers, geometries)

    def size(self, targets: BoxTargets, class_weights: torch.Tensor | None) -> float:
        """The boxes, each with the weight of its class; at least 1."""
        return targets.weight(class_weights)

    def build(
        self, files: Files, classes: Sequence[str], *, dropout: float | None, new_head: bool,  # noqa: ARG002
        settings: Mapping[str, str] = NO_SETTINGS,  # noqa: ARG002
    ) -> tuple[torch.nn.Module, frozenset[str]]:  # fmt: skip
        """A detector whose every tensor comes from `files`, but for what a backbone or other classes need anew."""
        from lextune.tasks.vision.detectors import build_detector

        return build_detector(files, classes, new_head=new_head)

    def fit(self, model: torch.nn.Module, *, frozen_norms: bool) -> None:
        """Channels last; frozen batch norms of the backbone are folded where it is one of timm."""
        import torch

        from lextune.tasks.vision.folding import fold_batch_norms, freeze_batch_norms

        model.to(memory_format=torch.channels_last)
        if not frozen_norms:
            return
        freeze_batch_norms(model)
        body = _body(model)
        if body is not None:
            draw = torch.Generator().manual_seed(0)
            fold_batch_norms(body, torch.rand(2, 3, _SIDE, _SIDE, generator=draw))

    def collate(self, encoded: Pixels, rows: npt.NDArray[np.int64]) -> PaddedBatch:
        """Whole images side by side, padded to the largest."""
        from lextune.tasks.vision.scaled import padded

        return padded(encoded, rows)

    def logits(self, model: torch.nn.Module, batch: PaddedBatch) -> Detections:
        """What the detector says of the batch, from which both the loss and the boxes are taken."""
        from lextune.tasks.vision.library_detectors import LibraryDetections
        from lextune.tasks.vision.pyramid import Detector, PyramidDetections

        if isinstance(model, Detector):
            return PyramidDetections(model, batch)
        return LibraryDetections(model, batch)

    def features(self, model: torch.nn.Module, batch: PaddedBatch) -> torch.Tensor:  # noqa: ARG002
        """None: the pyramid reads maps of several sizes."""
        raise _no_features()

    def head_logits(self, model: torch.nn.Module, features: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        """None: see `features`."""
        raise _no_features()

    def loss(
        self, logits: Detections, labels: BoxTargets, *,
        class_weights: torch.Tensor | None = None, label_smoothing: float = 0.0,
    ) -> torch.Tensor:  # fmt: skip
        """The detector's own loss per box; regions about which nothing is said do not count where it can tell."""
        return logits.loss(labels, class_weights, label_smoothing)

    def blind_loss(self, outputs: int) -> float:  # noqa: ARG002
        """About what a detector begins with that knows nothing: the loss of a box is no logarithm of a guess."""
        return _BLIND

    def accepts(self, logits: Detections, targets: BoxTargets, outputs: int) -> bool:
        """One score for each image, place and class."""
        return logits.shape[0] == len(targets) and logits.shape[2] == outputs

    def right(self, logits: Detections, labels: BoxTargets) -> tuple[int, int]:
        """Boxes that are found, and how many there are."""
        from torchvision.ops import box_iou

        right = 0
        for image, found in enumerate(logits.boxes()):
            sure = found["scores"] >= _SURE
            overlap = box_iou(labels.boxes[image], found["boxes"][sure])
            same = labels.classes[image][:, None] == found["labels"][sure][None]
            right += int(((overlap >= _OVERLAP) & same).any(1).sum())
        return right, sum(len(one) for one in labels.boxes)

    def decided(self, loaded: Any, encoded: Pixels, labels: Boxes) -> dict[str, str]:
        """`score_threshold`: the score with the best F1 on the validation part, from which boxes are shown to users."""
        from lextune.tasks.vision.thresholds import best_threshold

        batches = []
        loaded.model.eval()
        for rows in encoded.in_order(_AT_ONCE):
            said = self._said(loaded, self.collate(encoded, rows))
            where = next(loaded.model.parameters()).device
            batches.append((said.boxes(), self.targets(labels, encoded, rows).to(where)))
        return {"score_threshold": f"{best_threshold(batches, _SURE):.4f}"}

    def find(
        self, loaded: Any, inputs: Sequence[Any], batch_size: int, advance: Callable[[int], None]
    ) -> list[tuple[ScoredBox, ...] | None]:
        """The boxes in each image, best first, in pixels of the upright original; None where a number is not finite."""
        pixels = loaded.encode(inputs)

        def answer(rows: npt.NDArray[np.int64]) -> list[tuple[ScoredBox, ...] | None]:
            batch = self.collate(pixels, rows)
            said = self._said(loaded, batch)
            found, finite = said.boxes(), said.finite().tolist()
            originals = pixels.originals[rows].tolist()
            return [
                _scored(one, original, size, loaded.classes) if fine else None
                for one, original, size, fine in zip(
                    found, originals, batch.sizes, finite, strict=True
                )
            ]

        return find_by_block(pixels, batch_size, answer, advance)

    def _said(self, loaded: Any, batch: PaddedBatch) -> Detections:
        """What the model says of a batch in the precision in which it answers."""
        import torch

        where = next(loaded.model.parameters()).device
        half = loaded.precision == "bf16"
        with torch.inference_mode(), torch.autocast(where.type, torch.bfloat16, enabled=half):
            said = self.logits(loaded.model, batch.to(where))
            assert said.shape  # one of transformers answers when it is first asked
            return said

    def export(
        self, model: torch.nn.Module, files: Files, info: Mapping[str, Any]
    ) -> dict[str, bytes]:
        """A folder that transformers loads as it is, or from which torchvision and timm build the model."""
        from lextune.tasks.vision.detectors import is_library_detector, written_config
        from lextune.tasks.vision.scaled import written_preprocessor

        if not is_library_detector(files):
            scaling = self.transform(files, info.get("settings", {}))
            return self.written(model, written_config(cast("Detector", model), scaling), info)
        config = model.config.to_dict() | {"architectures": [type(model).__name__]}  # type: ignore[operator,union-attr]
        config.pop("_name_or_path", None)
        scaling = self.transform(files, info.get("settings", {}))
        text = json.dumps(config, indent=2, sort_keys=True).encode() + b"\n"
        return {
            "preprocessor_config.json": written_preprocessor(files, scaling),
            **self.written(model, text, info),
        }


def _body(model: Any) -> Any:
    backbone = getattr(model, "backbone", None)
    return getattr(backbone, "body", None)


def _scored(
    found: Mapping[str, torch.Tensor], original: Sequence[int], size: tuple[int, int],
    classes: Sequence[str],
) -> tuple[ScoredBox, ...]:  # fmt: skip
    """Boxes of one input in pixels of its original, height and width given of both."""
    from lextune.tasks.vision.found import ScoredBox

    down, across = original[0] / size[0], original[1] / size[1]
    made = []
    for box, label, score in zip(
        found["boxes"].tolist(), found["labels"].tolist(), found["scores"].tolist(), strict=True
    ):
        x1, x2 = (min(max(0.0, one * across), float(original[1])) for one in box[::2])
        y1, y2 = (min(max(0.0, one * down), float(original[0])) for one in box[1::2])
        if x1 < x2 and y1 < y2:
            made.append(ScoredBox(x1, y1, x2, y2, classes[label], score))
    return tuple(made)


def _no_features() -> ModelError:
    return ModelError(
        Problem(
            "a detector is not trained on features that are computed once",
            "set train.method: full, with train.freeze_stages to leave the backbone as it is",
        )
    )


tasks.register("object_detection")(ObjectDetection("object_detection"))
