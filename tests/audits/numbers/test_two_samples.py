"""A classifier cannot tell equal rows apart, tells others, and its interval holds 0.5 where nothing is to be told."""

from __future__ import annotations

import numpy as np

from lextune.audits.numbers.two_samples import halves, told_apart, words


def test_half_of_each_side_teaches() -> None:
    teach = halves(10, 7, 0)
    assert (teach[:10].sum(), teach[10:].sum()) == (5, 3)
    np.testing.assert_array_equal(teach, halves(10, 7, 0))
    assert not np.array_equal(halves(100, 100, 0), halves(100, 100, 1))


def test_under_the_null_the_interval_holds_one_half() -> None:
    rng, held = np.random.default_rng(5), 0
    for seed in range(100):
        features = rng.normal(size=(80, 5)).astype(np.float32)
        _, interval = told_apart(features, 40, halves(40, 40, seed))
        assert interval is not None
        held += interval.low <= 0.5 <= interval.high
    assert held >= 93


def test_a_shift_is_found_by_numbers_and_by_words() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(400, 5)) + (np.arange(400) >= 200)[:, None]
    area, interval = told_apart(features, 200, halves(200, 200, 0))
    assert interval is not None
    assert interval.low > 0.8
    assert area > 0.9
    texts, teach = ["好看的电影"] * 30 + ["dull film"] * 30, halves(30, 30, 0)
    assert told_apart(words(texts, teach), 30, teach)[0] == 1.0
