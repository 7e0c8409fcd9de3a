"""Keeps what one backward pass shows of each row, and adds the rows' clipped gradients up; it knows no loop and no noise.

Book-keeping (Bu et al. 2022, arXiv:2210.00038): a linear layer's gradient of row i is the sum over its tokens of
g a^T, so that its norm follows from the tokens' inner products, and the sum of all clipped rows from one product
with g scaled by row. No row's gradient of a matrix is ever made, and there is no second backward pass.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from lextune.errors import ModelError, Problem
from lextune.tasks.text.encoder import PLAIN
from lextune.tasks.text.packing import Packed
from lextune.training.privacy.rows import Line, products_of, squared_norms, word_sums

#: What rounding may add to a squared norm and to a contribution, as shares of the sum of its tokens' norms: products
#: of bf16 values are added in fp32, but a scaled gradient is rounded to bf16 (half of 2^-8) before its product.
_NORM_SLACK = 2.0**-21
_SLACK = {torch.float32: 2.0**-22, torch.bfloat16: 2.0**-9}


@dataclass
class _Use:
    """One application of weights in a pass: whose, and how the clipped sum of their gradients is made of factors."""

    parameters: tuple[torch.Tensor, ...]
    add: Callable[[torch.Tensor], Sequence[torch.Tensor]]


class Book:
    """Applies a model's weights in one pass after the other, and leaves clipped sums in their `grad`.

    Args:
        model: Its parameters that need a gradient are booked.
        bound: L2 norm that the gradient of a row is clipped to.
    """

    def __init__(self, model: nn.Module, bound: float) -> None:
        self.bound = bound
        self._names: dict[torch.Tensor, str] = {
            one: name for name, one in model.named_parameters() if one.requires_grad
        }
        where = next(model.parameters()).device
        # without it a pass whose inputs need no gradient would have no backward pass
        self._anchor = torch.zeros((), device=where, requires_grad=True)
        self._cast: dict[tuple[int, ...], torch.Tensor] = {}
        self.start(0)

    def start(self, rows: int) -> None:
        """Begin a pass of so many rows."""
        where = self._anchor.device
        self._line: Line | None = None
        self._uses: list[_Use] = []
        self._squares = torch.zeros(rows, dtype=torch.float64, device=where)
        self._spreads = torch.zeros(rows, dtype=torch.float64, device=where)
        self._slack = _SLACK[torch.float32]
        self._seen: set[torch.Tensor] = set()

    def begin(self, batch: Packed) -> None:
        """What is applied from here on lies in a line of tokens."""
        self._line = Line.of_tokens(batch)

    @torch.no_grad()
    def close(self) -> torch.Tensor:
        """Clip each row, add the sums to `grad`, and end the pass.

        Returns:
            A bound on the norm of each row's gradient before clipping, in the order asked for, shape (rows,).

        Raises:
            ModelError: A parameter's gradient was not seen row by row.
        """
        unseen = [name for one, name in self._names.items() if one not in self._seen]
        if unseen:
            raise _unknown(unseen)
        norms = (self._squares + _NORM_SLACK * self._spreads).sqrt()
        norms = norms + self._slack * self._spreads.sqrt()
        factors = (self.bound / norms).clamp(max=1).float()
        for use in self._uses:
            for parameter, found in zip(use.parameters, use.add(factors), strict=True):
                if not parameter.requires_grad:
                    continue
                parameter.grad = found if parameter.grad is None else parameter.grad.add_(found)
        self.start(0)
        return norms

    def forget(self) -> None:
        """The weights are about to change."""
        self._cast.clear()

    @contextlib.contextmanager
    def watching(self, model: nn.Module) -> Iterator[None]:
        """Inside, layers that are called by themselves are booked too; their inputs have a row for each row."""
        watched = [
            module
            for module in model.modules()
            if isinstance(module, (nn.Linear, nn.LayerNorm)) and self._trains(module)
        ]
        for module in watched:
            module.__dict__["forward"] = _Called(self, module)
        line, self._line = self._line, None
        try:
            yield
        finally:
            self._line = line
            for module in watched:
                del module.__dict__["forward"]

    def _trains(self, *modules: nn.Module) -> bool:
        return any(one in self._names for module in modules for one in module.parameters(False))

    def linear(self, x: torch.Tensor, *modules: nn.Module) -> torch.Tensor:
        """Several linear layers of the same input, their outputs side by side."""
        if len(modules) > 1 and not all(type(one) is nn.Linear for one in modules):
            return torch.cat([self.linear(x, one) for one in modules], -1)
        module: Any = modules[0]
        if hasattr(module, "lora_A"):
            return self._adapted(x, module)
        if not self._trains(*modules):
            return PLAIN.linear(x, *modules)
        weight, bias = self._weights(x.dtype, modules)
        y: torch.Tensor = _Linear.apply(x, self._anchor, weight, bias, self, modules)
        return y

    def _adapted(self, x: torch.Tensor, module: Any) -> torch.Tensor:
        """A linear layer with peft's low-rank update beside it (Hu et al. 2021)."""
        base = self.linear(x, module.base_layer)
        for name in module.active_adapters:
            inner = self.linear(module.lora_dropout[name](x), module.lora_A[name])
            base = base + self.linear(inner, module.lora_B[name]) * module.scaling[name]
        return base

    def _weights(
        self, dtype: torch.dtype, modules: Sequence[Any]
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Side by side in the type of the products; cast once a step, since passes share them."""
        key = (*(id(one) for one in modules), id(dtype))
        if key not in self._cast:
            self._cast[key] = torch.cat([one.weight.detach().to(dtype) for one in modules])
        biases = [one.bias for one in modules]
        if any(one is None for one in biases):
            return self._cast[key], None
        return self._cast[key], torch.cat([one.detach().to(dtype) for one in biases])

    def norm(self, x: torch.Tensor, module: nn.LayerNorm) -> torch.Tensor:
        """Layer norm, with fp32 weights and sums."""
        if not self._trains(module):
            return PLAIN.norm(x, module)
        y: torch.Tensor = _Norm.apply(x, self._anchor, self, module)
        return y

    def look_up(self, module: nn.Embedding, ids: torch.Tensor | None) -> torch.Tensor:
        """Embeddings, shape (tokens, width)."""
        if not self._trains(module):
            return PLAIN.look_up(module, ids)
        assert self._line is not None
        if ids is None:
            ids = torch.zeros(self._line.size, dtype=torch.int64, device=module.weight.device)
        y: torch.Tensor = _LookUp.apply(ids, self._anchor, self, module)
        return y

    def line_of(self, x: torch.Tensor) -> Line:
        """Where the rows of a tensor are that is being applied."""
        if self._line is None:
            return Line.of_rows(len(self._squares), x.device)
        return self._line.of(x)

    def book_linear(
        self, a: torch.Tensor, g: torch.Tensor, modules: Sequence[Any], line: Line
    ) -> None:
        """A product's input and the gradient of its output, shapes (tokens, in) and (tokens, out)."""
        biased = modules[0].bias is not None
        self._slack = max(self._slack, _SLACK[a.dtype])
        self._note(line, *squared_norms(line.parts(a), line.parts(g), biased))
        sizes = [one.out_features for one in modules]
        shifts = [one.bias for one in modules] if biased else []

        def add(factors: torch.Tensor) -> list[torch.Tensor]:
            scaled = line.scale_(g.to(torch.float32, copy=True), factors).flatten(0, -2)
            with products_of(a.dtype):
                weights = torch.mm(scaled.t(), a.flatten(0, -2).float())
            biases = torch.split(scaled.sum(0), sizes) if biased else ()
            return [*torch.split(weights, sizes), *biases]

        self._keep((*(one.weight for one in modules), *shifts), add)

    def book_norm(
        self, scale: torch.Tensor, shift: torch.Tensor, module: nn.LayerNorm, line: Line
    ) -> None:
        """Each row's gradients of the scale and the shift of a layer norm, shape (rows, width)."""
        squares = scale.double().square().sum(1) + shift.double().square().sum(1)
        self._note(line, squares, squares)
        self._keep(
            (module.weight, module.bias),
            lambda factors: [line.turned(factors) @ one for one in (scale, shift)],
        )

    def book_words(
        self, ids: torch.Tensor, g: torch.Tensor, module: nn.Embedding, line: Line
    ) -> None:
        """Which embeddings were taken, shape (tokens,), and the gradients of what they gave, shape (tokens, width)."""
        end = line.end
        rows, words, sums = word_sums(line.rows, ids[:end], g[:end].float(), module.padding_idx)
        each = sums.double().square().sum(1)
        squares = torch.zeros_like(self._squares).index_add_(0, rows, each)
        self._note(line, squares, squares)

        def add(factors: torch.Tensor) -> list[torch.Tensor]:
            scaled = sums * line.turned(factors)[rows, None]
            return [torch.zeros_like(module.weight).index_add_(0, words, scaled)]

        self._keep((module.weight,), add)

    def _note(self, line: Line, squares: torch.Tensor, spreads: torch.Tensor) -> None:
        self._squares += line.asked(squares)
        self._spreads += line.asked(spreads)

    def _keep(
        self, parameters: tuple[torch.Tensor, ...],
        add: Callable[[torch.Tensor], Sequence[torch.Tensor]],
    ) -> None:  # fmt: skip
        twice = [self._names.get(one, "a weight") for one in parameters if one in self._seen]
        if twice:
            # the norm of a sum of two uses is not that of its parts
            raise _unknown(twice)
        self._seen.update(parameters)
        self._uses.append(_Use(parameters, add))


def _unknown(names: Sequence[str]) -> ModelError:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ModelError(
        Problem(
            f"the gradient of {', '.join(names[:3])}{more} is not known row by row",
            "set train.dp_scope: head or lora, or choose another model",
            "a row whose gradient is not clipped is not protected",
        )
    )


@dataclass(frozen=True)
class _Called:
    """The forward pass of a layer that is called by itself."""

    book: Book
    module: Any

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        if isinstance(self.module, nn.LayerNorm):
            return self.book.norm(x.float(), self.module)
        kind = x.device.type
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype
        with torch.autocast(kind, enabled=False):
            return self.book.linear(x.to(dtype), self.module)


class _Linear(torch.autograd.Function):
    """A product whose backward pass books its factors and makes no gradient of the weights."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, anchor: torch.Tensor, weight: torch.Tensor,  # noqa: ARG004
        bias: torch.Tensor | None, book: Book, modules: Sequence[Any],
    ) -> torch.Tensor:  # fmt: skip
        ctx.save_for_backward(x, weight)
        ctx.book, ctx.modules, ctx.line = book, modules, book.line_of(x)
        return functional.linear(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        (g,) = grads
        ctx.book.book_linear(x, g, ctx.modules, ctx.line)
        return (g @ weight if ctx.needs_input_grad[0] else None, *([None] * 5))


class _Norm(torch.autograd.Function):
    """Layer norm whose backward pass books the gradients of scale and shift of each row."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, anchor: torch.Tensor, book: Book, module: nn.LayerNorm  # noqa: ARG004
    ) -> torch.Tensor:  # fmt: skip
        # only CPUs' kernels take two types
        wide = x if x.is_cpu else x.float()
        y, mean, scale = torch.native_layer_norm(
            wide, list(module.normalized_shape), module.weight, module.bias, module.eps
        )
        ctx.save_for_backward(wide, mean, scale)
        ctx.book, ctx.module, ctx.line, ctx.dtype = book, module, book.line_of(x), x.dtype
        return y.to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, mean, scale = ctx.saved_tensors
        module, line, g = ctx.module, ctx.line, grads[0].to(x.dtype)
        at = [line.parts(one) for one in (x, mean, scale, g)]
        found = [
            ((given.float() * (a.float() - middle) * by).sum(1), given.float().sum(1))
            for a, middle, by, given in zip(*at, strict=True)
        ]
        scales, shifts = (torch.cat(one) for one in zip(*found, strict=True))
        ctx.book.book_norm(scales, shifts, module, line)
        if not ctx.needs_input_grad[0]:
            return (None,) * 4
        below, _, _ = torch.ops.aten.native_layer_norm_backward(
            g.contiguous(), x, list(module.normalized_shape), mean, scale, module.weight,
            module.bias, [True, False, False],
        )  # fmt: skip
        return (below.to(ctx.dtype), None, None, None)


class _LookUp(torch.autograd.Function):
    """Embeddings whose backward pass books what each row took."""

    @staticmethod
    def forward(
        ctx: Any, ids: torch.Tensor, anchor: torch.Tensor, book: Book, module: nn.Embedding  # noqa: ARG004
    ) -> torch.Tensor:  # fmt: skip
        ctx.save_for_backward(ids)
        ctx.book, ctx.module, ctx.line = book, module, book.line_of(ids)
        return functional.embedding(ids, module.weight)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[None, ...]:
        (ids,) = ctx.saved_tensors
        ctx.book.book_words(ids, grads[0], ctx.module, ctx.line)
        return (None,) * 4
