"""Builds transformers' detectors from the bytes of a model's folder, with a head for other classes; it downloads nothing.

The DETR family (Carion et al. 2020, arXiv:2005.12872), YOLOS, RT-DETR, D-FINE and whatever else
`AutoModelForObjectDetection` knows. What is said with softmax has an output more than classes: no object.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from lextune.errors import ConfigError, Problem
from lextune.tasks.base import Files
from lextune.tasks.pretrained import read_json
from lextune.tasks.vision.library import build, refuse_other_tensors, undescribed_backbone

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from lextune.tasks.vision.boxes import BoxTargets
    from lextune.tasks.vision.scaled import PaddedBatch

#: What depends on the classes, over transformers' detectors.
_HEAD = re.compile(
    r"(?:^|\.)(?:class_labels_classifier|class_embed|enc_score_head|denoising_class_embed)\."
)
#: Architectures whose `backbone` is a network of timm, which needs no look at a hub.
_TIMM = frozenset({"detr", "conditional_detr", "deformable_detr", "table-transformer", "dab-detr"})


def build_library_detector(
    files: Files, classes: Sequence[str], *, new_head: bool
) -> tuple[torch.nn.Module, frozenset[str]]:
    """The detector and the names of the tensors that `files` did not hold.

    Args:
        files: In the layout of a hub: config.json, model.safetensors, preprocessor_config.json.
        classes: Names.
        new_head: Whether a head of other classes is drawn anew; nothing else may be missing.

    Raises:
        ModelError: The files fit neither transformers nor each other.
    """
    raw = read_json(files, "config.json")
    _refuse_hub(raw)
    what = Problem(
        f"transformers has no detector of the architecture {raw.get('model_type')!r}",
        "choose a detector (DETR, RT-DETR, D-FINE, YOLOS, ...) or a backbone of timm",
        "code that ships inside a model's folder is never run",
    )
    built = build(
        files, classes, "AutoModelForObjectDetection", _HEAD, new_head=new_head, what=what
    )
    model, report = built.model, built.report
    _check(report, new_head=new_head and not built.same_head)
    model.backbone_prefix = _backbone_prefix(model)
    return model, frozenset(report["missing_keys"])


def _refuse_hub(raw: Mapping[str, Any]) -> None:
    """Refuse a config that names its backbone by a word that transformers would look up."""
    if not raw.get("backbone") or raw.get("backbone_config"):
        return
    timm = raw.get("use_timm_backbone", True) and raw.get("model_type") in _TIMM
    if not timm or raw.get("backbone_kwargs"):
        raise undescribed_backbone()


def _check(report: Mapping[str, Any], *, new_head: bool) -> None:
    wrong = sorted(name for name in report["missing_keys"] if not (new_head and _HEAD.search(name)))
    misfits = sorted(str(one[0]) for one in report["mismatched_keys"])
    left = sorted(report["unexpected_keys"])
    refuse_other_tensors(wrong, misfits, left)


def _backbone_prefix(model: PreTrainedModel) -> str:
    """Where the network below the queries is: the first module that is called so, else the library's own prefix."""
    found = [name for name, _ in model.named_modules() if name.split(".")[-1] == "backbone"]
    return found[0] if found else str(model.base_model_prefix)


def _reads_mask(model: PreTrainedModel) -> bool:
    return "pixel_mask" in inspect.signature(model.forward).parameters


