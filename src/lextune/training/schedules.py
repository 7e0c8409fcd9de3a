"""The learning rate over the steps, as transformers' schedules of the same names have it; it knows no optimiser.

`transformers.get_scheduler` gives the same numbers, but loading it loads peft, datasets and accelerate where they
are installed, which takes seconds before the first step.
"""

from __future__ import annotations

import math


def factor(kind: str, step: int, *, warmup_steps: int, total_steps: int) -> float:
    """What the learning rate is multiplied by at a step: up from 0 over the warm-up, then as `kind` says.

    Args:
        kind: `linear` down to 0, `cosine` down to 0 by half a wave (Loshchilov and Hutter 2017,
            arXiv:1608.03983, without restarts), or `constant_with_warmup`.
        step: From 0.
        warmup_steps: Steps of the way up.
        total_steps: Of the training, the warm-up among them.

    Raises:
        ValueError: There is no such kind.
    """
    if step < warmup_steps:
        return step / warmup_steps
    way = max(1, total_steps - warmup_steps)
    if kind == "constant_with_warmup":
        return 1.0
    if kind == "linear":
        return max(0.0, (total_steps - step) / way)
    if kind == "cosine":
        return 0.5 * (1.0 + math.cos(math.pi * min(1.0, (step - warmup_steps) / way)))
    raise ValueError(kind)
