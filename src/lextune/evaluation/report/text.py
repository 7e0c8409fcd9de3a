"""Writes the report of a run as text for a terminal of 80 columns, its charts in letters; it knows no answers and no files."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator, Sequence

from lextune.evaluation.report.figures import Point
from lextune.evaluation.report.page import Audited, Figure, Page, measured, number, used
from lextune.records import ControlResult, Measurement

_WIDTH, _LABEL, _VALUE, _MOST_POINTS = 80, 36, 10, 24
_ORDER = ("fail", "insufficient", "waived", "pass")


def make_text(page: Page) -> str:
    """The report, in English, without any row of the data."""
    text = "\n".join([*_head(page), *_metrics(page), *_audits(page), *_privacy(page)]) + "\n"
    # names in data and packs are other people's words: nothing that a terminal would obey
    return "".join(
        "\ufffd" if unicodedata.category(one) == "Cc" and one != "\n" else one for one in text
    )


def _head(page: Page) -> Iterator[str]:
    yield f"Run report: {page.name}"
    yield from _wrapped(
        f"Task {page.task}, run {page.run}, {page.rows:,} test {page.noun[0]}. What counts is signed and in the dossier; "
        "this text shows it to people, and no row of the data."
    )
    if page.evaluation.status == "crashed":
        yield from _wrapped(
            f"The evaluation crashed: {page.evaluation.problem}. Nothing is proven."
        )
    if page.verdict is None:
        return
    shown = [one for one in page.verdict.controls if one.status != "not_applicable"]
    idle = len(page.verdict.controls) - len(shown)
    yield from _title(f"Verdict as of {page.verdict.as_of}: {page.verdict.outcome}")
    for status in _ORDER:
        for one in shown:
            if one.status == status:
                yield from _control(one)
    yield f"{idle} controls do not apply."


def _control(one: ControlResult) -> Iterator[str]:
    yield f"{one.status:<13}{one.pack}/{one.control} ({one.severity}s)"
    if one.status != "pass":
        for said in (*one.reasons, *one.questions, f"Remedy: {one.remedy['en']}"):
            yield from _wrapped(said, " " * 13)


def _metrics(page: Page) -> Iterator[str]:
    if page.evaluation.measurements:
        yield from _title("Metrics")
        yield from _figures(page, page.evaluation.measurements)
    for words, names in (("Better than the model", page.beaten), ("Not shown to be worse", page.undecided)):  # fmt: skip
        if names:
            yield from _wrapped(f"{words} on the same {page.noun[0]}: {', '.join(names)}.")


def _audits(page: Page) -> Iterator[str]:
    for one in page.audits:
        yield from _audit(page, one)


def _audit(page: Page, one: Audited) -> Iterator[str]:
    result = one.result
    yield from _title(f"Audit {result.audit}")
    yield from _wrapped(one.about)
    why = " ".join(result.findings)
    if result.status == "crashed":
        yield from _wrapped(
            f"This audit crashed: {why}. It measured nothing, and what was not measured did not pass."
        )
    elif result.status == "not_applicable":
        yield from _wrapped(f"Not applicable: {why}")
    else:
        for finding in result.findings:
            yield from _wrapped(f"* {finding}", "  ", first="")
        yield from _figures(page, one.whole)
        if one.grouped:
            yield f"{len(one.grouped):,} figures of groups, bins or pairs are in the dossier."
        others = used(page, [some.name for some in one.whole])
        for chart in one.figures:
            yield from _chart(page, chart, others)


def _privacy(page: Page) -> Iterator[str]:
    if page.privacy is None:
        return
    yield from _title("Privacy of training")
    for name, value in page.privacy.stated.items():
        yield from _wrapped(f"{name}: {value}", "  ", first="")
    if page.privacy.figure is not None:
        yield from _chart(page, page.privacy.figure, [])


def _figures(page: Page, measurements: Sequence[Measurement]) -> Iterator[str]:
    """A line or two for each: name, value, n, and who read it."""
    for one in measurements:
        name = one.name if one.group is None else f"{one.name} [{one.group}]"
        said = f"{measured(one)}, n = {one.n:,}"
        read = used(page, [one.name]) if one.group is None else []
        if read:
            said += "; read by " + _named(read)
        line = f"{_padded(name, 40)} {said}"
        if _wide(line) <= _WIDTH:
            yield line
        else:
            yield name
            yield from _wrapped(said, "    ")


def _chart(page: Page, chart: Figure, others: Sequence[tuple[str, str, list[str]]]) -> Iterator[str]:  # fmt: skip
    yield ""
    yield from _wrapped(f"{chart.title[0]}. {chart.says[0]}")
    yield from plot(chart.points)
    if chart.left_out:
        yield f"{chart.left_out} further figures were not measured, or have no place in it."
    read = used(page, chart.drawn)
    if read:
        yield from _wrapped(f"Read by {_named(read)}.")
    elif others:
        beside = "; ".join(f"{control} reads {', '.join(names)} ({status})" for control, status, names in others)  # fmt: skip
        yield from _wrapped(f"No control reads these figures themselves; beside them, {beside}.")
    else:
        yield from _wrapped("No control of this run reads them.")


def plot(points: Sequence[Point]) -> Iterator[str]:
    """Points under each other: `●` the figure, `─` its interval, `┆` what it should be; every so many of very many."""
    every = -(-len(points) // _MOST_POINTS)
    kept = [one for at, one in enumerate(points) if at % every == 0 or at == len(points) - 1]
    ends = [
        end for one in kept for end in (one.value, one.low, one.high, one.ideal) if end is not None
    ]
    low, high = min((0.0, *ends)), max((0.0, *ends))
    label = min(max((_wide(one.label) for one in kept), default=0), _LABEL)
    room = _WIDTH - label - _VALUE - 2
    for one in kept:
        cells = [" "] * room

        def at(value: float) -> int:
            return round((value - low) / ((high - low) or 1) * (len(cells) - 1))  # noqa: B023

        if one.low is not None and one.high is not None:
            cells[at(one.low) : at(one.high) + 1] = "─" * (at(one.high) - at(one.low) + 1)
        if one.ideal is not None:
            cells[at(one.ideal)] = "┆"
        if one.value is not None:
            cells[at(one.value)] = "●"
        value = "undefined" if one.value is None else number(one.value)
        yield f"{_padded(one.label, label)} {''.join(cells)} {value:>{_VALUE}}"


def _named(read: Sequence[tuple[str, str, list[str]]]) -> str:
    return "; ".join(f"{control} ({status})" for control, status, _ in read)


def _title(words: str) -> Iterator[str]:
    yield ""
    yield words
    yield "─" * min(_wide(words), _WIDTH)


def _wrapped(text: str, indent: str = "", first: str | None = None) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=indent if first is None else first, subsequent_indent=indent
    )


def _wide(text: str) -> int:
    """Columns that it takes; Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def _padded(text: str, width: int) -> str:
    """Text of just so many columns or, where it is not cut, more: the end stays, which says how many rows it is of."""
    if _wide(text) > width and width <= _LABEL:
        while _wide(text) >= width:
            middle = len(text) // 2
            text = text[: middle - 1] + text[middle:]
        middle = len(text) // 2
        text = text[:middle] + "…" + text[middle:]
    return text + " " * (width - _wide(text))
