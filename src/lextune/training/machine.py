"""Fits the process to the machine: number format by measurement, allocator; it knows no model."""

from __future__ import annotations

import contextlib
import ctypes
import sys
import time
from collections.abc import Iterator
from typing import Literal

import torch

from lextune.tasks.base import TOKENS_AT_ONCE

Precision = Literal["fp32", "bf16"]

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def choose_precision(requested: Literal["auto", "fp32", "bf16"]) -> Precision:
    """The asked one, or for `auto` the one in which this machine multiplies matrices faster.

    bf16 must win by a fifth, since casts cost time of their own.
    """
    if requested != "auto":
        return requested
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    single, half = _product_seconds(torch.float32), _product_seconds(torch.bfloat16)
    return "bf16" if half * 1.2 < single else "fp32"


def _product_seconds(dtype: torch.dtype) -> float:
    """Best of three products of a transformer's usual shape, in seconds."""
    left, right = torch.ones(2048, 384, dtype=dtype), torch.ones(384, 1536, dtype=dtype)
    best = float("inf")
    for _ in range(4):  # the first makes the kernel
        start = time.perf_counter()
        left @ right
        best = min(best, time.perf_counter() - start)
    return best


@contextlib.contextmanager
def autocast(device: torch.device, precision: Precision) -> Iterator[None]:
    """Matrix products in `precision`; weights, their gradients and the optimiser stay in fp32."""
    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
        yield


def keep_freed_memory() -> None:
    """Let glibc keep large blocks for the next step instead of giving them back and faulting them in again.

    See mallopt(3). Other C libraries are left alone.
    """
    if not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
        mallopt(_M_TOP_PAD, 64 << 20)


def give_freed_memory_back() -> None:
    """Let glibc return what training has freed to the system; see malloc_trim(3)."""
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


def device() -> torch.device:
    """The GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def tokens_at_once(where: torch.device) -> int:
    """How many tokens one forward and backward pass should hold; a larger batch is summed over several."""
    return TOKENS_AT_ONCE if where.type == "cpu" else 16 * TOKENS_AT_ONCE
