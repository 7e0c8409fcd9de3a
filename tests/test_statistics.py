"""Intervals have their published values and their level; metrics equal those of scikit-learn."""

from __future__ import annotations

import math
import warnings

import numpy as np
import numpy.typing as npt
import pytest
import sklearn.metrics as oracle
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lextune import statistics


def pairs(a: int, b: int, c: int, d: int) -> tuple[statistics.Bools, statistics.Bools]:
    """Rows on which both are right, only the first, only the second, neither."""
    first = np.repeat([True, True, False, False], [a, b, c, d])
    second = np.repeat([True, False, True, False], [a, b, c, d])
    return first, second


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # Newcombe 1998, Statistics in Medicine 17, 857-872, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_has_the_published_values(successes: int, n: int, low: float, high: float) -> None:
    found = statistics.wilson(successes, n)
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)
    assert found.level == 0.95


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        # Newcombe 1998, Statistics in Medicine 17, 873-890, table II, method 10
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((6, 7, 2, 7), 0.0582, 0.8062),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((10, 10, 0, 20), 0.6791, 1.0000),
        ((10, 10, 0, 10), 0.6075, 1.0000),
    ],
)
def test_the_independent_difference_has_the_published_values(
    counts: tuple[int, int, int, int], low: float, high: float
) -> None:
    found = statistics.independent_difference(*counts)
    assert found is not None
    assert (round(found[1].low, 4), round(found[1].high, 4)) == (low, high)


@pytest.mark.parametrize(
    ("table", "low", "high"),
    [
        # Airway hyper-responsiveness before and after stem cell transplantation, in Fagerland, Lydersen
        # and Laake 2014 (Statistics in Medicine 33, 2850-2875), Newcombe's square-and-add interval
        ((1, 1, 7, 12), -0.507, -0.026),
    ],
)
def test_the_paired_difference_has_the_published_values(
    table: tuple[int, int, int, int], low: float, high: float
) -> None:
    found = statistics.paired_difference(*pairs(*table))
    assert found is not None
    assert (round(found[1].low, 3), round(found[1].high, 3)) == (low, high)


TABLE = st.tuples(*[st.integers(0, 40)] * 4).filter(lambda table: sum(table) > 0)


@settings(max_examples=200, deadline=None)
@given(TABLE)
def test_a_paired_difference_lies_in_its_interval_and_turns_with_the_sides(
    table: tuple[int, int, int, int],
) -> None:
    a, b, c, d = table
    found, turned = (statistics.paired_difference(*pairs(*t)) for t in ((a, b, c, d), (a, c, b, d)))
    assert found is not None
    assert turned is not None
    difference, interval = found
    assert difference == pytest.approx((b - c) / sum(table))
    assert -1 - 1e-9 <= interval.low <= difference + 1e-9
    assert difference - 1e-9 <= interval.high <= 1 + 1e-9
    assert turned[0] == pytest.approx(-difference)
    assert turned[1].low == pytest.approx(-interval.high, abs=1e-9)


def test_two_models_that_never_differ_are_not_said_to_differ() -> None:
    found = statistics.paired_difference(*pairs(50, 0, 0, 50))
    assert found is not None
    assert found[0] == 0
    assert found[1].low <= 0 <= found[1].high


def test_no_rows_have_no_interval() -> None:
    nothing = np.zeros(0, bool)
    assert statistics.wilson(0, 0) is None
    assert statistics.paired_difference(nothing, nothing) is None
    assert statistics.independent_difference(0, 0, 1, 2) is None
    assert statistics.independent_difference(1, 2, 0, 0) is None
    assert statistics.bootstrap(lambda rows: 1.0, 0, samples=200, seed=0) is None


@pytest.mark.parametrize(("p", "n"), [(0.5, 50), (0.9, 200), (0.98, 100)])
def test_wilson_covers_at_its_level_exactly_summed(p: float, n: int) -> None:
    covered = 0.0
    for k in range(n + 1):
        interval = statistics.wilson(k, n)
        assert interval is not None
        if interval.low <= p <= interval.high:
            covered += float(stats.binom.pmf(k, n, p))
    assert 0.92 <= covered <= 0.99


