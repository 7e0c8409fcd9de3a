"""Makes tiny detectors in the layout of a hub, and pictures of squares to look for; it knows no test."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import safetensors.torch
import timm
import torch
import transformers
from PIL import Image

#: Of a ResNet that is a thousandth of a usual one.
_RESNET = {
    "embedding_size": 8, "hidden_sizes": [8, 8, 16, 16], "depths": [1, 1, 1, 1], "layer_type": "basic",
    "out_features": ["stage2", "stage3", "stage4"],
}  # fmt: skip
_EDGES = {"shortest_edge": 64, "longest_edge": 96}


def backbone(architecture: str = "test_efficientnet") -> dict[str, bytes]:
    """A network of timm for ten classes."""
    torch.manual_seed(0)
    model = timm.create_model(architecture, num_classes=10)
    own = {
        "mean": [0.5] * 3,
        "std": [0.5] * 3,
        "interpolation": "bilinear",
        "input_size": [3, 64, 64],
    }
    return {
        "config.json": json.dumps({"architecture": architecture, "pretrained_cfg": own}).encode(),
        "model.safetensors": safetensors.torch.save(model.state_dict(), {"format": "pt"}),
    }


def picture(
    squares: Sequence[tuple[int, int, int]], size: tuple[int, int] = (64, 64), seed: int = 0
) -> bytes:
    """A PNG of that width and height: grey noise with white squares of left, top and side."""
    pixels = np.random.default_rng(seed).integers(60, 120, (size[1], size[0], 3), np.uint8)
    for left, top, side in squares:
        pixels[top : top + side, left : left + side] = 255
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def _of(model: Any, size: dict[str, int], **processing: Any) -> dict[str, bytes]:
    state = {name: one.contiguous() for name, one in model.state_dict().items()}
    unique: dict[int, str] = {}
    kept = {
        name: one
        for name, one in state.items()
        if unique.setdefault(one.data_ptr(), name) == name or not one.numel()
    }
    return {
        "config.json": json.dumps(model.config.to_dict()).encode(),
        "model.safetensors": safetensors.torch.save(kept, {"format": "pt"}),
        "preprocessor_config.json": json.dumps({"size": size, **processing}).encode(),
    }


def detr(classes: Sequence[str] = ("one", "two", "three")) -> dict[str, bytes]:
    """DETR over a ResNet of transformers: softmax, a mask of the padding."""
    torch.manual_seed(0)
    config = transformers.DetrConfig(
        use_timm_backbone=False,
        backbone_config=transformers.ResNetConfig(**{**_RESNET, "out_features": ["stage4"]}),
        num_queries=12,
        d_model=16,
        encoder_layers=1,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        dropout=0.0,
        id2label=dict(enumerate(classes)),
    )
    return _of(transformers.DetrForObjectDetection(config), _EDGES)


def rt_detr(classes: Sequence[str] = ("one", "two", "three")) -> dict[str, bytes]:
    """RT-DETR: sigmoid, one input size, queries that teach by denoising."""
    torch.manual_seed(0)
    backbone = transformers.RTDetrResNetConfig(**_RESNET)
    config = transformers.RTDetrConfig(
        backbone_config=backbone,
        encoder_in_channels=[8, 16, 16],
        encoder_hidden_dim=16,
        d_model=16,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        decoder_layers=2,
        decoder_in_channels=[16, 16, 16],
        num_queries=12,
        num_denoising=4,
        id2label=dict(enumerate(classes)),
    )
    return _of(
        transformers.RTDetrForObjectDetection(config),
        {"height": 64, "width": 64},
        do_normalize=False,
    )


def yolos(classes: Sequence[str] = ("one", "two", "three")) -> dict[str, bytes]:
    """YOLOS: a vision transformer with detection tokens, told nothing of padding."""
    torch.manual_seed(0)
    config = transformers.YolosConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=[64, 96],
        patch_size=16,
        num_detection_tokens=12,
        use_mid_position_embeddings=False,
        id2label=dict(enumerate(classes)),
    )
    return _of(transformers.YolosForObjectDetection(config), _EDGES)
