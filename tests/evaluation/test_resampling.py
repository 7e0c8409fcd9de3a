"""Intervals over images hold their figure, do not collapse, and cover the truth as often as they say."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lextune import statistics
from lextune.evaluation.kinds import Resampling
from lextune.evaluation.resampling import BINS, calibration, difference, draws, interval, tails

DRAWS = Resampling(400, 1)


def test_a_draw_has_as_many_images_as_there_are() -> None:
    found = draws(7, DRAWS)
    assert found.shape == (400, 7)
    assert set(found.sum(axis=1).tolist()) == {7}
    assert draws(0, DRAWS).shape == (400, 0)


def test_limits_of_a_share_are_wilsons() -> None:
    for successes, n in ((0, 5), (3, 10), (50, 50), (1, 1)):
        wilson = statistics.wilson(successes, n)
        assert wilson is not None
        assert statistics.share_limits(successes / n, n) == pytest.approx(
            (wilson.low, wilson.high), abs=1e-12
        )


def test_draws_that_do_not_vary_give_wilsons_limits() -> None:
    found = interval(1.0, np.ones(400), 30, 30, DRAWS, widen=False)
    assert found is not None
    assert (found.low, found.high) == pytest.approx(statistics.share_limits(1.0, 30))
    varied = interval(0.5, np.linspace(0.4, 0.6, 400), 10**6, 10**6, DRAWS, widen=False)
    assert varied is not None
    assert varied.low == pytest.approx(0.405)
    assert varied.high == pytest.approx(0.595)


def test_few_images_have_wider_tails() -> None:
    found = [tails(images) for images in (1, 2, 20, 40, 10**6)]
    assert found[0] == (0.0, 1.0)
    assert found[-1] == pytest.approx((0.025, 0.975), abs=1e-5)
    assert found == sorted(found, key=lambda one: one[0])
    assert 0.015 < found[2][0] < 0.017


def test_what_is_undefined_has_no_interval() -> None:
    assert interval(math.nan, np.full(400, np.nan), 10, 10, DRAWS, widen=True) is None
    assert interval(0.5, np.full(400, 0.5), 0, 0, DRAWS, widen=True) is None
    half = np.where(np.arange(400) < 200, np.nan, 0.3)
    value, found = difference((0.5, half, None), (0.2, np.zeros(400), None), 9, DRAWS)
    assert value == pytest.approx(0.3)
    assert found is None


def test_nothing_found_has_no_calibration_error() -> None:
    value, found = calibration(np.zeros((3, BINS, 3)), DRAWS)
    assert math.isnan(value)
    assert found is None


def test_the_interval_of_a_calibrated_model_holds_0() -> None:
    """Gaps are absolute, so that a bootstrap of the error itself would lie above the truth."""
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(60):
        bins = np.zeros((40, BINS, 3))
        for image in range(40):
            sure = rng.uniform(0, 1, 200)
            place = statistics.confidence_bins(sure, BINS)
            for column, one in enumerate((np.ones(200), sure, rng.random(200) < sure)):
                np.add.at(bins[image, :, column], place, one)
        _, found = calibration(bins, DRAWS)
        assert found is not None
        held += found.low == 0
    assert held >= 57


@pytest.mark.slow
def test_intervals_of_average_precision_cover_what_more_images_would_say() -> None:
    """Images of one made-up world: 95 % intervals of 40 of them hold the figure of 3,000 at least nine times in ten."""
    from lextune.evaluation.boxes import ScoredBoxes, mean_average_precision_50
    from lextune.labels import Box
    from lextune.tasks.vision.found import ScoredBox

    def world(images: int, seed: int) -> ScoredBoxes:
        rng = np.random.default_rng(seed)
        labels, found = [], []
        for _ in range(images):
            hard = rng.uniform(0.2, 1.0)  # the objects of an image are not independent
            boxes, given = [], []
            for place in range(rng.integers(1, 8)):
                corner = 20.0 * place
                kind = "ab"[int(rng.random() < 0.2)]
                boxes.append(Box(corner, 0, corner + 10, 10, kind))
                if rng.random() < hard:
                    given.append(ScoredBox(corner, 0, corner + 10, 10, kind, rng.beta(5, 2)))
                if rng.random() < 0.5:
                    given.append(ScoredBox(corner, 50, corner + 10, 60, kind, rng.beta(2, 4)))
            labels.append(tuple(boxes))
            found.append(tuple(given))
        return ScoredBoxes(tuple(map(str, range(images))), labels, found, ("a", "b"), {})

    [truth] = mean_average_precision_50(world(3000, 10**6), Resampling(10, 0))
    held = 0
    for seed in range(100):
        [one] = mean_average_precision_50(world(40, seed), Resampling(300, seed))
        assert one.interval is not None
        assert truth.value is not None
        held += one.interval.low <= truth.value <= one.interval.high
    assert held >= 90
