"""Mislabelled rows and rows apart are found where they were planted; clean rows are hardly ever named."""

from __future__ import annotations

import numpy as np
import pytest

from lextune import statistics
from lextune.audits.numbers.shifts import exact_share
from lextune.audits.numbers.suspicion import (
    FOLDS,
    Axis,
    Floats,
    Ints,
    bars,
    counted,
    fitted,
    folds_of,
    out_of_fold,
    spectral_outliers,
    suspicious,
    two_clusters,
)


def clouds(seed: int, rows: int = 200, apart: float = 3.0) -> tuple[Floats, Ints]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, rows)
    features = rng.normal(size=(rows, 8))
    features[:, 0] += apart * labels
    return features, labels


def test_confident_learning_by_hand() -> None:
    """Means of own classes: 0.55 and 0.825. Row 1 reaches the bar of class 1, which it is not; row 2 only its own."""
    scores = np.array([[0.9, 0.1], [0.15, 0.85], [0.6, 0.4], [0.25, 0.75], [0.1, 0.9], [0.5, 0.5]])
    labels = np.array([0, 0, 0, 1, 1])
    bar = bars(scores[:5], labels)
    assert bar == pytest.approx([0.55, 0.825])
    assert counted(scores, bar).tolist() == [0, 1, 0, -1, 1, -1]
    assert bars(scores[:3], labels[:3])[1] == np.inf


def test_folds_are_as_large_as_can_be_and_take_of_every_class() -> None:
    labels = np.array([0] * 50 + [1] * 10)
    fold = folds_of(labels, 2, 0)
    assert np.bincount(fold[labels == 0]).tolist() == [10] * 5
    assert np.bincount(fold[labels == 1]).tolist() == [2] * 5


