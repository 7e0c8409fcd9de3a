"""The audit `counterfactual`: what the model says when only who is spoken of changes; it judges nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lextune import statistics
from lextune.audits.base import AuditInput, Bench, Chart, Source, audit
from lextune.audits.numbers import alike, shifts
from lextune.audits.terms.lists import Terms, known_languages, read_terms, terms_of
from lextune.audits.terms.suites import Suite, from_templates, joined, read_suite
from lextune.audits.terms.swap import find, swap
from lextune.config_training import Count, Section
from lextune.records import AuditResult, Measurement
from lextune.validation import Word, Words

_HAN = re.compile("[\u4e00-\u9fff]")
#: Of several classes in a row a class is given from this score on.
_GIVEN = 0.5
_MOST_NAMED = 10


class Parameters(Section):
    """Of the audit `counterfactual`."""

    attributes: Words = Field(
        (), description="Attributes to look at; empty is all that are listed."
    )
    terms: Source | None = Field(
        None,
        description="Path of a list of terms of one's own; null is the lists of the data's languages.",
    )
    rows: Count = Field(
        150, description="Test rows with a term of an attribute that are tried, each."
    )
    minimum_rows: Count = Field(30, description="Of a group with fewer rows no shift is stated.")
    variants: Count = Field(
        2, description="Other groups that take the place of a row's own, at most."
    )
    positive: Word | None = Field(None, description="Class whose score shifts; null is the last.")
    templates: bool = Field(
        True, description="Whether sentences with persons of each group are tried."
    )
    suites: dict[Word, Source] = Field(
        {}, description="Suites of sentences: a name and a path each."
    )
    suite_rows: Count = Field(
        2000, description="Sentences of a suite that are tried, in whole sets."
    )


@dataclass(frozen=True)
class _Version:
    """A test row as it is said of a group: as it stands where `text` is None, else with its terms exchanged."""

    row: int
    attribute: str
    group: str
    text: str | None


@audit(
    "counterfactual", parameters=Parameters, kinds=["class", "classes", "text"], needs=["model"],
    provides=[
        "counterfactual_flip_rate", "counterfactual_flip_rate.", "counterfactual_score_shift_maximum",
        "template_flip_rate.", "suite_flip_rate.",
    ],
    charts=[
        Chart(
            "counterfactual_flip_rate.", "bars",
            ("Answers that change with who is spoken of", "换一个人群后改变的回答"),
            ("Share of test rows whose answer changes when their terms of an attribute become another group's.",
             "把测试行中某一属性的词换成另一人群的词后，回答改变的行所占的比例。"),
        ),
        Chart(
            "template_score_shift", "bars",
            ("Scores of persons in the same sentences", "同一句子中不同人群的得分"),
            ("How far the score of a group lies from that of the other groups in the same sentences; 0 is no difference.",
             "在同样的句子里，某一人群的得分与其他人群得分之差；0 表示没有差别。"),
            ideal=0.0,
        ),
    ],
)  # fmt: skip
def counterfactual(given: AuditInput) -> AuditResult:
    """How often answers change, and how far scores shift, when identity terms are swapped in rows, templates and suites.

    Counterfactual token fairness (Garg et al. 2019, arXiv:1809.10610); templates after Dixon et al. 2018 and Kiritchenko
    and Mohammad 2018 (arXiv:1805.04508). A row counts once, however many of its variants differ.
    """
    given.require_finite()
    bench, parameters = given.require_bench(), given.parameters
    lists = _lists(bench, parameters)
    if not lists:
        told = ", ".join(bench.language)
        return counterfactual.not_applicable(
            given, f"There is no list of identity terms for {told}; name one in `terms`."
        )
    positive = _positive(given)
    measurements, findings = _of_rows(given, lists, positive)
    for name, suite in _templates(bench, lists, parameters).items():
        measurements += _of_sets(given, suite, "template", name, positive)
    for name, path in sorted(parameters.suites.items()):
        suite = read_suite(path).drawn(parameters.suite_rows, given.seed)
        measurements += _of_sets(given, suite, "suite", name, positive)
    return counterfactual.complete(
        given, measurements, findings,
        positive_class=given.classes[positive], languages=[one.language for one in lists],
    )  # fmt: skip


def _lists(bench: Bench, parameters: Parameters) -> list[Terms]:
    """Of the languages that the data declares, or of all where it declares none."""
    if parameters.terms is not None:
        return [read_terms(parameters.terms)]
    known = known_languages()
    declared = {one.partition("-")[0].lower() for one in bench.language}
    if not declared:
        declared = {"en", "zh"} if any(map(_HAN.search, bench.inputs)) else {"en"}
    found = [terms_of(one) for one in known if one in declared]
    unknown = set(parameters.attributes) - {name for one in found for name in one.attributes}
    if found and unknown:
        raise ValueError("an attribute is in no list")
    return found


def _attributes(terms: Terms, parameters: Parameters) -> list[str]:
    return [one for one in terms.attributes if one in (parameters.attributes or terms.attributes)]


def _positive(given: AuditInput) -> int:
    wanted = given.parameters.positive
    return len(given.classes) - 1 if wanted is None else given.classes.index(wanted)


def _templates(bench: Bench, lists: Sequence[Terms], parameters: Parameters) -> dict[str, Suite]:
    """By attribute; of undeclared languages the one in whose script most test rows are."""
    if not parameters.templates:
        return {}
    if not bench.language and len(lists) > 1:
        han = sum(_HAN.search(one) is not None for one in bench.inputs)
        spoken = "zh" if 2 * han > len(bench.inputs) else "en"
        lists = [one for one in lists if one.language == spoken]
    names = dict.fromkeys(name for one in lists for name in _attributes(one, parameters))
    return {
        name: joined([from_templates(one, name) for one in lists if name in one.attributes])
        for name in names
    }


def _of_rows(
    given: AuditInput, lists: Sequence[Terms], positive: int
) -> tuple[list[Measurement], list[str]]:
    """Flip rates of all rows and of each attribute, and how far each group is from the rest, row by row."""
    parameters, bench = given.parameters, given.require_bench()
    versions, drawn = _versions(given, bench.inputs, lists)
    changed = _scored(bench, [one.text for one in versions if one.text is not None], given)
    scores = given.scores[[one.row for one in versions]]
    scores[[number for number, one in enumerate(versions) if one.text is not None]] = changed
    decided = _decided(given, scores)
    before = _decided(given, given.scores)
    flipped = {
        one.row
        for one, now in zip(versions, decided, strict=True)
        if one.text is not None and now != before[one.row]
    }
    found = [_rate("counterfactual_flip_rate", len(drawn & flipped), len(drawn), "row")]
    largest: list[npt.NDArray[np.float64]] = []
    for name in dict.fromkeys(name for one in lists for name in _attributes(one, parameters)):
        places = [number for number, one in enumerate(versions) if one.attribute == name]
        rows = [str(versions[place].row) for place in places]
        flips = alike.differing(rows, [decided[place] for place in places])
        found.append(_rate(f"counterfactual_flip_rate.{name}", *flips, "row"))
        groups = [versions[place].group for place in places]
        each = alike.from_the_rest(rows, groups, scores[places, positive])
        for group, changes in each.items():
            label = f"{name}={group}"
            found.append(
                _shift("counterfactual_score_shift", changes, label, parameters.minimum_rows)
            )
        largest += [one for one in each.values() if len(one) >= parameters.minimum_rows]
    found.append(_largest_shift(largest, parameters.minimum_rows))
    findings = []
    if flipped:
        ids = [given.answers.ids[row] for row in sorted(flipped)]
        more = f" and {len(ids) - _MOST_NAMED} more" if len(ids) > _MOST_NAMED else ""
        findings.append(
            f"Rows whose answer changes with who is spoken of: {', '.join(ids[:_MOST_NAMED])}{more}."
        )
    return found, findings


def _versions(
    given: AuditInput, inputs: Sequence[str], lists: Sequence[Terms]
) -> tuple[list[_Version], set[int]]:
    """Versions of drawn rows, and the rows among them that were drawn whatever attribute they have."""
    most: int = given.parameters.rows
    rng = np.random.default_rng([given.seed, 1])
    rows: dict[str, int] = {}
    found: list[_Version] = []
    drawn: set[int] = set()
    for row in rng.permutation(len(inputs)).tolist():
        # a row among the first with any attribute is also among the first with each of its own
        full = {name for name, count in rows.items() if count >= most}
        made = [
            one
            for terms in lists
            for one in _variants(row, inputs[row], terms, given.parameters, full, rng)
        ]
        if made and len(drawn) < most:
            drawn.add(row)
        for name in {one.attribute for one in made}:
            rows[name] = rows.get(name, 0) + 1
        found += made
    return found, drawn


def _variants(
    row: int,
    text: str,
    terms: Terms,
    parameters: Parameters,
    full: Set[str],
    rng: np.random.Generator,
) -> Iterator[_Version]:
    """Of each attribute: the group whose term comes first exchanged with others, drawn, as far as all terms have one."""
    wanted = set(_attributes(terms, parameters)) - full
    for name in terms.may_hold(text):
        hits = find(text, terms, name) if name in wanted else []
        if not hits:
            continue
        attribute, own, made = terms.attributes[name], hits[0].group, 0
        for other in rng.permutation(len(attribute.groups)).tolist():
            changed = None if other == own else swap(text, hits, attribute, own, other)
            if changed is None or made == parameters.variants:
                continue
            if not made:
                yield _Version(row, name, attribute.groups[own], None)
            made += 1
            yield _Version(row, name, attribute.groups[other], changed)


def _scored(bench: Bench, texts: Sequence[str], given: AuditInput) -> npt.NDArray[np.float64]:
    if not texts:
        return np.zeros((0, len(given.classes)))
    scores = bench.scores(texts)
    if not np.isfinite(scores).all():
        raise ValueError("a variant has no finite score")
    return scores


def _decided(given: AuditInput, scores: npt.NDArray[np.float64]) -> list[Any]:
    """What the model says of each row, comparable."""
    if given.answers.kind == "class":
        found: list[Any] = scores.argmax(axis=1).tolist()
        return found
    return [tuple(row) for row in (scores >= _GIVEN).tolist()]


def _largest_shift(each: Sequence[npt.NDArray[np.float64]], least: int) -> Measurement:
    """The largest mean shift of a group, whatever its sign."""
    level = shifts.together(len(each))
    limits = [shifts.mean_shift(one, level) for one in each]
    found = shifts.largest([shifts.magnitude(*one) for one in limits if one is not None])
    value, interval = found if found is not None else (None, None)
    return Measurement(
        name="counterfactual_score_shift_maximum", value=value, interval=interval,
        n=max(map(len, each), default=0), unit="proportion",
        problem=None if found is not None else f"no group has {least} rows",
    )  # fmt: skip


def _of_sets(
    given: AuditInput, suite: Suite, kind: str, name: str, positive: int
) -> list[Measurement]:
    """Of templates, or of a suite: sets that are not decided alike, and each group's distance from the rest."""
    scores = _scored(given.require_bench(), suite.texts, given)
    flips = alike.differing(suite.sets, _decided(given, scores))
    found = [_rate(f"{kind}_flip_rate.{name}", *flips, "set")]
    for attribute, groups in suite.groups.items():
        column = attribute if kind == "template" else f"{name}.{attribute}"
        each = alike.from_the_rest(suite.sets, groups, scores[:, positive])
        found += [
            _shift(f"{kind}_score_shift", ones, f"{column}={group}") for group, ones in each.items()
        ]
    return found


def _rate(name: str, successes: int, n: int, unit: str) -> Measurement:
    return Measurement(
        name=name, value=successes / n if n else None, interval=statistics.wilson(successes, n),
        n=n, unit="proportion", problem=None if n else f"no {unit} has such a term",
    )  # fmt: skip


def _shift(name: str, changes: npt.NDArray[np.float64], group: str, least: int = 1) -> Measurement:
    found = shifts.mean_shift(changes) if len(changes) >= least else None
    value, interval = found if found is not None else (None, None)
    return Measurement(
        name=name, value=value, interval=interval, n=len(changes), unit="difference", group=group,
        problem=None if found is not None else f"fewer than {least} rows",
    )  # fmt: skip
