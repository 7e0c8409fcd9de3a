"""torchvision's FCOS over the features of any convolutional backbone of timm: built, taught and asked; it knows no file.

Tian et al. 2019, arXiv:1904.01355, with the box loss of Rezatofighi et al. 2019 (GIoU) as torchvision has it, and
the feature pyramid of Lin et al. 2017, arXiv:1612.03144. Its parts and the names of its tensors are torchvision's and
timm's, so that both load them (docs/user-guide.md shows how).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import timm
import torch
from torch import nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.fcos import FCOS, FCOSHead
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import generalized_box_iou_loss, sigmoid_focal_loss
from torchvision.ops.feature_pyramid_network import FeaturePyramidNetwork

from lextune.errors import ModelError, Problem

if TYPE_CHECKING:
    from lextune.tasks.vision.boxes import BoxTargets
    from lextune.tasks.vision.scaled import PaddedBatch

#: Pixels of the input for each place of the finest, the middle and the coarsest features of the backbone.
STRIDES = (8, 16, 32)
#: Sides of an input are multiples of this.
STRIDE = 32
#: What a box of usual size is taught by: the places within 1.5 strides of its middle, on one level.
PLACES = 9.0


@dataclass(frozen=True)
class Shape:
    """How large the parts above the backbone are.

    Attributes:
        width: Channels of the pyramid and of the head.
        levels: Levels of the pyramid; the first three lie on the backbone's features, each further one halves.
        convs: Convolutions of each half of the head before its last ones.
    """

    width: int = 128
    levels: int = 4
    convs: int = 2


class Backbone(nn.Module):
    """Features of a backbone, each level as wide as the others."""

    def __init__(self, body: nn.Module, channels: Sequence[int], shape: Shape) -> None:
        super().__init__()
        self.body = body
        self.fpn = FeaturePyramidNetwork(list(channels), shape.width)
        self.down = nn.ModuleList(
            nn.Conv2d(shape.width, shape.width, 3, 2, 1) for _ in range(shape.levels - len(STRIDES))
        )
        self.out_channels = shape.width

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Level (from 0) to features, shape (images, width, height, width of the level)."""
        found: dict[str, torch.Tensor] = self.fpn(
            {str(level): one for level, one in enumerate(self.body(x))}
        )
        for one in self.down:
            found[str(len(found))] = one(nn.functional.relu(list(found.values())[-1]))
        return found


class MatchingHead(FCOSHead):  # type: ignore[misc]
    """A head that, asked for its loss, gives the places that torchvision matched: the loss is taken elsewhere."""

    def compute_loss(
        self, targets: Any, head_outputs: Any, anchors: Any, matched_idxs: list[torch.Tensor]  # noqa: ARG002
    ) -> dict[str, torch.Tensor]:  # fmt: skip
        """`matched`: the box of each place, -1 for none, shape (images, places)."""
        return {"matched": torch.stack(matched_idxs)}


class Detector(FCOS):  # type: ignore[misc]
    """An FCOS that says which of its parts were pretrained."""

    backbone_prefix = "backbone.body"


def build_body(architecture: str) -> tuple[nn.Module, list[int], list[int]]:
    """The backbone without weights, the channels of its features at the strides, and their places among all.

    Raises:
        ModelError: timm does not know it, or it has no features at the strides.
    """
    try:
        body = timm.create_model(architecture, features_only=True, pretrained=False)
        reductions = list(body.feature_info.reduction())
        indices = tuple(reductions.index(stride) for stride in STRIDES)
        body = timm.create_model(
            architecture, features_only=True, pretrained=False, out_indices=indices
        )
    except Exception as error:  # whatever an architecture raises that has no such features
        told = " ".join(str(error).split())[:300]
        raise ModelError(
            Problem(
                f"timm's {architecture!r} gives no features at strides {', '.join(map(str, STRIDES))}",
                "choose a convolutional backbone (EfficientNet, ResNet, MobileNet, ConvNeXt, ...)",
                f"{type(error).__name__}: {told}",
            )
        ) from error
    return body, list(body.feature_info.channels()), list(indices)


def build_pyramid(
    body: nn.Module, channels: Sequence[int], classes: int, shape: Shape, how: Mapping[str, Any]
) -> Detector:
    """The whole detector; `how` are torchvision's arguments (min_size, score_thresh, image_mean, ...)."""
    anchors = AnchorGenerator(
        tuple((STRIDES[0] * 2**level,) for level in range(shape.levels)), ((1.0,),) * shape.levels
    )
    return Detector(
        Backbone(body, channels, shape), classes, anchor_generator=anchors,
        head=MatchingHead(shape.width, 1, classes, num_convs=shape.convs), **how,
    )  # fmt: skip


