"""What is measured of tasks that recommend items: ranks among all unseen items, with intervals over users; it knows no bound.

The whole catalogue is ranked: sampled metrics order recommenders otherwise (Krichene and Rendle 2020,
https://doi.org/10.1145/3394486.3403226). An item is relevant if it is the next one.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lextune.evaluation import resampling as over_users
from lextune.evaluation.kinds import (
    Kind,
    Resampling,
    TrainingInputs,
    groups_of,
    kinds,
    rows_without_group,
)
from lextune.evaluation.metrics import measured, not_applicable, proportion
from lextune.evaluation.ranking import (
    LONGEST,
    TOPS,
    Asked,
    Floats,
    Ranked,
    ScoredItems,
    asked_of,
    ranked,
    reduce,
)
from lextune.evaluation.recommenders.counting import TooManyItemsError, baselines
from lextune.histories import HistoryInput
from lextune.records import Interval, Measurement
from lextune.registry import Registry
from lextune.statistics import LEVEL

metrics: Registry[Any] = Registry("metric of items", "lextune.evaluation")

#: Items of the lists that groups, baselines and packs are compared by.
HEADLINE = 10
#: What figures without the switch's personal features are called, and what is subtracted for its cost.
IMPERSONAL = "without_personal_features"
#: Users that are scored at a time, and draws times users that are in memory.
_BLOCK, _DRAWN = 256, 10_000_000


def hits(scored: ScoredItems, k: int) -> npt.NDArray[np.bool_]:
    """Whose next item is in the list of the first `k`, shape (users,)."""
    found: npt.NDArray[np.bool_] = (scored.ranks >= 0) & (scored.ranks < k)
    return found


def gains(scored: ScoredItems, k: int) -> Floats:
    """Normalised discounted gain of one relevant item: 1 / log2(rank + 1) of a rank from 1, 0 beyond `k`; (users,)."""
    return np.where(hits(scored, k), 1 / np.log2(np.maximum(scored.ranks, 0) + 2), 0.0)


def _drawn_means(values: Floats, resampling: Resampling) -> Floats:
    """Means over each draw of users of the columns of (users, figures), shape (samples, figures)."""
    users = len(values)
    rng = np.random.default_rng(resampling.seed)
    step = max(1, _DRAWN // max(users, 1))
    found = []
    for start in range(0, resampling.samples, step):
        size = min(step, resampling.samples - start)
        found.append(rng.multinomial(users, np.full(users, 1 / users), size=size) @ values / users)
    return np.concatenate(found)


def _share(values: Floats, resampling: Resampling) -> over_users.Figure:
    """The mean of numbers between 0 and 1: value, draws and interval."""
    users = len(values)
    if not users:
        return float("nan"), np.full(resampling.samples, np.nan), None
    value, drawn = float(values.mean()), _drawn_means(values[:, None], resampling)[:, 0]
    interval = over_users.interval(
        value, drawn, users, users, resampling, widen=False, units="users"
    )
    return value, drawn, interval


def _limits(value: float, drawn: Floats, users: int, resampling: Resampling) -> Interval | None:
    """The expanded percentile bootstrap of a figure that is no share; of figures that do not vary it is a point."""
    known = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or len(known) < 0.99 * len(drawn):
        return None
    low, high = np.quantile(known, over_users.tails(users)).tolist()
    return Interval(
        low=min(low, value), high=max(high, value), level=LEVEL,
        method=f"expanded percentile bootstrap of users ({resampling.samples}, seed {resampling.seed})",
    )  # fmt: skip


def hit_rate(scored: ScoredItems, resampling: Resampling, k: int) -> list[Measurement]:  # noqa: ARG001
    """Share of users whose next item is in the list; of one relevant item also its recall."""
    return [proportion(f"hit_rate_{k}", int(hits(scored, k).sum()), len(scored.ids))]


def ndcg(scored: ScoredItems, resampling: Resampling, k: int) -> list[Measurement]:
    """Mean normalised discounted cumulative gain (Järvelin and Kekäläinen 2002) of the next item."""
    value, _, interval = _share(gains(scored, k), resampling)
    return [measured(f"ndcg_{k}", value, interval, len(scored.ids))]


@metrics.register("mrr")
def mrr(scored: ScoredItems, resampling: Resampling) -> list[Measurement]:
    """Mean of 1 / rank of the next item among all items, 0 where it was not ranked."""
    ranks = scored.ranks
    value, _, interval = _share(np.where(ranks >= 0, 1 / (np.maximum(ranks, 0) + 1), 0.0), resampling)  # fmt: skip
    return [measured("mrr", value, interval, len(scored.ids))]


def coverage(scored: ScoredItems, resampling: Resampling, k: int) -> list[Measurement]:  # noqa: ARG001
    """Share of all items that are in at least one of these lists; n is items."""
    name, items = f"coverage_{k}", len(scored.classes)
    if not scored.ids:
        return [measured(name, float("nan"), None, 0)]
    shown = {int(item) for one in scored.found if one is not None for item in one.top[:k]}
    return [Measurement.exact(name, len(shown) / items, n=items, unit="proportion")]


_UNCOUNTED = "the model does not say how often each item was met in training"


def novelty(scored: ScoredItems, resampling: Resampling, k: int) -> list[Measurement]:
    """Mean of -log2 of the share of training events that a listed item has, with one event more for each item, in bits.

    Zhou et al. 2010, https://doi.org/10.1073/pnas.1000488107.
    """
    name = f"novelty_{k}"
    if scored.counts is None:
        return [not_applicable(name, _UNCOUNTED)]
    bits = -np.log2((scored.counts + 1) / (scored.counts.sum() + len(scored.counts)))
    lists = [one.top[:k] for one in scored.found if one is not None and len(one.top)]
    if not lists:
        return [measured(name, float("nan"), None, 0, unit="bits")]
    means = np.array([bits[one].mean() for one in lists])
    value, drawn = float(means.mean()), _drawn_means(means[:, None], resampling)[:, 0]
    return [
        measured(
            name, value, _limits(value, drawn, len(means), resampling), len(means), unit="bits"
        )
    ]


def popularity_lift(scored: ScoredItems, resampling: Resampling, k: int) -> list[Measurement]:
    """How much more popular what is listed is than what users took, by training events: (lists - histories) / histories.

    0 is calibrated, above 0 lists favour what is popular. Both are means over users of the mean over their items
    (Abdollahpouri et al. 2020, arXiv:2007.12230); users without a history are left out.
    """
    name = f"popularity_lift_{k}"
    if scored.counts is None:
        return [not_applicable(name, _UNCOUNTED)]
    pairs = [
        (scored.counts[one.top[:k]].mean(), scored.counts[asked.seen].mean())
        for one, asked in zip(scored.found, scored.labels, strict=True)
        if one is not None and len(one.top) and len(asked.seen)
    ]
    values = np.array(pairs, np.float64).reshape(-1, 2)
    if not len(values) or not values[:, 1].sum():
        return [not_applicable(name, "no user has a history")]
    listed, had = values.mean(axis=0)
    drawn = _drawn_means(values, resampling)
    value, draws = float(listed / had - 1), over_users.ratio(drawn[:, 0], drawn[:, 1]) - 1
    interval = _limits(value, draws, len(values), resampling)
    return [measured(name, value, interval, len(values), unit="ratio")]


for _k in TOPS:
    for _metric in (hit_rate, ndcg, coverage, novelty, popularity_lift):
        metrics.register(f"{_metric.__name__}_{_k}")(functools.partial(_metric, k=_k))


def by_group(scored: ScoredItems, resampling: Resampling) -> list[Measurement]:
    """NDCG and popularity lift of each group, and of what every log can tell apart.

    `history=none` are users of whom nothing is known; `target=new` those whose next item has no training event;
    `activity` thirds of users by events, `taste` thirds by how popular on average what they took is: `niche`,
    `diverse`, `mainstream` (Abdollahpouri et al. 2019, arXiv:1907.13286).
    """
    found = []
    for group, mask in (*groups_of(scored), *_known_groups(scored)):
        part = scored.keep(mask)
        if not part.ids:
            continue
        for one in (
            *ndcg(part, resampling, HEADLINE),
            *popularity_lift(part, resampling, HEADLINE),
        ):
            if one.n:
                found.append(one.model_copy(update={"group": group}))
    return found + rows_without_group(scored)


def _known_groups(scored: ScoredItems) -> list[tuple[str, npt.NDArray[np.bool_]]]:
    history = np.array([one.history for one in scored.labels], np.int64)
    found = [("history=none", history == 0), ("history=some", history > 0)]
    found += _thirds("activity", history.astype(float), history > 0, ("low", "middle", "high"))
    if scored.counts is None:
        return found
    targets = np.array([one.targets[0] if one.targets else -1 for one in scored.labels], np.int64)
    new = (targets < 0) | (scored.counts[np.maximum(targets, 0)] == 0)
    found += [("target=new", new), ("target=known", ~new)]
    having = np.array([len(one.seen) > 0 for one in scored.labels], bool)
    taste = np.array(
        [scored.counts[one.seen].mean() if len(one.seen) else 0.0 for one in scored.labels]
    )
    return found + _thirds("taste", taste, having, ("niche", "diverse", "mainstream"))


def _thirds(
    name: str, values: Floats, having: npt.NDArray[np.bool_], words: tuple[str, str, str]
) -> list[tuple[str, npt.NDArray[np.bool_]]]:
    if having.sum() < len(words):
        return []
    edges = np.quantile(values[having], (1 / 3, 2 / 3))
    third = np.searchsorted(edges, values, "left")
    return [(f"{name}={word}", having & (third == i)) for i, word in enumerate(words)]


def answer(
    baseline: Any, train: TrainingInputs, test: Sequence[HistoryInput], like: ScoredItems
) -> ScoredItems:
    """What a baseline that learnt from the training inputs, their labels among them, lists for the same users."""
    items = len(like.classes)
    made = functools.partial(ScoredItems, like.ids, like.labels, classes=like.classes, groups={}, counts=like.counts)  # fmt: skip
    try:
        score = baseline(_matrix(train.labels, items, targets=True))
    except TooManyItemsError as error:
        return made(found=[None] * len(test), problem=str(error))
    found: list[Ranked | None] = []
    for start in range(0, len(like.labels), _BLOCK):
        some = like.labels[start : start + _BLOCK]
        scores = score(_matrix(some, items, targets=False))
        found += [ranked(row, asked) for row, asked in zip(scores, some, strict=True)]
    return made(found=found)


def _matrix(asked: Sequence[Asked], items: int, *, targets: bool) -> Any:
    """Who took what before, and next where `targets`: sparse, of 1, shape (users, items)."""
    from scipy import sparse

    taken = [
        np.union1d(one.seen, [item for item in one.targets if item >= 0]).astype(np.int64)
        if targets
        else one.seen
        for one in asked
    ]
    ends = np.concatenate([[0], np.cumsum([len(one) for one in taken])])
    columns = np.concatenate([*taken, np.zeros(0, np.int64)])
    return sparse.csr_matrix((np.ones(len(columns)), columns, ends), shape=(len(asked), items))


def difference(
    model: ScoredItems, baseline: ScoredItems, name: str, resampling: Resampling
) -> list[Measurement]:
    """NDCG, and hit rate, of the model minus the baseline's for the same users."""
    found = []
    for k in dict.fromkeys((HEADLINE, resampling.top_k)):
        for metric, of in (("ndcg", gains), ("hit_rate", hits)):
            called = f"{metric}_{k}_minus_{name}"
            if baseline.problem:
                found.append(_unanswered(called, baseline.problem))
                continue
            first, second = (
                _share(of(one, k).astype(float), resampling) for one in (model, baseline)
            )
            value, interval = over_users.difference(
                first, second, len(model.ids), resampling, units="users"
            )
            found.append(measured(called, value, interval, len(model.ids)))
    return found


