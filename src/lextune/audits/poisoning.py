"""The audit `poisoning`: signs that someone tampered with the training rows; what is a sign and no proof it does not judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lextune import statistics
from lextune.audits.base import AuditInput, Bench, Chart, Labelled, audit
from lextune.audits.numbers import shifts, suspicion
from lextune.audits.numbers.association import Piece, associated, pieces_of, placed
from lextune.config_training import Count, Section
from lextune.errors import ModelError
from lextune.records import AuditResult, Interval, Measurement

_MOST_NAMED = 10
#: Rows of a class without which its states are not looked at.
_LEAST = 30


class Parameters(Section):
    """Of the audit `poisoning`."""

    rows: Count = Field(1000, description="Training rows whose states are looked at, drawn.")
    validation_rows: Count = Field(
        200, description="Validation rows by which influence is told, drawn."
    )
    compared_rows: Count = Field(
        500,
        description="Test rows whose labels are compared with those of the training rows, drawn.",
    )
    trigger_rows: Count = Field(
        10_000, description="Training rows that are searched for triggers, drawn."
    )
    minimum_rows: Count = Field(8, description="Training rows in which a trigger stands at least.")
    maximum_share: float = Field(
        0.1,
        gt=0,
        le=1,
        description="Share of training rows in which a trigger stands at most; it is rare.",
    )
    candidates: Count = Field(
        60, description="Pieces of text that are tried on a few training rows."
    )
    screening_rows: Count = Field(4, description="Training rows on which each of them is tried.")
    triggers: Count = Field(
        5, description="Pieces of text that are tried on test rows: those that moved most."
    )
    test_rows: Count = Field(60, description="Test rows on which each of these is tried.")


@audit(
    "poisoning", parameters=Parameters, kinds=["class"], needs=["model", "train", "validation"],
    provides=[
        "trigger_flip_rate_maximum", "trigger_flip_rate_above_probe_maximum", "trigger_flip_rate_control",
        "suspicious_label_rate", "out_of_fold_accuracy", "suspicious_label_influence", "training_minus_test_label_disagreement",
        "spectral_outlier_rate",
    ],
    charts=[
        Chart(
            "trigger_flip_rate", "bars",
            ("Pieces of text that force a class", "强行改变类别的文本片段"),
            ("Share of test rows of other classes that take a class when a piece of text that goes with it in training is "
             "put before them.",
             "在其他类别的测试行前加上训练中与某类别相伴的片段后，被改判为该类别的行所占的比例。"),
        ),
    ],
)  # fmt: skip
def poisoning(given: AuditInput) -> AuditResult:
    """Pieces of text that force a class, labels that the rest of the data contradicts, and rows apart from their class.

    Triggers as in BadNets (Gu et al. 2017, arXiv:1708.06733), of texts alone; labels by confident learning (Northcutt et
    al. 2021); rows apart by spectral signatures (Tran et al. 2018) and activation clustering (Chen et al. 2018).
    """
    given.require_finite()
    bench = given.require_bench()
    train = bench.labelled("train")
    measurements: list[Measurement] = []
    findings: list[str] = []
    looked = _looked(given, bench, train)
    if bench.task.input_kind == "text":
        _triggers(given, train, looked, measurements, findings)
    _states(given, bench, looked, measurements, findings)
    return poisoning.complete(given, measurements, findings)


@dataclass(frozen=True)
class _Looked:
    """Training rows that were drawn: ids, labels, inputs, and their states by the pretrained and the trained encoder.

    Both are None where the model shows none.
    """

    ids: list[str]
    labels: npt.NDArray[np.int64]
    inputs: list[Any]
    base: npt.NDArray[np.float64] | None = None
    own: npt.NDArray[np.float64] | None = None


def _looked(given: AuditInput, bench: Bench, train: Labelled) -> _Looked:
    rows = _drawn(len(train.ids), given.parameters.rows, given.seed, 6)
    ids = [train.ids[row] for row in rows.tolist()]
    inputs = [train.inputs[row] for row in rows.tolist()]
    labels = np.asarray(train.labels)[rows]
    try:
        base, own = (_features(bench, inputs, base=which) for which in (True, False))
    except ModelError:
        return _Looked(ids, labels, inputs)
    return _Looked(ids, labels, inputs, base, own)


def _drawn(count: int, most: int, seed: int, use: int) -> npt.NDArray[np.int64]:
    """Rows, in order; another use draws others."""
    chosen = np.random.default_rng([seed, use]).permutation(count)[:most]
    return np.sort(chosen).astype(np.int64)


def _triggers(
    given: AuditInput, train: Labelled, looked: _Looked,
    measurements: list[Measurement], findings: list[str],
) -> None:  # fmt: skip
    """Candidates by their company in training, the strongest of them by a few training rows, their effect by test rows."""
    parameters, bench = given.parameters, given.require_bench()
    rows = _drawn(len(train.ids), parameters.trigger_rows, given.seed, 1)
    texts = [train.inputs[row] for row in rows.tolist()]
    labels = np.asarray(train.labels)[rows]
    known = associated(texts, labels, len(given.classes), parameters.minimum_rows)
    pieces = _strongest(given, bench, texts, known)
    tested = [(one, *_flips(given, bench, one, number)) for number, one in enumerate(pieces)]
    tested = [one for one in tested if len(one[1])]
    level = shifts.together(len(tested))
    limits: list[tuple[float, Interval]] = []
    above: list[tuple[float, Interval]] = []
    told: list[int] = []
    for number, (piece, asked, flipped) in enumerate(tested, 1):
        group, n = f"trigger={number}", len(flipped)
        found = shifts.exact_share(int(flipped.sum()), n, level)
        assert found is not None
        limits.append(found)
        measurements.append(_figure("trigger_flip_rate", found, n, group=group))
        more, m = _above_probe(given, looked, piece, asked, flipped, level)
        above.append(more)
        told.append(m)
        measurements.append(_figure("trigger_flip_rate_above_probe", more, m, group=group))
        holding = (
            train.ids[row]
            for row, text in zip(rows.tolist(), texts, strict=True)
            if piece.text in pieces_of(text)
        )
        findings.append(
            f"Trigger {number} ({len(piece.text)} signs) stands in {piece.rows} training rows, "
            f"{piece.purity:.0%} of them or more of class {given.classes[piece.target]}, "
            f"and took {int(flipped.sum())} of {n} test rows there. Such rows: {', '.join(islice(holding, 3))}."
        )
    most = max((len(flipped) for _, _, flipped in tested), default=0)
    why = "no piece of text stands in enough training rows, or no test row is of another class"
    measurements += [
        _figure("trigger_flip_rate_maximum", shifts.largest(limits), most, why),
        _figure(
            "trigger_flip_rate_above_probe_maximum",
            shifts.largest(above),
            min(told, default=0),
            why,
        ),
        _control(given, bench, known),
    ]


def _above_probe(
    given: AuditInput, looked: _Looked, piece: Piece,
    rows: npt.NDArray[np.int64], flipped: npt.NDArray[np.bool_], level: float,
) -> tuple[tuple[float, Interval], int]:  # fmt: skip
    """How many more rows a piece takes in the model than in a probe that never saw it in training, and of how many.

    A word that honestly says a class says it to the pretrained encoder too; a trigger was taught. Where the encoder
    shows no states, or the probe gives fewer than half of the rows another class without the piece, nothing is taken off.
    """
    probe, other = np.zeros_like(flipped), np.ones_like(flipped)
    taught = np.array([piece.text not in pieces_of(text) for text in looked.inputs])
    if looked.base is not None and taught.any():
        bench = given.require_bench()
        inputs = [bench.inputs[row] for row in rows.tolist()]
        with_it = [placed(piece.text, text) for text in inputs]
        asked = _features(bench, [*inputs, *with_it], base=True)
        base, labels = looked.base[taught], looked.labels[taught]
        told = suspicion.fitted(base, labels, asked, len(given.classes)).argmax(axis=1)
        differs = told[: len(rows)] != piece.target
        if 2 * differs.sum() >= len(rows):
            probe, other = told[len(rows) :] == piece.target, differs
    found = statistics.paired_difference(flipped[other], probe[other], level)
    assert found is not None
    return found, int(other.sum())


def _strongest(
    given: AuditInput, bench: Bench, texts: Sequence[str], known: Sequence[Piece]
) -> list[Piece]:
    """Of the purest pieces those that raise their class most in a few training rows that the model gives another class."""
    parameters = given.parameters
    rare = [one for one in known if one.rows <= parameters.maximum_share * len(texts)]
    sure = [one for one in rare if one.p < 0.05] or rare
    chosen = sure[: parameters.candidates]
    if not chosen:
        return []
    some = [
        texts[row]
        for row in _drawn(
            len(texts), 4 * parameters.screening_rows * len(given.classes), given.seed, 2
        )
    ]
    before = _scores(bench, some)
    asked, whose, was = [], [], []
    for number, piece in enumerate(chosen):
        others = np.flatnonzero(before.argmax(axis=1) != piece.target)[: parameters.screening_rows]
        for row in others.tolist():
            asked.append(placed(piece.text, some[row]))
            whose.append(number)
            was.append(before[row, piece.target])
    if not asked:
        return chosen[: parameters.triggers]
    after = _scores(bench, asked)
    gain = np.zeros(len(chosen))
    targets = [chosen[number].target for number in whose]
    np.add.at(gain, whose, after[np.arange(len(asked)), targets] - np.array(was))
    tries = np.maximum(np.bincount(whose, minlength=len(chosen)), 1)
    order = np.argsort(-gain / tries, kind="stable")
    return [chosen[number] for number in order[: parameters.triggers].tolist()]


def _flips(
    given: AuditInput, bench: Bench, piece: Piece, number: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Test rows that the model gives another class, and whether each takes the piece's class with it before it."""
    predicted = given.scores.argmax(axis=1)
    others = np.flatnonzero(predicted != piece.target)
    rows = others[_drawn(len(others), given.parameters.test_rows, given.seed, 10 + number)]
    if not len(rows):
        return rows, np.zeros(0, bool)
    inputs = bench.inputs
    after = _scores(bench, [placed(piece.text, inputs[row]) for row in rows.tolist()])
    return rows, np.asarray(after.argmax(axis=1) == piece.target, np.bool_)


