"""What licence a release must be under, by those of its model and data together; it gives no legal advice."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lextune.policy.findings import Finding, FindingStatus
from lextune.policy.licences import LicenceTable, alternatives, parse
from lextune.policy.readings import StatedLicence, StatedRelease
from lextune.policy.schema import LicenceOf, LicenceRow, OutputLicenceRequirement
from lextune.policy.wording import ended, joined, spoken, tr

_OF: Mapping[LicenceOf, str] = {"model": "{id} of the model", "data": "{id} of the data"}
_UNSTATED: Mapping[LicenceOf, str] = {
    "model": "no licence of the model is stated, so nobody can say under which licence what is made from it may "
    "be passed on",
    "data": "no licence of the data is stated, so nobody can say under which licence what is made from it may "
    "be passed on",
}
_ASK_LICENCE: Mapping[LicenceOf, str] = {
    "model": "release.licence: read the licence of the model; under which licence may a model made from it be "
    "passed on?",
    "data": "release.licence: read the licence of the data; under which licence may a model made from it be "
    "passed on?",
}
_ASK_BINDING: Mapping[LicenceOf, str] = {
    "model": "release.licence: does {id} bind a model that is made from the model? A person must decide, and "
    "sign a waiver.",
    "data": "release.licence: does {id} bind a model that is made from the data? A person must decide, and "
    "sign a waiver.",
}
_ASK_CONFLICT = (
    "release.licence: the licences contradict each other; may the model be passed on, and under which licence? A "
    "person must decide, obtain another licence, or sign a waiver."
)
_ASK_LIMITS = "release.licence: does {key} bind users to the limits of {id}? A person must decide, or declare {id}."
#: Of one input: the ids that bind together.
_Chosen = tuple[tuple[LicenceOf, str], ...]
#: More alternatives than these are not tried: no real expression has them.
_MOST_CHOICES = 256
_RANK: Mapping[FindingStatus, int] = {"pass": 0, "insufficient": 1, "fail": 2}


@dataclass(frozen=True)
class Bound:
    """One row of the table and whose licence it is."""

    source: LicenceOf
    row: LicenceRow

    @property
    def told(self) -> str:
        """`CC-BY-SA-4.0 of the data`."""
        return tr(_OF[self.source], id=self.row.id)

    @property
    def clause(self) -> str:
        """` (section 3(b))`, or nothing where the table names no clause."""
        return f" ({self.row.clause})" if self.row.clause else ""


@dataclass(frozen=True)
class OutputTerms:
    """What one way through the alternatives of the inputs asks of the output.

    Attributes:
        permitted: Ids that the output may be under, sorted; None where no input asks for a particular one.
        winners: The share-alike licences that decide `permitted`.
        carried: Licences whose terms of use must be passed on.
        attributed: Licences that ask for attribution.
        conflict: Why no licence satisfies all, in a sentence without its full stop; empty where one does.
        unsettled: Rows of which the table does not say whether they ask for the same licence.
        unlisted: Ids of inputs that the table does not know, with their source.
    """

    permitted: tuple[str, ...] | None
    winners: tuple[Bound, ...]
    carried: tuple[Bound, ...]
    attributed: tuple[Bound, ...]
    bound: tuple[Bound, ...]
    conflict: str
    unsettled: tuple[Bound, ...]
    unlisted: tuple[tuple[LicenceOf, str], ...]


@dataclass(frozen=True)
class _Answer:
    status: FindingStatus
    reasons: tuple[str, ...]
    questions: tuple[str, ...] = ()
    blocking: bool = True

    @property
    def rank(self) -> tuple[int, bool, int]:
        return (_RANK[self.status], self.blocking, len(self.questions))


def output_terms(model: str, data: str, rows: Mapping[str, LicenceRow]) -> tuple[OutputTerms, ...]:
    """What the output must be under, once for each way to choose among the alternatives (`OR`) of the inputs.

    Args:
        model: SPDX expression of the base model's licence.
        data: The same of the data.
        rows: The table, by case-folded id.
    """
    given: tuple[tuple[LicenceOf, str], ...] = (("model", model), ("data", data))
    choices = [[[(of, key) for key in one] for one in alternatives(text)] for of, text in given]
    ways = itertools.islice(itertools.product(*choices), _MOST_CHOICES)
    return tuple(_terms(tuple(dict.fromkeys(itertools.chain(*way))), rows) for way in ways)


def check_output_licence(
    requirement: OutputLicenceRequirement,
    inputs: Mapping[LicenceOf, StatedLicence],
    release: StatedRelease,
    table: LicenceTable,
) -> Finding:
    """Whether what is declared for the release satisfies the licences of model and data together.

    One alternative of an `OR` suffices. A share-alike licence wins over one that asks for nothing; two of
    them, or one beside terms of use that it does not let anybody add, are insufficient until a person
    decides. A declared licence outside what is permitted fails. What the table does not list is insufficient.
    """
    stated: list[StatedLicence | StatedRelease] = [*inputs.values(), release]
    evidence = tuple(sorted({one for part in stated for one in part.evidence}))
    if not all(part.evidence for part in stated):
        evidence = ()  # a statement is yet to come: nothing is settled
    missing = [part.problem for part in stated if part.problem]
    if missing:
        ask = (tr("release.licence: bring the statements that state the licences"),)
        return Finding("insufficient", ended(joined(missing)), ask, evidence)
    spdx = {of: one.licence.spdx for of, one in inputs.items() if one.licence is not None}
    ways = output_terms(spdx["model"], spdx["data"], table.rows)
    best = min((_answer(terms, release, table.rows) for terms in ways), key=lambda one: one.rank)
    blocking = best.blocking or requirement.unstated == "block"
    reason = ended(joined(list(best.reasons)))
    return Finding(best.status, reason, best.questions, evidence, blocking)


def _terms(chosen: _Chosen, rows: Mapping[str, LicenceRow]) -> OutputTerms:
    bound = tuple(Bound(of, rows[key.casefold()]) for of, key in chosen if key.casefold() in rows)
    winners = tuple(one for one in bound if one.row.share_alike == "yes")
    permitted: tuple[str, ...] | None = None
    if winners:
        allowed = [{one.row.id, *one.row.compatible} for one in winners]
        permitted = tuple(sorted(set.intersection(*allowed)))
    return OutputTerms(
        permitted=permitted,
        winners=winners,
        carried=tuple(one for one in bound if one.row.share_alike == "flow"),
        attributed=tuple(one for one in bound if one.row.attribution == "yes"),
        bound=bound,
        conflict=_conflict(bound, winners, permitted),
        unsettled=tuple(one for one in bound if one.row.share_alike == "unknown"),
        unlisted=tuple((of, key) for of, key in chosen if key.casefold() not in rows),
    )


def _conflict(
    bound: Sequence[Bound], winners: Sequence[Bound], permitted: tuple[str, ...] | None
) -> str:
    if permitted == ():
        told = joined([f"{one.told}{one.clause}" for one in winners], " and ")
        return tr(
            "{told} each ask that what is made from it be under that licence, and no licence satisfies both",
            told=told,
        )
    for winner in winners:
        for other in bound:
            if other.row.use_restrictions == "yes" and not _covers(winner.row, other.row):
                return tr(
                    "{other} limits the use, and {winner} asks for the same licence without further limits",
                    other=f"{other.told}{other.clause}", winner=f"{winner.told}{winner.clause}",
                )  # fmt: skip
    return ""


def _covers(winner: LicenceRow, other: LicenceRow) -> bool:
    """Whether the share-alike licence itself limits the use as the other does (both non-commercial)."""
    only_noncommercial = other.commercial_use == "no" and not other.hub
    return winner.id == other.id or (only_noncommercial and winner.commercial_use == "no")


def _answer(terms: OutputTerms, release: StatedRelease, rows: Mapping[str, LicenceRow]) -> _Answer:
    """The terms against what was declared; the worst of all that is asked."""
    asked = [*_open(terms), *_named(terms, release)]
    if not terms.conflict and not terms.unsettled:
        asked += _declared(terms, release, rows)
    against = [one for one in asked if one.status != "pass"]
    told = [*_demands(terms), *(reason for one in asked for reason in one.reasons)]
    if not against:
        return _Answer("pass", tuple(told))
    status: FindingStatus = (
        "fail" if any(one.status == "fail" for one in against) else "insufficient"
    )
    questions = tuple(dict.fromkeys(one for part in against for one in part.questions))
    return _Answer(status, tuple(told), questions, any(one.blocking for one in against))


def _demands(terms: OutputTerms) -> list[str]:
    """What the inputs ask for, told whatever was declared."""
    told = []
    if terms.winners and not terms.conflict:
        wins = joined([f"{one.told}{one.clause}" for one in terms.winners], ", ")
        template = "{wins} decides: what is made from it must be under {licences}"
        if len(terms.winners) > 1:
            template = "{wins} decide: what is made from it must be under {licences}"
        told.append(tr(template, wins=wins, licences=joined(list(terms.permitted or ()), " or ")))
    told += [
        tr("the terms of use of {told} must be passed on", told=f"{one.told}{one.clause}")
        for one in terms.carried
    ]
    if not terms.winners and not terms.carried and not terms.unlisted and not terms.unsettled:
        told.append(tr("no licence of model or data asks for a particular licence of the output"))
    if terms.attributed:
        due = joined(list(dict.fromkeys(one.told for one in terms.attributed)), ", ")
        told.append(tr("attribution is due under {due}", due=due))
    return told


def _open(terms: OutputTerms) -> list[_Answer]:
    """What no declaration settles: ids outside the table, rows that leave it open, contradicting demands."""
    found = []
    for source, key in terms.unlisted:
        reason = tr(
            "the table does not know {told}, so nobody can say what it asks of the output",
            told=tr(_OF[source], id=key),
        )
        if key.casefold() == "none":
            reason = tr(_UNSTATED[source])
        ask = tr(_ASK_LICENCE[source])
        found.append(_Answer("insufficient", (reason,), (ask,), blocking=False))
    for one in terms.unsettled:
        reason = tr(
            "whether {told} asks for the same licence is not settled: {note}",
            told=f"{one.told}{one.clause}", note=spoken(one.row.note).rstrip(".。"),
        )  # fmt: skip
        ask = tr(_ASK_BINDING[one.source], id=one.row.id)
        found.append(_Answer("insufficient", (reason,), (ask,)))
    if terms.conflict:
        ask = tr(_ASK_CONFLICT)
        found.append(_Answer("insufficient", (terms.conflict,), (ask,)))
    return found


def _named(terms: OutputTerms, release: StatedRelease) -> list[_Answer]:
    """Licences that ask for a name which begins with theirs (Llama 3 and later, section 1.b.i)."""
    found = []
    for one in terms.bound:
        prefix = one.row.name_prefix
        if prefix is not None and not _plain(release.name).startswith(_plain(prefix)):
            reason = tr(
                "{told} asks that the model's name begin with {prefix}, and it is {name!r}",
                told=f"{one.told}{one.clause}", prefix=prefix, name=release.name,
            )  # fmt: skip
            found.append(_Answer("fail", (reason,)))
    return found


def _declared(
    terms: OutputTerms, release: StatedRelease, rows: Mapping[str, LicenceRow]
) -> list[_Answer]:
    """The licence that was declared for the release, each id of it, against what is asked."""
    if release.licence is None:
        return _undeclared(terms)
    keys = _ids(release.licence)
    if keys is None:
        ask = tr("release.licence: write an SPDX expression, or the id that model hubs use")
        unread = tr("release.licence is no expression that can be read")
        return [_Answer("insufficient", (unread,), (ask,))]
    found = []
    for key in keys:
        found += _one_declared(key, terms, rows.get(key.casefold()))
    told = tr("release.licence is {licence}", licence=release.licence)
    return found or [_Answer("pass", (told,))]


def _undeclared(terms: OutputTerms) -> list[_Answer]:
    wanted = joined(list(terms.permitted or [one.row.id for one in terms.carried]), " or ")
    if not wanted:
        return []
    template = "release.licence: declare {wanted}; under which licence is the model passed on?"
    if terms.carried:
        template = (
            "release.licence: declare {wanted} (or a licence that passes on its terms of use); under which "
            "licence is the model passed on?"
        )
    undeclared = tr("release.licence is not declared")
    return [_Answer("insufficient", (undeclared,), (tr(template, wanted=wanted),))]


def _one_declared(key: str, terms: OutputTerms, row: LicenceRow | None) -> list[_Answer]:
    """What speaks against one declared id; nothing where it satisfies all."""
    if terms.permitted is not None:
        if key.casefold() in {one.casefold() for one in terms.permitted}:
            return []
        outside = tr("release.licence is {key}, which is not among them", key=key)
        return [_Answer("fail", (outside,))]
    found = []
    for one in terms.bound:
        if key.casefold() == one.row.id.casefold():
            continue
        if one.row.commercial_use == "no" and row is not None and row.commercial_use != "no":
            reason = tr(
                "release.licence {id} permits commercial use, which {told} does not give",
                id=row.id, told=f"{one.told}{one.clause}",
            )  # fmt: skip
            found.append(_Answer("fail", (reason,)))
        elif one.row.use_restrictions == "yes":
            if row is not None and _covers(row, one.row):
                continue
            reason = tr(
                "release.licence is {key}, and {told} limits the use",
                key=key, told=f"{one.told}{one.clause}",
            )  # fmt: skip
            ask = tr(_ASK_LIMITS, key=key, id=one.row.id)
            found.append(_Answer("insufficient", (reason,), (ask,)))
    return found


def _ids(expression: str) -> tuple[str, ...] | None:
    """Every id of a declared expression: who may choose among them, and who must keep all, meets each one."""
    if parse(expression) is None:
        return None
    return tuple(dict.fromkeys(itertools.chain.from_iterable(alternatives(expression))))


def _plain(name: str) -> str:
    """A name without case, spaces and marks: `Llama 3` begins `llama-3-reviews`."""
    return re.sub(r"[\W_]", "", name).casefold()