class LibraryDetections:
    """What a detector of transformers says of one batch; it is asked when the answer is first needed.

    The library takes the loss inside the model, where it also makes the queries that teach by denoising; so the
    model is asked with the targets if there are any.
    """

    def __init__(self, model: PreTrainedModel, batch: PaddedBatch) -> None:
        self.model, self.pixels = model, batch.pixels
        height, width = self.pixels.shape[-2:]
        self.masked = _reads_mask(model) and not batch.alike
        # boxes are shares of the image without its padding, or of the input where its padding is not told
        self.sizes = batch.sizes if self.masked else [(height, width)] * len(batch.sizes)
        self._half = torch.is_autocast_enabled(self.pixels.device.type)
        self._answer: Any = None

    @property
    def shape(self) -> torch.Size:
        """Images, queries and classes."""
        logits = self._asked(None).logits
        return torch.Size((*logits.shape[:2], self.model.config.num_labels))

    def loss(
        self, targets: BoxTargets, class_weights: torch.Tensor | None, label_smoothing: float
    ) -> torch.Tensor:
        """The library's loss, as the mean over the layers that it is taken of: per box of the batch.

        Regions about which nothing is said are not among the targets; what is found there counts as wrong.

        Raises:
            ConfigError: Class weights or smoothed labels are asked for.
        """
        if class_weights is not None or label_smoothing:
            raise ConfigError(
                Problem(
                    "a detector of transformers takes neither class weights nor smoothed labels",
                    "remove train.class_weights and train.label_smoothing_factor",
                    "its library computes the loss",
                )
            )
        try:
            answer = self._asked(self._labels(targets))
        except ValueError:  # the library compares numbers that are none
            if bool(self.finite().all()):
                raise
            return self.pixels.new_tensor(float("nan"))
        layers = sum(name.startswith("loss_bbox") for name in answer.loss_dict)
        return answer.loss.float() / max(1, layers)  # type: ignore[no-any-return]

    def finite(self) -> torch.Tensor:
        """Whether each image's answer is nothing but finite numbers, bool, shape (images,)."""
        answer = self._asked(None)
        logits, boxes = answer.logits.flatten(1), answer.pred_boxes.flatten(1)
        fine: torch.Tensor = logits.isfinite().all(1) & boxes.isfinite().all(1)
        return fine

    def boxes(self) -> list[dict[str, torch.Tensor]]:
        """The best of all queries and classes, in pixels of the input; the queries need no suppression."""
        from lextune.tasks.vision.detectors import MOST_BOXES, SCORE_THRESHOLD

        answer = self._asked(None)
        logits, classes = answer.logits.float(), self.model.config.num_labels
        scores = logits.softmax(-1) if logits.shape[-1] == classes + 1 else logits.sigmoid()
        scores = scores[..., :classes].flatten(1)
        best, at = scores.topk(min(MOST_BOXES, scores.shape[1]), dim=1)
        found = []
        for image, (height, width) in enumerate(self.sizes):
            keep = best[image] > SCORE_THRESHOLD
            places, labels = at[image][keep] // classes, at[image][keep] % classes
            x, y, w, h = answer.pred_boxes[image][places].float().unbind(1)
            corners = torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], 1)
            sides = corners.new_tensor([width, height, width, height])
            scored = {"boxes": corners * sides, "labels": labels, "scores": best[image][keep]}
            found.append(scored)
        return found

    def _labels(self, targets: BoxTargets) -> list[dict[str, torch.Tensor]]:
        labels = []
        for boxes, classes, (height, width) in zip(
            targets.boxes, targets.classes, self.sizes, strict=True
        ):
            corners = boxes / boxes.new_tensor([width, height, width, height])
            middle, sides = (corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]
            labels.append({"class_labels": classes, "boxes": torch.cat([middle, sides], 1)})
        return labels

    def _asked(self, labels: list[dict[str, torch.Tensor]] | None) -> Any:
        if self._answer is None or labels is not None:
            given: dict[str, Any] = {"pixel_values": self.pixels}
            if self.masked:
                given["pixel_mask"] = self._mask()
            if labels is not None:
                given["labels"] = labels
            with torch.autocast(self.pixels.device.type, torch.bfloat16, enabled=self._half):
                self._answer = self.model(**given)
        return self._answer

    def _mask(self) -> torch.Tensor:
        """1 where an image is and 0 where its input is padded, shape (images, height, width)."""
        mask = self.pixels.new_zeros((len(self.sizes), *self.pixels.shape[-2:]), dtype=torch.int64)
        for one, (height, width) in zip(mask, self.sizes, strict=True):
            one[:height, :width] = 1
        return mask