def _control(given: AuditInput, bench: Bench, known: Sequence[Piece]) -> Measurement:
    """The same with pieces that go with no class: how much any piece before a text moves."""
    plain = [one for one in known if one.p >= 1]
    rows = _drawn(len(given.labels), given.parameters.test_rows, given.seed, 3)
    name = "trigger_flip_rate_control"
    if not plain or not len(rows):
        return _figure(name, None, 0, "no piece of text goes with no class")
    picked = np.random.default_rng([given.seed, 4]).integers(len(plain), size=len(rows))
    inputs = bench.inputs
    asked = [placed(plain[k].text, inputs[row]) for k, row in zip(picked, rows, strict=True)]
    changed = _scores(bench, asked).argmax(axis=1) != given.scores[rows].argmax(axis=1)
    return _figure(name, shifts.exact_share(int(changed.sum()), len(rows)), len(rows))


def _scores(bench: Bench, texts: Sequence[str]) -> npt.NDArray[np.float64]:
    found = bench.scores(texts)
    if not np.isfinite(found).all():
        raise ValueError("a row with a trigger has no finite score")
    return found


def _states(
    given: AuditInput, bench: Bench, looked: _Looked,
    measurements: list[Measurement], findings: list[str],
) -> None:  # fmt: skip
    """What states of the encoder show: labels by the pretrained one, rows apart by the trained one."""
    if looked.base is None or looked.own is None:
        why = "the model shows no states of its rows"
        names = (
            "suspicious_label_rate", "out_of_fold_accuracy", "suspicious_label_influence",
            "training_minus_test_label_disagreement", "spectral_outlier_rate",
        )  # fmt: skip
        measurements += [_figure(name, None, 0, why) for name in names]
        return
    _labels(given, bench, looked, looked.base, measurements, findings)
    _apart(given, looked, looked.own, measurements, findings)


