"""The audit `generalisation`: how errors differ between what was learnt and what is new, and what more data would give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field

from lextune.audits.base import AuditInput, Chart, Source, audit
from lextune.audits.numbers.learning_curve import LEAST_ERRORS, extrapolate, power_law
from lextune.audits.numbers.mean_errors import error_difference, mean_error
from lextune.audits.numbers.two_samples import halves, told_apart, words
from lextune.config_training import Section
from lextune.errors import ModelError
from lextune.records import AuditResult, Interval, Measurement
from lextune.statistics import Floats
from lextune.validation import Word, listed

_Share = Annotated[float, Field(gt=0, lt=1)]
#: Rows of either side, below which half of them teach nobody.
_LEAST = 20


class Parameters(Section):
    """What the test part is compared with."""

    rows: int = Field(
        1000, ge=1, description="Rows of train, of validation and of each domain, at most."
    )
    domains: dict[Word, Source] = Field(
        default_factory=dict,
        description="Labelled data of other domains: a name, and a source as in `data.test`.",
    )
    production: Source | None = Field(
        None,
        description="Data as the model meets it in use, which needs no labels where rows are texts.",
    )
    two_sample_rows: int = Field(
        400, ge=_LEAST, description="Rows of each side that a classifier is to tell apart, at most."
    )
    learning_curve: Annotated[tuple[_Share, ...], BeforeValidator(listed)] = Field(
        (),
        description="Shares of train on which the model is trained again, such as 0.25 and 0.5; none trains nothing.",
    )


@audit(
    "generalisation", parameters=Parameters, needs=["model", "train", "validation"],
    provides=[
        "generalisation_gap", "validation_gap", "domain_gap.", "train_test_auc", "production_test_auc",
        "error_with_twice_the_data",
    ],
    charts=[
        Chart(
            "row_error", "bars", ("Errors on what was learnt and on what is new", "已学数据与新数据上的错误"),
            (
                "The mean error of a row in each part and domain; far more on test than on train is learning by heart.",
                "各部分与各领域中每行的平均错误；测试集远高于训练集说明模型在死记硬背。",
            ),
        ),
        Chart(
            "error_by_train_rows", "line", ("Learning curve", "学习曲线"),
            (
                "The error on the test part of models that learnt from fewer rows.",
                "用较少数据训练的模型在测试集上的错误。",
            ),
            axis=("Training rows", "训练行数"), logarithmic=True,
        ),
    ],
)  # fmt: skip
def generalisation(given: AuditInput) -> AuditResult:
    """Gaps between parts and domains, classifiers that tell them apart, and the learning curve where it is asked for.

    Errors are those of rows (`Bench.row_errors`), so that they are of every kind of label; rows with nothing to be right
    or wrong about are left out.
    """
    given.require_finite()
    bench, asked = given.require_bench(), given.parameters
    test = _errors(given, given.answers)
    parts = {
        f"part={name}": bench.part(name, asked.rows).answers for name in ("train", "validation")
    }
    sets = {**parts, "part=test": given.answers}
    domains: dict[str, Floats] = {}
    for name, source in asked.domains.items():
        bench.tell(f"generalisation: the domain {name}")
        answers = sets[f"domain={name}"] = bench.read(source).answers
        domains[name] = _errors(given, answers)
    measurements = [
        _share("row_error", *mean_error(one), len(one), group)
        for group, one in ((group, _errors(given, answers)) for group, answers in sets.items())
    ]
    headlines = {group: bench.headline(answers) for group, answers in sets.items()}
    measurements += [
        one.model_copy(update={"name": "headline", "group": group})
        for group, one in headlines.items()
    ]
    train, validation = (_errors(given, parts[f"part={one}"]) for one in ("train", "validation"))
    measurements += [
        _gap("generalisation_gap", test, train),
        _gap("validation_gap", test, validation),
        *(_gap(f"domain_gap.{name}", one, test) for name, one in domains.items()),
    ]
    apart, told = _told_apart(given)
    curve, said = _learning_curve(given, test)
    return generalisation.complete(
        given, [*measurements, *apart, *curve], [*told, *said],
        headline=headlines["part=test"].name,
    )  # fmt: skip


def _errors(given: AuditInput, answers: Any) -> Floats:
    """Of the rows that can be right or wrong.

    Raises:
        ValueError: A row has no finite answer; the pipeline records the audit as crashed.
    """
    if not answers.finite.all():
        raise ValueError("a row has no finite score")
    errors = given.require_bench().row_errors(answers)
    return errors[np.isfinite(errors)]


def _gap(name: str, one: Floats, other: Floats) -> Measurement:
    value, interval = error_difference(one, other)
    return _share(name, value, interval, len(one) + len(other))


def _told_apart(given: AuditInput) -> tuple[list[Measurement], list[str]]:
    """How well a classifier tells train, and what the model meets in use, from test."""
    bench, asked = given.require_bench(), given.parameters
    test = bench.part("test", asked.two_sample_rows).inputs
    train = bench.labelled("train").inputs
    found, told = [], []
    sides = [("train_test_auc", train, 2)]
    if asked.production is not None:
        sides.append(("production_test_auc", bench.unlabelled(asked.production), 3))
    for name, inputs, stream in sides:
        rng = np.random.default_rng([given.seed, stream])
        rows = np.sort(rng.permutation(len(inputs))[: asked.two_sample_rows])
        one, how = _area(given, name, [inputs[int(row)] for row in rows], list(test))
        found.append(one)
        if how:
            told.append(f"{name} is of a linear classifier on {how}.")
    return found, told


def _area(
    given: AuditInput, name: str, first: Sequence[Any], second: Sequence[Any]
) -> tuple[Measurement, str]:
    """The area under the ROC curve, and what the classifier looked at."""
    bench, n = given.require_bench(), len(first) + len(second)
    if min(len(first), len(second)) < _LEAST:
        problem = f"one side has fewer than {_LEAST} rows"
        return Measurement(name=name, value=None, n=n, unit="proportion", problem=problem), ""
    teach, everything = halves(len(first), len(second), given.seed), [*first, *second]
    how = "what the pretrained model gives its head"
    try:
        features: Any = bench.features(everything, base=True)
    except ModelError:
        if bench.task.input_kind != "text":
            problem = "it is not known where the head of the pretrained model begins"
            return Measurement(name=name, value=None, n=n, unit="proportion", problem=problem), ""
        features, how = words(everything, teach), "runs of letters"
    value, interval = told_apart(features, len(first), teach)
    return _share(name, value, interval, int((~teach).sum())), how


def _learning_curve(given: AuditInput, test: Floats) -> tuple[list[Measurement], list[str]]:
    """The errors of models that learn from some of the rows, and where a power law leads."""
    bench, asked = given.require_bench(), given.parameters
    name = "error_with_twice_the_data"
    if not asked.learning_curve:
        problem = "no model was trained again: learning_curve names no share"
        return [Measurement(name=name, value=None, n=0, unit="proportion", problem=problem)], []
    order = _nested(given, bench.labelled("train").labels)
    n, sizes, errors = len(order), [], []
    for share in sorted(set(asked.learning_curve)):
        rows = np.sort(order[: max(1, round(share * n))])
        bench.tell(f"generalisation: training again on {len(rows):,} rows")
        seed = int(np.random.default_rng([given.seed, 5]).integers(2**31))
        fitted = bench.refit(rows, seed)
        errors.append(_errors(given, fitted(list(bench.inputs), given.answers)))
        sizes.append(len(rows))
    sizes.append(n)
    errors.append(test)
    found = [
        _share("error_by_train_rows", *mean_error(one), len(one), f"rows={size}")
        for size, one in zip(sizes, errors, strict=True)
    ]
    if len(set(sizes)) < 2 or len({len(one) for one in errors}) > 1:
        problem = "the models were not measured on the same rows, or learnt from equally many"
        return [*found, Measurement(name=name, value=None, n=0, unit="proportion", problem=problem)], []  # fmt: skip
    together = np.stack(errors)
    value, interval = extrapolate(sizes, together, 2 * n, samples=given.samples, seed=given.seed)
    if interval is None:
        problem = f"some model has fewer than {LEAST_ERRORS} wrong rows: no line through so few"
        return [*found, Measurement(name=name, value=None, n=len(test), unit="proportion", problem=problem)], []  # fmt: skip
    a, b = power_law(sizes, together.mean(axis=1))
    told = (
        f"Errors fall as {a:.4g} * rows ** {b:.3f} through {len(sizes)} models of one seed each: twice the data would give "
        f"{value:.4f} instead of {float(test.mean()):.4f}, if they go on to. The interval is over test rows, not over "
        "training."
    )
    return [*found, _share(name, value, interval, len(test))], [told]


def _nested(given: AuditInput, labels: Any) -> Any:
    """Rows of train in an order of which every beginning has each class in its share; drawn with the seed."""
    rng = np.random.default_rng([given.seed, 4])
    order = rng.permutation(len(labels))
    if given.answers.kind != "class":
        return order
    place = np.empty(len(order))
    for one in np.unique(labels):
        mine = order[labels[order] == one]
        place[mine] = (np.arange(len(mine)) + 0.5) / len(mine)
    return np.argsort(place, kind="stable")


def _share(
    name: str, value: float, interval: Interval | None, n: int, group: str | None = None
) -> Measurement:
    return Measurement(
        name=name, value=value, interval=interval, n=n, unit="proportion", group=group
    )
