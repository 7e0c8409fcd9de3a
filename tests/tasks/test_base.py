from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lextune.tasks.base import Encoded


def encoded(lengths: list[int]) -> Encoded:
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Encoded(np.ones(offsets[-1], np.int32), offsets, 0, 0)


@given(
    st.lists(st.integers(0, 90), max_size=40),
    st.integers(1, 400),
    st.randoms(use_true_random=False),
)
def test_a_batch_is_cut_into_parts_of_about_equally_many_tokens(lengths, tokens, random) -> None:
    rows = encoded(lengths)
    asked = np.array(random.sample(range(len(lengths)), len(lengths)), np.int64)
    parts = rows.cut(asked, tokens)
    assert all(len(part) for part in parts)
    assert sorted(row for part in parts for row in part) == sorted(asked)
    together = [row for part in parts for row in part]
    assert list(rows.lengths[together]) == sorted(lengths, reverse=True)
    for part in parts:
        held = rows.lengths[part]
        assert len(part) == 1 or held.sum() <= tokens + held.max()
    assert len(parts) <= max(bool(lengths), -(-sum(lengths) // tokens))


@given(st.lists(st.integers(1, 90), max_size=40), st.integers(1, 9))
def test_prediction_takes_every_row_once_in_batches_of_like_length(lengths, batch_size) -> None:
    rows = encoded(lengths)
    batches = rows.in_order(batch_size)
    together = [row for batch in batches for row in batch]
    assert sorted(together) == list(range(len(lengths)))
    assert all(0 < len(batch) <= batch_size for batch in batches)
    assert list(rows.lengths[together]) == sorted(lengths, reverse=True)