class PyramidDetections:
    """What the detector says of one batch.

    Attributes:
        model: Which said it.
        outputs: `cls_logits`, `bbox_regression` and `bbox_ctrness` of all places, each (images, places, ...), fp32.
        places: Of each level.
        anchors: Of all places, shape (places, 4).
        sizes: Height and width of each image inside its padded input.
    """

    def __init__(self, model: Detector, batch: PaddedBatch) -> None:
        pixels = batch.pixels
        features = list(model.backbone(pixels).values())
        self.model, self.sizes = model, batch.sizes
        self.outputs = {name: one.float() for name, one in model.head(features).items()}
        self.places = [one.shape[2] * one.shape[3] for one in features]
        self.anchors = model.anchor_generator(ImageList(pixels, self.sizes), features)[0]

    @property
    def shape(self) -> torch.Size:
        """Images, places and classes."""
        found: torch.Size = self.outputs["cls_logits"].shape
        return found

    def loss(
        self, targets: BoxTargets, class_weights: torch.Tensor | None, label_smoothing: float
    ) -> torch.Tensor:
        """Focal loss of classes, GIoU loss of boxes and cross entropy of centreness, summed over places.

        The sum is divided by the boxes (each with the weight of its class) and by `PLACES`, not by the places that
        the boxes have: so the mean over several batches is that over one batch of all their images.
        """
        total: torch.Tensor = self.outputs["cls_logits"].new_zeros(())
        for image, matched in enumerate(self._matched(targets)):
            total = total + self._loss_of(image, matched, targets, class_weights, label_smoothing)
        return total / (PLACES * targets.weight(class_weights))

    def finite(self) -> torch.Tensor:
        """Whether each image's answer is nothing but finite numbers, bool, shape (images,)."""
        parts = [one.flatten(1).isfinite().all(1) for one in self.outputs.values()]
        return torch.stack(parts).all(0)

    def boxes(self) -> list[dict[str, torch.Tensor]]:
        """Of each image `boxes` in pixels of the input, `labels` and `scores`, after non-maximum suppression."""
        split = {name: list(one.split(self.places, 1)) for name, one in self.outputs.items()}
        anchors = [list(self.anchors.split(self.places))] * len(self.sizes)
        found: list[dict[str, torch.Tensor]] = self.model.postprocess_detections(
            split, anchors, self.sizes
        )
        return found

    def _matched(self, targets: BoxTargets) -> torch.Tensor:
        """Which box each place is taught, -1 for none, shape (images, places)."""
        given = [{"boxes": one} for one in targets.boxes]
        anchors = [self.anchors] * len(given)
        found: torch.Tensor = self.model.compute_loss(given, self.outputs, anchors, self.places)[
            "matched"
        ]
        return found

    def _loss_of(
        self, image: int, matched: torch.Tensor, targets: BoxTargets, class_weights: torch.Tensor | None,
        label_smoothing: float,
    ) -> torch.Tensor:  # fmt: skip
        logits = self.outputs["cls_logits"][image]
        taught = matched >= 0
        chosen = matched[taught]
        classes = targets.classes[image][chosen]
        wanted = torch.zeros_like(logits)
        share = label_smoothing / logits.shape[1]
        wanted[taught] = share
        wanted[taught, classes] = 1 - label_smoothing + share
        weights = logits.new_ones(len(logits))
        weights[~taught & self._inside(targets.ignored[image])] = 0
        if class_weights is not None:
            weights[taught] = class_weights[classes].to(weights)
        named: torch.Tensor = sigmoid_focal_loss(logits, wanted, reduction="none").sum(1) @ weights
        if not len(chosen):
            return named
        boxes, anchors = targets.boxes[image][chosen], self.anchors[taught]
        given = self.model.box_coder.decode(self.outputs["bbox_regression"][image][taught], anchors)
        apart = generalized_box_iou_loss(given, boxes, reduction="none")
        middles = (anchors[:, :2] + anchors[:, 2:]) / 2
        sides = torch.stack([middles - boxes[:, :2], boxes[:, 2:] - middles], 2)
        central = (sides.amin(2) / sides.amax(2)).prod(1).sqrt()
        centred = nn.functional.binary_cross_entropy_with_logits(
            self.outputs["bbox_ctrness"][image][taught, 0], central, reduction="none"
        )
        total: torch.Tensor = named + (apart + centred) @ weights[taught]
        return total

    def _inside(self, regions: torch.Tensor) -> torch.Tensor:
        """Which places lie in one of the regions, shape (places,)."""
        middles = (self.anchors[:, :2] + self.anchors[:, 2:]) / 2
        after = (middles[:, None] >= regions[None, :, :2]).all(2)
        inside: torch.Tensor = after & (middles[:, None] <= regions[None, :, 2:]).all(2)
        return inside.any(1)
