from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lextune.tasks.base import Encoded
from lextune.tasks.text.packing import TextBatch

LENGTHS = st.lists(st.integers(1, 90), min_size=1, max_size=12)


def encoded(lengths: list[int], limit: int | None = None) -> Encoded:
    """Rows of distinct tokens, none of which is the padding id 0."""
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Encoded(np.arange(1, offsets[-1] + 1, dtype=np.int32), offsets, 0, 0, limit)


@given(LENGTHS, st.randoms(use_true_random=False), st.sampled_from([1, 8, 16]))
def test_every_row_stands_in_the_line_once_and_whole(lengths, random, multiple) -> None:
    rows = encoded(lengths)
    asked = np.array(random.sample(range(len(lengths)), random.randint(1, len(lengths))))
    packed = TextBatch(rows, asked).packed(multiple)
    ids, first, held = packed.ids.numpy(), packed.first.numpy(), packed.lengths.numpy()
    for row, place in zip(asked, packed.back.numpy(), strict=True):
        mine = slice(first[place], first[place] + held[place])
        np.testing.assert_array_equal(
            ids[mine], rows.ids[rows.offsets[row] : rows.offsets[row + 1]]
        )
        np.testing.assert_array_equal(packed.positions.numpy()[mine], np.arange(held[place]))
    assert (ids != 0).sum() == sum(lengths[row] for row in asked)


@given(LENGTHS, st.sampled_from([1, 8, 16]))
def test_groups_tell_where_rows_are_filled_up(lengths, multiple) -> None:
    packed = TextBatch(encoded(lengths), np.arange(len(lengths))).packed(multiple)
    at = row = 0
    for group in packed.groups:
        assert group.width % multiple == 0
        mine = packed.lengths[row : row + group.rows].tolist()
        assert min(mine) == group.shortest
        filling = np.zeros((group.rows, group.width), bool)
        if group.filling is not None:
            filling = group.filling.numpy()
        assert (~filling).sum(1).tolist() == mine
        assert packed.first[row : row + group.rows].tolist() == [
            at + number * group.width for number in range(group.rows)
        ]
        at += group.rows * group.width
        row += group.rows
    assert row == len(lengths)
    assert at <= len(packed.ids) <= at * 17 / 16 + multiple


def test_nothing_is_filled_up_with_a_multiple_of_one() -> None:
    packed = TextBatch(encoded([5, 90, 31]), np.arange(3)).packed(1)
    assert len(packed.ids) == 126
    assert all(group.filling is None for group in packed.groups)


@pytest.mark.parametrize("limit", [33, 40])
def test_no_row_is_filled_up_beyond_the_models_positions(limit: int) -> None:
    packed = TextBatch(encoded([33, 3], limit), np.arange(2)).packed()
    assert [group.width for group in packed.groups] == [limit, 16]


def test_lines_have_few_lengths() -> None:
    rng = np.random.default_rng(0)
    lines = {
        len(TextBatch(encoded(list(rng.integers(100, 300, 32))), np.arange(32)).packed().ids)
        for _ in range(200)
    }
    assert len(lines) <= 12