def disagreements_apart(seed: int, noise: float, train: int = 200, test: int = 200) -> float:
    """Lower limit of label disagreement in train minus that in test, where so many training labels were turned."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(train + test, 4))
    labels = (rng.random(len(features)) < 1 / (1 + np.exp(-4 * features[:, 0]))).astype(np.int64)
    taught = np.arange(len(features)) < train
    labels = np.where(taught & (rng.random(len(features)) < noise), 1 - labels, labels)
    fold = np.concatenate([folds_of(labels[taught], 2, seed), folds_of(labels[~taught], 2, seed)])
    wrong = out_of_fold(features, labels, 2, fold, taught).argmax(axis=1) != labels
    found = statistics.independent_difference(
        int(wrong[taught].sum()), train, int(wrong[~taught].sum()), test
    )
    assert found is not None
    return found[1].low


def test_labels_of_train_are_called_worse_than_those_of_test_only_where_they_are() -> None:
    """Rows of both parts told by the same rules: one-sided false alarms within 2.5 % of trials, and noise found."""
    alarms = sum(disagreements_apart(seed, 0.0) > 0 for seed in range(120))
    assert alarms <= 6  # 2.5 % of 120 trials are 3; more than 6 has a chance of 3 %
    assert sum(disagreements_apart(seed, 0.3) > 0 for seed in range(20)) >= 18


def test_rows_that_teach_nothing_change_no_rule() -> None:
    features, labels = clouds(3)
    taught = np.arange(200) < 150
    fold = folds_of(labels, 2, 0)
    found = out_of_fold(features, labels, 2, fold, taught)
    np.testing.assert_allclose(
        found[:150], out_of_fold(features[:150], labels[:150], 2, fold[:150]), atol=1e-12
    )
    turned = np.where(taught, labels, 1 - labels)
    np.testing.assert_array_equal(found, out_of_fold(features, turned, 2, fold, taught))


def test_no_row_is_scored_by_a_probe_that_saw_it() -> None:
    """Labels that are pure chance cannot be guessed, however many features there are."""
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(120, 60)), rng.integers(0, 2, 120)
    scores = out_of_fold(features, labels, 3, folds_of(labels, 3, 0))
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(scores.sum(axis=1), 1)
    assert (scores[:, 2] == 0).all()
    assert 0.3 < (scores.argmax(axis=1) == labels).mean() < 0.7


def test_turned_labels_are_found_and_few_others() -> None:
    features, labels = clouds(1, 400, 5.0)
    turned = np.random.default_rng(2).permutation(400)[:40]
    wrong = labels.copy()
    wrong[turned] = 1 - wrong[turned]
    fold = folds_of(wrong, 2, 0)
    found = suspicious(out_of_fold(features, wrong, 2, fold), wrong, fold)
    assert found[turned].mean() > 0.7
    assert np.delete(found, turned).mean() < 0.03


def test_the_shares_of_suspicious_and_of_right_rows_are_covered() -> None:
    """About what the five rules would tell of 1,500 new rows."""
    limits = [exact_share(count, 60) for count in range(61)]
    inside = []
    for seed in range(25):
        rng = np.random.default_rng(seed)
        labels = rng.integers(0, 2, 1560)
        features = rng.normal(size=(1560, 8)) + 3.0 * labels[:, None] * np.eye(8)[0]
        labels = np.where(rng.random(1560) < 0.1, 1 - labels, labels)
        x, y, new = features[:60], labels[:60], labels[60:]
        fold = folds_of(y, 2, seed)
        scores, shares, rights = np.zeros((60, 2)), [], []
        probes = [fitted(x[fold != k], y[fold != k], features, 2) for k in range(FOLDS)]
        for k, probe in enumerate(probes):
            scores[fold == k] = probe[:60][fold == k]
        for k, probe in enumerate(probes):
            told = counted(probe[60:], bars(scores[fold != k], y[fold != k]))
            shares.append(float(((told >= 0) & (told != new)).mean()))
            rights.append(float((probe[60:].argmax(axis=1) == new).mean()))
        for count, truth in (
            (int(suspicious(scores, y, fold).sum()), np.mean(shares)),
            (int((scores.argmax(axis=1) == y).sum()), np.mean(rights)),
        ):
            one = limits[count]
            assert one is not None
            inside.append(one[1].low <= truth <= one[1].high)
    assert np.mean(inside) >= 0.93


def test_a_class_alone_is_certain() -> None:
    assert fitted(np.zeros((3, 2)), np.ones(3, np.int64), np.zeros((2, 2)), 2).tolist() == [
        [0, 1], [0, 1],
    ]  # fmt: skip


@pytest.mark.parametrize("n", [30, 100])
@pytest.mark.parametrize("shape", ["normal", "heavy", "planted"])
def test_the_share_of_outliers_is_covered(shape: str, n: int) -> None:
    rng = np.random.default_rng(n)
    limits = [exact_share(count, n) for count in range(n + 1)]
    inside = []
    for seed in range(120):
        rows = (
            rng.standard_t(3, (n + 3000, 8)) if shape == "heavy" else rng.normal(size=(n + 3000, 8))
        )
        if shape == "planted":
            rows[:, 0] += np.where(rng.random(len(rows)) < 0.1, 8, 0)
        mine, new = rows[:n], rows[n:]
        fold = folds_of(np.zeros(n, np.int64), 1, seed)
        far = 1 - 0.01 / (2 * n)
        truth = np.mean([Axis.of(mine[fold != k]).far(new, far).mean() for k in range(FOLDS)])
        one = limits[int(spectral_outliers(mine, fold).sum())]
        assert one is not None
        inside.append(one[1].low <= truth <= one[1].high)
    assert np.mean(inside) >= 0.93


def test_planted_rows_lie_far_out_and_clean_ones_hardly_ever() -> None:
    rng = np.random.default_rng(0)
    fold = folds_of(np.zeros(100, np.int64), 1, 0)
    clean = [spectral_outliers(rng.normal(size=(100, 6)), fold).any() for _ in range(200)]
    assert np.mean(clean) <= 0.06
    planted = rng.normal(size=(100, 6))
    planted[:8, 2] += 12
    assert set(range(8)) <= set(np.flatnonzero(spectral_outliers(planted, fold)).tolist())


def test_two_clusters_are_told_apart_from_one() -> None:
    rng = np.random.default_rng(0)
    one = rng.normal(size=(100, 12))
    two = one.copy()
    two[:15] += 6
    smaller, apart = two_clusters(two, 0)
    assert np.flatnonzero(smaller).tolist() == list(range(15))
    assert apart > 0.4
    assert two_clusters(one, 0)[1] < 0.2


def test_equal_states_are_no_figure() -> None:
    fold = np.arange(30) % FOLDS
    for function in (
        lambda rows: spectral_outliers(rows, fold),
        lambda rows: two_clusters(rows, 0),
    ):
        with pytest.raises(ValueError, match="vary"):
            function(np.ones((30, 4)))