@pytest.mark.parametrize(
    ("both", "first", "second", "n"),
    [(0.7, 0.1, 0.05, 200), (0.85, 0.02, 0.02, 150), (0.4, 0.3, 0.1, 60), (0.1, 0.4, 0.45, 80)],
)
def test_the_paired_interval_covers_at_its_level(
    both: float, first: float, second: float, n: int
) -> None:
    rng = np.random.default_rng(7)
    draws = rng.multinomial(n, [both, first, second, 1 - both - first - second], size=1500)
    hits = 0
    for table in draws:
        found = statistics.paired_difference(*pairs(*(int(count) for count in table)))
        assert found is not None
        hits += found[1].low <= first - second <= found[1].high
    assert 0.93 <= hits / len(draws) <= 0.985


def test_the_independent_interval_covers_at_its_level() -> None:
    rng = np.random.default_rng(8)
    hits = 0
    for one, two in zip(rng.binomial(60, 0.8, 1500), rng.binomial(90, 0.7, 1500), strict=True):
        found = statistics.independent_difference(int(one), 60, int(two), 90)
        assert found is not None
        hits += found[1].low <= 0.1 <= found[1].high
    assert 0.93 <= hits / 1500 <= 0.975


def test_the_bootstrap_covers_at_its_level() -> None:
    rng = np.random.default_rng(9)
    hits = 0
    for seed in range(150):
        values = rng.normal(0.0, 1.0, 80)
        found = statistics.bootstrap(
            lambda rows, v=values: float(v[rows].mean()), 80, samples=300, seed=seed
        )
        assert found is not None
        hits += found.low <= 0 <= found.high
    assert 0.88 <= hits / 150 <= 0.99


def test_the_bootstrap_is_the_same_for_the_same_seed_and_names_itself() -> None:
    values = np.random.default_rng(1).normal(size=40)

    def mean(rows: statistics.Ints) -> float:
        return float(values[rows].mean())

    one, two, three = (statistics.bootstrap(mean, 40, samples=200, seed=seed) for seed in (5, 5, 6))
    assert one == two != three
    assert one is not None
    assert one.method == "percentile bootstrap (200, seed 5)"


@pytest.mark.parametrize(("undefined", "known"), [(1, True), (2, True), (3, False), (200, False)])
def test_a_bootstrap_with_undefined_resamples_gives_no_interval(
    undefined: int, known: bool
) -> None:
    calls = iter(range(200))
    found = statistics.bootstrap(
        lambda rows: math.nan if next(calls) < undefined else float(rows[0]),
        10,
        samples=200,
        seed=0,
    )
    assert (found is not None) is known


@pytest.mark.parametrize("classes", range(3, 9))
def test_macro_f1_does_not_fall_when_the_model_knows_more_classes(classes: int) -> None:
    counts = statistics.confusion(np.array([2, 1, 0, 0]), np.array([2, 1, 0, 1]), classes)
    assert round(statistics.macro_f1(counts), 3) == 0.778


def test_a_class_in_only_one_of_labels_and_predictions_counts_nothing() -> None:
    counts = statistics.confusion(np.array([0, 0, 1]), np.array([0, 0, 2]), 4)
    assert statistics.macro_f1(counts) == pytest.approx(1 / 3)
    assert math.isnan(statistics.macro_f1(np.zeros((3, 3), np.int64)))


def test_a_confusion_matrix_has_the_truth_in_its_rows() -> None:
    found = statistics.confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), 3)
    assert found.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]


def test_the_last_bin_of_the_calibration_error_is_closed() -> None:
    found = statistics.expected_calibration_error(
        np.array([0.95, 1.0]), np.array([True, False]), bins=10
    )
    assert found == pytest.approx(0.475)


