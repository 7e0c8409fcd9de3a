"""The task image_classification: one image, one class; it knows no run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from lextune.tasks.base import NO_SETTINGS, Files, tasks
from lextune.tasks.one_class import OneClass
from lextune.tasks.vision.task import VisionTask

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

    from lextune.tasks.vision.batches import ImageBatch
    from lextune.tasks.vision.pixels import Pixels


class ImageClassification(OneClass, VisionTask):
    """A classifier of timm or transformers: softmax and cross entropy over one input size."""

    pipeline_tag: ClassVar[str] = "image-classification"
    metrics: tuple[str, ...] = (
        "accuracy", "top_5_accuracy", "macro_f1", "precision", "recall", "roc_auc", "log_loss",
        "expected_calibration_error",
    )  # fmt: skip
    baselines: tuple[str, ...] = ("majority", "linear_probe")

    def build(
        self, files: Files, classes: Sequence[str], *, dropout: float | None, new_head: bool,
        settings: Mapping[str, str] = NO_SETTINGS,  # noqa: ARG002
    ) -> tuple[torch.nn.Module, frozenset[str]]:  # fmt: skip
        """A classifier whose every tensor comes from `files`, but for a new head's."""
        from lextune.tasks.pretrained import build_classifier
        from lextune.tasks.vision.backbones import build_timm_classifier, is_timm

        if is_timm(files):
            return build_timm_classifier(files, classes, dropout=dropout, new_head=new_head)
        return build_classifier(
            files, classes, dropout=dropout, new_head=new_head,
            problem_type="single_label_classification", family="AutoModelForImageClassification",
        )  # fmt: skip

    def collate(self, encoded: Pixels, rows: npt.NDArray[np.int64]) -> ImageBatch:
        """Crops of the model's input size."""
        from lextune.tasks.vision.batches import crops

        return crops(encoded, rows)

    def targets(
        self, labels: npt.NDArray[np.int64], encoded: Pixels, rows: npt.NDArray[np.int64]
    ) -> torch.Tensor:
        """Class numbers, shape (images,), or where images are blended the shares of the classes in each."""
        import torch

        from lextune.tasks.vision.batches import mixed_targets

        numbers = torch.from_numpy(labels[rows])
        view = encoded.view
        mixing = view.mixing(rows, encoded.transform.size) if view is not None else None
        return numbers if mixing is None else mixed_targets(numbers, int(labels.max()) + 1, mixing)

    def logits(self, model: torch.nn.Module, batch: ImageBatch) -> torch.Tensor:
        """Shape (images, classes)."""
        found = _logits(model, batch.pixels)
        if not batch.flip:
            return found
        # the mean of log probabilities, which softmax turns into their geometric mean
        both = found.float().log_softmax(-1) + _logits(model, batch.pixels.flip(-1)).float().log_softmax(-1)  # fmt: skip
        return both / 2

    def features(self, model: torch.nn.Module, batch: ImageBatch) -> torch.Tensor:
        """What the last layer reads of each image, shape (images, hidden)."""
        taken: list[torch.Tensor] = []

        def take(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:  # noqa: ARG001
            taken.append(inputs[0])

        hook = _last_layer(model).register_forward_pre_hook(take)
        try:
            _logits(model, batch.pixels)
        finally:
            hook.remove()
        return taken[-1].flatten(1)

    def head_logits(self, model: torch.nn.Module, features: torch.Tensor) -> torch.Tensor:
        """The last layer alone."""
        found: torch.Tensor = _last_layer(model)(features)
        return found

    def export(
        self, model: torch.nn.Module, files: Files, info: Mapping[str, Any]
    ) -> dict[str, bytes]:
        """A folder that timm (`local-dir:`) or transformers loads as it is, and lextune.json."""
        from lextune.tasks.vision.backbones import is_timm, timm_config

        if is_timm(files):
            transform = self.transform(files, info.get("settings", {}))
            return self.written(model, timm_config(files, info["classes"], transform), info)
        config = model.config.to_dict() | {"architectures": [type(model).__name__]}  # type: ignore[operator,union-attr]
        config.pop("_name_or_path", None)
        kept = {name: files[name] for name in ("preprocessor_config.json",) if name in files}
        text = json.dumps(config, indent=2, sort_keys=True).encode() + b"\n"
        return kept | self.written(model, text, info)


def _logits(model: torch.nn.Module, pixels: torch.Tensor) -> torch.Tensor:
    found = model(pixels)
    logits: torch.Tensor = found if not hasattr(found, "logits") else found.logits
    return logits


def _last_layer(model: Any) -> torch.nn.Module:
    import torch

    get = getattr(model, "get_classifier", None)
    if get is not None:
        layer: torch.nn.Module = get()
        return layer
    return [one for one in model.modules() if isinstance(one, torch.nn.Linear)][-1]


tasks.register("image_classification")(ImageClassification("image_classification"))
