"""Computes batch norms whose statistics are frozen inside the convolutions before them; it trains nothing.

A convolution followed by y = gamma * (x - mean) / sqrt(var + eps) + beta is one convolution with scaled weights, so
one pass over the activations, forward and backward, is saved. Gradients reach gamma, beta and the convolution's weight
through the scaled weight. Names and values of all tensors stay as they are. The backward pass of a depthwise
convolution is taken in fp32 on a CPU: in bf16 it is up to five times as slow there (docs/performance.md).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

_NORMS = (nn.BatchNorm2d,)


def fold_batch_norms(model: nn.Module, example: torch.Tensor) -> int:
    """Make each batch norm that takes just a convolution's output part of that convolution, in place.

    Args:
        model: Asked once with the example, in eval mode.
        example: An input that the model takes.

    Returns:
        How many were folded. Where the model then answers otherwise than before, none is.
    """
    if not any(isinstance(one, _NORMS) for one in model.modules()):
        return 0
    training = model.training
    model.eval()
    with torch.no_grad():
        pairs, before = _pairs(model, example)
        for convolution, norm in pairs:
            _fold(convolution, norm)
        same = _agree(before, model(example))
    model.train(training)
    if not same:
        for convolution, norm in pairs:
            del convolution.forward, norm.forward
        return 0
    return len(pairs)


def freeze_batch_norms(model: nn.Module) -> None:
    """Keep every batch norm of the model in eval mode, also when the model is trained, in place."""
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()
            module.train = _stay(module)  # type: ignore[method-assign]


def _stay(module: nn.Module) -> Any:
    return lambda mode=True: module  # noqa: ARG005 - as nn.Module.train is called


def _pairs(
    model: nn.Module, example: torch.Tensor
) -> tuple[list[tuple[nn.Conv2d, nn.BatchNorm2d]], Any]:
    """Convolutions with the norm that takes their output, each seen once in a pass; and the model's answer."""
    made: dict[int, tuple[nn.Conv2d, torch.Tensor]] = {}
    calls: dict[nn.Module, int] = {}
    pairs: list[tuple[nn.Conv2d, nn.BatchNorm2d]] = []

    def after(module: nn.Module, _: Any, output: torch.Tensor) -> None:
        assert isinstance(module, nn.Conv2d)
        calls[module] = calls.get(module, 0) + 1
        made[id(output)] = module, output  # held, so that no other tensor takes its place

    def before(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        assert isinstance(module, nn.BatchNorm2d)
        calls[module] = calls.get(module, 0) + 1
        if id(inputs[0]) in made:
            pairs.append((made[id(inputs[0])][0], module))

    hooks = []
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            hooks.append(module.register_forward_hook(after))
        elif isinstance(module, _NORMS) and module.affine and module.track_running_stats:
            hooks.append(module.register_forward_pre_hook(before))
    try:
        answer = model(example)
    finally:
        for hook in hooks:
            hook.remove()
    return [pair for pair in pairs if calls[pair[0]] == calls[pair[1]] == 1], answer


def _agree(before: Any, after: Any) -> bool:
    left, right = _tensors(before), _tensors(after)
    return len(left) == len(right) and all(
        torch.allclose(one, other, rtol=1e-3, atol=1e-3 * float(one.abs().max() + 1e-6))
        for one, other in zip(left, right, strict=True)
    )


def _tensors(answer: Any) -> list[torch.Tensor]:
    if isinstance(answer, torch.Tensor):
        return [answer.float()]
    if isinstance(answer, dict):
        answer = list(answer.values())
    if isinstance(answer, (list, tuple)):
        return [one for part in answer for one in _tensors(part)]
    return []


def _fold(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    ours = type(convolution).forward is nn.Conv2d.forward

    def convolve(x: torch.Tensor) -> torch.Tensor:
        mean, var = norm.running_mean, norm.running_var
        assert mean is not None
        assert var is not None
        scale = norm.weight * torch.rsqrt(var + norm.eps)
        weight = convolution.weight * scale[:, None, None, None]
        bias = norm.bias - mean * scale
        if convolution.bias is not None:
            bias = bias + convolution.bias * scale
        padding: Any = convolution.padding
        if not ours:  # timm's Conv2dSame pads as TensorFlow does
            x, padding = _pad_same(x, convolution), (0, 0)
        elif isinstance(padding, str) or convolution.padding_mode != "zeros":
            made: torch.Tensor = convolution._conv_forward(x, weight, bias)
            return made
        return _convolution(x, weight, bias, convolution, padding)

    if not ours and type(convolution).__name__ != "Conv2dSame":
        return
    convolution.forward = convolve  # type: ignore[method-assign,assignment]
    norm.forward = _rest_of(norm)  # type: ignore[method-assign]


def _rest_of(norm: nn.Module) -> Any:
    """What a norm of timm does besides: an activation, dropped blocks."""
    drop, act = getattr(norm, "drop", None), getattr(norm, "act", None)
    parts = [one for one in (drop, act) if isinstance(one, nn.Module)]

    def forward(x: torch.Tensor) -> torch.Tensor:
        for part in parts:
            x = part(x)
        return x

    return forward


def _pad_same(x: torch.Tensor, convolution: nn.Conv2d) -> torch.Tensor:
    from timm.layers.padding import pad_same

    padded: torch.Tensor = pad_same(
        x, convolution.kernel_size, convolution.stride, convolution.dilation
    )
    return padded


def _convolution(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, like: nn.Conv2d, padding: Any
) -> torch.Tensor:
    if x.device.type != "cpu" or not torch.is_autocast_enabled("cpu"):
        return torch.nn.functional.conv2d(
            x, weight.contiguous(memory_format=torch.channels_last), bias, like.stride, padding,
            like.dilation, like.groups,
        )  # fmt: skip
    half = torch.get_autocast_dtype("cpu")
    x, bias = x.to(half), bias.to(half)
    weight = weight.to(half).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", enabled=False):
        if like.groups > 1:
            found: torch.Tensor = _Depthwise.apply(x, weight, bias, like.stride, padding, like.dilation, like.groups)  # fmt: skip
            return found
        return torch.nn.functional.conv2d(
            x, weight, bias, like.stride, padding, like.dilation, like.groups
        )


class _Depthwise(torch.autograd.Function):
    """A grouped convolution in half precision, whose gradients are computed in fp32."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, stride: Any, padding: Any,
        dilation: Any, groups: int,
    ) -> torch.Tensor:  # fmt: skip
        ctx.save_for_backward(x, weight)
        ctx.how = [list(stride), list(padding), list(dilation), False, [0, 0], groups]
        return torch.nn.functional.conv2d(x, weight, bias, stride, padding, dilation, groups)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        wanted = list(ctx.needs_input_grad[:3])
        stride, padding, dilation, *_, groups = ctx.how
        into_x = None
        if wanted[0] and set(stride + dilation) == {1} and groups == len(weight) == x.shape[1]:
            # back through a depthwise convolution of stride 1 goes one with the mirrored kernel
            around = [size - 1 - pad for size, pad in zip(weight.shape[2:], padding, strict=True)]
            into_x = torch.nn.functional.conv2d(
                gradients[0], weight.flip(2, 3), None, 1, around, 1, groups
            )
            wanted[0] = False
        found, into_weight, into_bias = torch.ops.aten.convolution_backward(
            gradients[0].float(), x.float(), weight.float(), [len(weight)], *ctx.how, wanted,
        )  # fmt: skip
        if into_x is None and found is not None:
            into_x = found.to(x.dtype)
        return into_x, into_weight, into_bias, None, None, None, None