def test_the_calibration_error_is_the_weighted_gap_of_the_bins() -> None:
    confidence = np.array([0.55, 0.58, 0.92, 0.94, 0.96])
    right = np.array([True, False, True, True, False])
    expected = (abs(1.13 - 1) + abs(2.82 - 2)) / 5
    found = statistics.expected_calibration_error(confidence, right, bins=10)
    assert found == pytest.approx(expected)
    assert math.isnan(statistics.expected_calibration_error(np.zeros(0), np.zeros(0, bool)))
    assert statistics.expected_calibration_error(np.ones(3), np.ones(3, bool)) == 0


@st.composite
def predictions(draw: st.DrawFn) -> tuple[statistics.Ints, statistics.Floats]:
    """Labels in which every class occurs, and scores with ties."""
    classes, n = draw(st.integers(2, 5)), draw(st.integers(5, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = np.concatenate([np.arange(classes), rng.integers(0, classes, n)])
    raw = rng.integers(1, draw(st.integers(2, 30)), (len(labels), classes)).astype(float)
    return labels, raw / raw.sum(axis=1, keepdims=True)


@settings(max_examples=60, deadline=None)
@given(predictions())
def test_metrics_equal_those_of_scikit_learn(
    drawn: tuple[statistics.Ints, statistics.Floats],
) -> None:
    labels, scores = drawn
    classes = scores.shape[1]
    counts = statistics.confusion(labels, scores.argmax(axis=1), classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        f1 = oracle.f1_score(labels, scores.argmax(axis=1), average="macro", zero_division=0)
    assert statistics.macro_f1(counts) == pytest.approx(f1)
    assert (
        counts.tolist()
        == oracle.confusion_matrix(
            labels, scores.argmax(axis=1), labels=list(range(classes))
        ).tolist()
    )
    loss = oracle.log_loss(labels, scores, labels=list(range(classes)))
    assert statistics.log_loss(labels, scores) == pytest.approx(loss)
    shown = scores[:, 1] if classes == 2 else scores
    auc = oracle.roc_auc_score(labels, shown, multi_class="ovr")
    assert statistics.roc_auc(labels, scores) == pytest.approx(auc)


def test_auc_of_one_class_is_undefined_and_of_three_it_leaves_out_the_unseen() -> None:
    scores = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1]])
    assert math.isnan(statistics.roc_auc(np.array([0, 0]), scores[:, :2]))
    assert math.isnan(statistics.roc_auc(np.zeros(0, np.int64), np.zeros((0, 2))))
    assert statistics.roc_auc(np.array([0, 1]), scores) == 1.0
    assert statistics.roc_auc(np.array([0, 1]), np.full((2, 2), 0.5)) == 0.5


def test_a_certain_and_wrong_score_costs_much_but_not_infinitely() -> None:
    found = statistics.log_loss(np.array([1]), np.array([[1.0, 0.0]]))
    assert 80 < found < 100
    assert math.isnan(statistics.log_loss(np.zeros(0, np.int64), np.zeros((0, 2))))


def test_a_bootstrap_that_does_not_vary_gives_no_interval() -> None:
    """All rows alike would look like certainty, whatever their number."""
    assert statistics.bootstrap(lambda rows: 1.0, 200, samples=200, seed=0) is None
    assert statistics.bootstrap(lambda rows: float(rows[0]), 1, samples=200, seed=0) is None


def _cells(shares: list[float], right: list[float]) -> npt.NDArray[np.float64]:
    """Probabilities of (true, predicted): errors fall on the other classes alike."""
    size = len(shares)
    cells = np.array(
        [[share * (1 - hit) / (size - 1)] * size for share, hit in zip(shares, right, strict=True)]
    )
    np.fill_diagonal(cells, np.multiply(shares, right))
    return cells