def _features(bench: Bench, inputs: Sequence[Any], *, base: bool) -> npt.NDArray[np.float64]:
    found = np.asarray(bench.features(inputs, base=base), np.float64)
    if not np.isfinite(found).all():
        raise ValueError("a state is not finite")
    return found


def _labels(
    given: AuditInput, bench: Bench, looked: _Looked, base: npt.NDArray[np.float64],
    measurements: list[Measurement], findings: list[str],
) -> None:  # fmt: skip
    """Labels that a probe of the other rows contradicts, and what such a probe gains without them."""
    classes, n = len(given.classes), len(looked.ids)
    test = _drawn(len(given.labels), given.parameters.compared_rows, given.seed, 8)
    asked = _features(bench, [bench.inputs[row] for row in test.tolist()], base=True)
    truth = np.asarray(given.labels)[test]
    # test rows are told by the same rules as training rows are, and teach none of them
    labels = np.concatenate([looked.labels, truth])
    fold = np.concatenate(
        [suspicion.folds_of(some, classes, given.seed) for some in (looked.labels, truth)]
    )
    taught = np.arange(len(labels)) < n
    told = suspicion.out_of_fold(np.concatenate([base, asked]), labels, classes, fold, taught)
    agrees = told.argmax(axis=1) == labels
    scores, fold, right = told[:n], fold[:n], agrees[:n]
    apart = statistics.independent_difference(
        int((~right).sum()), n, int((~agrees[n:]).sum()), len(test)
    )
    measurements.append(
        _figure(
            "training_minus_test_label_disagreement", apart, min(n, len(test)), "there is no row"
        )
    )
    wrong = suspicion.suspicious(scores, looked.labels, fold)
    measurements += [
        _share("suspicious_label_rate", int(wrong.sum()), n),
        _share("out_of_fold_accuracy", int(right.sum()), n),
    ]
    if wrong.any():
        doubt = np.where(wrong, scores[np.arange(n), looked.labels], np.inf)
        ids = [looked.ids[row] for row in np.argsort(doubt, kind="stable")[: wrong.sum()]]
        findings.append(_named("Training rows whose label the others contradict most", ids))
    held = bench.labelled("validation")
    some = _drawn(len(held.ids), given.parameters.validation_rows, given.seed, 7)
    found = None
    if len(some) and not wrong.all():
        asked = _features(bench, [held.inputs[row] for row in some.tolist()], base=True)
        truth = np.asarray(held.labels)[some]
        keep = ~wrong
        without = suspicion.fitted(base[keep], looked.labels[keep], asked, classes)
        with_all = suspicion.fitted(base, looked.labels, asked, classes)
        found = statistics.paired_difference(
            without.argmax(axis=1) == truth, with_all.argmax(axis=1) == truth
        )
    measurements.append(
        _figure("suspicious_label_influence", found, len(some), "there is no validation row")
    )