def _unanswered(name: str, problem: str) -> Measurement:
    return Measurement(name=name, value=None, n=0, unit="proportion", problem=problem)


def switched_off(
    scored: ScoredItems, scores: npt.NDArray[np.floating[Any]] | None, resampling: Resampling
) -> list[Measurement]:
    """What users get who want nothing made of what they did (PIPL article 24), and what that costs them.

    Args:
        scored: The answers that know them.
        scores: What the model says of all items without any history, shape (items,): nobody knows what the user has
            taken, so that nothing is left out of the list. None where it said nothing finite.
        resampling: How intervals are drawn.
    """
    nothing = np.zeros(0, np.int32)
    found = [
        None if scores is None else ranked(scores, one._replace(seen=nothing))
        for one in scored.labels
    ]
    silent = scores is None or any(one is None for one in found)
    problem = "the model gave no finite scores without a history" if silent else ""
    other = ScoredItems(
        scored.ids, scored.labels, found, scored.classes, {}, scored.counts, problem
    )
    named = []
    for k in dict.fromkeys((HEADLINE, resampling.top_k)):
        for one in (*ndcg(other, resampling, k), *hit_rate(other, resampling, k)):
            name = f"{one.name}_{IMPERSONAL}"
            named.append(
                _unanswered(name, problem) if problem else one.model_copy(update={"name": name})
            )
    return [*named, *difference(scored, other, IMPERSONAL, resampling)]


def labels(
    inputs: Sequence[HistoryInput], cells: Sequence[str], classes: Sequence[str]  # noqa: ARG001
) -> list[Asked]:  # fmt: skip
    """What is asked of each user."""
    return asked_of(inputs, classes)


def made_up(labels: Sequence[Asked], classes: int) -> list[Ranked]:
    """Lists whose first item is always right."""
    return [Ranked(0, np.arange(min(LONGEST, classes), dtype=np.int32)) for _ in labels]


def row_errors(scored: ScoredItems) -> npt.NDArray[np.float64]:
    """1 minus the NDCG of the user's ten items; NaN where no list was made."""
    return np.where(scored.finite, 1 - gains(scored, 10), np.nan)


kinds.register("items")(
    Kind(
        ScoredItems, labels, made_up, metrics, by_group, baselines, answer,
        ("ndcg_10", "hit_rate_10", "mrr"), row_errors, difference, reduce,
    )
)  # fmt: skip