@pytest.mark.parametrize(
    ("shares", "right", "n"),
    [
        ([0.5, 0.5], [0.995, 0.995], 200),  # a plain bootstrap covers this one 64 times in 100
        ([0.5, 0.5], [0.97, 0.97], 50),
        ([0.5, 0.5], [0.7, 0.7], 100),
        ([0.98, 0.02], [0.995, 0.9], 200),
        ([0.4, 0.3, 0.2, 0.05, 0.05], [0.9, 0.8, 0.7, 0.8, 0.6], 300),
        ([0.1] * 10, [0.98] * 10, 300),
    ],
)
def test_the_interval_of_macro_f1_covers_at_its_level(
    shares: list[float], right: list[float], n: int
) -> None:
    rng = np.random.default_rng(3)
    cells = _cells(shares, right)
    truth = statistics.macro_f1((cells * 1e9).astype(np.int64))
    hits = 0
    for seed in range(300):
        counts = rng.multinomial(n, cells.ravel()).reshape(cells.shape)
        found = statistics.macro_f1_interval(counts, samples=200, seed=seed)
        assert found is not None
        assert found.low <= statistics.macro_f1(counts) <= found.high
        hits += found.low <= truth <= found.high
    assert hits / 300 >= 0.91


@given(st.lists(st.integers(0, 40), min_size=9, max_size=9))
def test_the_interval_of_macro_f1_holds_its_value_and_never_collapses(cells: list[int]) -> None:
    counts = np.array(cells).reshape(3, 3)
    found = statistics.macro_f1_interval(counts, samples=50, seed=0)
    if not counts.any():
        assert found is None
        return
    assert found is not None
    assert -1e-12 <= found.low < found.high <= 1 + 1e-12
    assert found.low <= statistics.macro_f1(counts) <= found.high


@pytest.mark.parametrize(
    ("shift", "positive", "negative"),
    [(4, 100, 100), (3, 20, 20), (1, 20, 20), (1, 5, 200), (2, 5, 5), (-1, 20, 20), (0, 50, 50)],
)
def test_the_interval_of_the_auc_covers_at_its_level(
    shift: float, positive: int, negative: int
) -> None:
    rng = np.random.default_rng(4)
    truth = float(stats.norm.cdf(shift / math.sqrt(2)))
    labels = np.repeat([1, 0], [positive, negative])
    hits = 0
    for _ in range(400):
        one = np.concatenate([rng.normal(shift, 1, positive), rng.normal(0, 1, negative)])
        scores = np.stack([-one, one], axis=1)
        found = statistics.roc_auc_interval(labels, scores)
        assert found is not None
        assert found.low <= statistics.roc_auc(labels, scores) <= found.high
        hits += found.low <= truth <= found.high
    assert hits / 400 >= 0.92


def test_a_perfect_auc_of_few_rows_is_not_certain() -> None:
    scores = np.array([[0.9, 0.1], [0.1, 0.9]] * 5)
    found = statistics.roc_auc_interval(np.array([0, 1] * 5), scores)
    assert found is not None
    assert found.high == 1
    assert found.low < 0.8
    wrong = statistics.roc_auc_interval(np.array([1, 0] * 5), scores)
    assert wrong is not None
    assert (wrong.low, wrong.high) == pytest.approx((0, 1 - found.low), abs=1e-6)


@pytest.mark.parametrize("gap", [0.0, 0.03, 0.1])
@pytest.mark.parametrize("n", [60, 200, 630])
def test_the_interval_of_the_calibration_error_covers_at_its_level(gap: float, n: int) -> None:
    """Of a calibrated model (gap 0) it must hold 0: a bootstrap never does."""
    rng = np.random.default_rng(5)
    many = 0.5 + 0.5 * rng.beta(4, 1, 200_000)
    index = np.minimum((many * 15).astype(int), 14)
    truth = float(np.abs(np.bincount(index, weights=many - (many - gap))).sum() / len(many))
    hits = 0
    for seed in range(200):
        confidence = 0.5 + 0.5 * rng.beta(4, 1, n)
        right = rng.random(n) < confidence - gap
        found = statistics.calibration_error_interval(confidence, right, samples=200, seed=seed)
        assert found is not None
        hits += found.low <= truth + 1e-12 and truth <= found.high
    assert hits / 200 >= 0.92