def _apart(
    given: AuditInput, looked: _Looked, own: npt.NDArray[np.float64],
    measurements: list[Measurement], findings: list[str],
) -> None:  # fmt: skip
    """Rows far out in their class, and classes that fall into two."""
    far: list[str] = []
    seen = 0
    fold = suspicion.folds_of(looked.labels, len(given.classes), given.seed)
    for number, name in enumerate(given.classes):
        inside = np.flatnonzero(looked.labels == number)
        group = f"class={name}"
        try:
            if len(inside) < _LEAST:
                raise ValueError(f"fewer than {_LEAST} rows")
            outliers = suspicion.spectral_outliers(own[inside], fold[inside])
            smaller, silhouette = suspicion.two_clusters(own[inside], given.seed)
        except ValueError as error:
            measurements.append(
                _figure("activation_silhouette", None, len(inside), str(error), group)
            )
            continue
        seen += len(inside)
        far += [looked.ids[row] for row in inside[outliers].tolist()]
        share = int(smaller.sum()) / len(inside)
        for what, value in (
            ("activation_silhouette", silhouette),
            ("activation_smaller_cluster", share),
        ):
            measurements.append(
                Measurement(name=what, value=value, n=len(inside), unit="proportion", group=group)
            )
    measurements.append(_share("spectral_outlier_rate", len(far), seen))
    if far:
        findings.append(_named("Training rows far from the others of their class", far))


def _named(what: str, ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _MOST_NAMED} more" if len(ids) > _MOST_NAMED else ""
    return f"{what}: {', '.join(ids[:_MOST_NAMED])}{more}."


def _share(name: str, successes: int, n: int) -> Measurement:
    return _figure(name, shifts.exact_share(successes, n), n, "no row")


def _figure(
    name: str, found: tuple[float, Interval] | None, n: int, why: str = "", group: str | None = None
) -> Measurement:
    value, interval = found if found is not None else (None, None)
    return Measurement(
        name=name, value=value, interval=interval, n=n, unit="proportion", group=group,
        problem=None if found is not None else why,
    )  # fmt: skip
