from __future__ import annotations

from typing import get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import get_scheduler

from lextune.config import TrainConfig
from lextune.training.schedules import factor

KINDS = get_args(TrainConfig.model_fields["lr_scheduler_type"].annotation)


@given(st.sampled_from(KINDS), st.integers(1, 60), st.floats(0, 1))
def test_every_kind_that_a_config_may_name_is_as_transformers_has_it(
    kind: str, total: int, share: float
) -> None:
    warmup = round(share * total)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = get_scheduler(kind, optimizer, warmup, total).lr_lambdas[0]
    for step in range(total + 1):
        ours = factor(kind, step, warmup_steps=warmup, total_steps=total)
        assert ours == pytest.approx(float(theirs(step)), abs=1e-12)


def test_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="polynomial"):
        factor("polynomial", 3, warmup_steps=0, total_steps=5)
