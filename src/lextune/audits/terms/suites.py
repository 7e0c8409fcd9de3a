"""Reads suites of sentences that differ in who is spoken of, by their columns, and makes one of templates; it asks no model."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lextune.audits.terms.lists import Terms, terms_of
from lextune.errors import DataError, Problem

Line = Mapping[str, str]


@dataclass(frozen=True)
class Suite:
    """Sentences in sets, those of a set alike but for who is spoken of.

    Attributes:
        texts: The sentences.
        sets: Of each sentence.
        groups: By attribute, the group of each sentence; null where it has none.
    """

    texts: Sequence[str]
    sets: Sequence[str]
    groups: Mapping[str, Sequence[str | None]]

    def drawn(self, most: int, seed: int) -> Suite:
        """At most so many sentences, whole sets, drawn; one set at least."""
        names = sorted(set(self.sets))
        order = np.random.default_rng([seed, 3]).permutation(len(names))
        size: dict[str, int] = {}
        for name in self.sets:
            size[name] = size.get(name, 0) + 1
        chosen: set[str] = set()
        for number in order.tolist():
            most -= size[names[number]]
            if chosen and most < 0:
                break
            chosen.add(names[number])
        rows = [row for row, name in enumerate(self.sets) if name in chosen]
        groups = {name: [values[row] for row in rows] for name, values in self.groups.items()}
        return Suite([self.texts[row] for row in rows], [self.sets[row] for row in rows], groups)


def from_templates(terms: Terms, attribute: str) -> Suite:
    """Each template with a person of each group of an attribute; the template is the set."""
    wanted = terms.attributes[attribute]
    texts, sets, groups = [], [], []
    for template in terms.templates:
        for person, group in zip(wanted.people, wanted.groups, strict=True):
            made = template.replace("{}", person)
            texts.append(made[:1].upper() + made[1:])
            sets.append(template)
            groups.append(group)
    return Suite(texts, sets, {attribute: groups})


def joined(suites: Sequence[Suite]) -> Suite:
    """Several suites of the same attributes as one."""
    return Suite(
        [text for one in suites for text in one.texts],
        [name for one in suites for name in one.sets],
        {
            name: [group for one in suites for group in one.groups[name]]
            for name in suites[0].groups
        },
    )


def read_suite(path: str) -> Suite:
    """A suite in a CSV or TSV file, told by its columns.

    Known are those of the Equity Evaluation Corpus (Kiritchenko and Mohammad 2018), of Winogender (Rudinger et al. 2018),
    of the identity terms in sentences of Dixon et al. 2018, and `text`, `set` and further columns, one an attribute.

    Raises:
        DataError: It cannot be read, or its columns are none of these.
    """
    try:
        content = Path(path).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            Problem("the suite cannot be read", "give the path of a CSV or TSV file in UTF-8", type(error).__name__, path)
        ) from error  # fmt: skip
    header = content.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(content), delimiter="\t" if "\t" in header else ",")
    columns = set(reader.fieldnames or ())
    for wanted, read in _SHAPES.items():
        if set(wanted) <= columns:
            suite = read(list(reader))
            if not suite.texts:
                raise DataError(
                    Problem("the suite holds no sentence", "give another file", where=path)
                )
            return suite
    known = "; or ".join(", ".join(one) for one in _SHAPES)
    remedy = f"give text, set and a column of groups, or the columns of {known}"
    raise DataError(Problem("the suite has columns that are not known", remedy, where=path))


def _equity(lines: Sequence[Line]) -> Suite:
    """A set is a template with an emotion word; people in it differ in gender and race."""
    return Suite(
        [line["Sentence"] for line in lines],
        [f"{line['Template']}|{line['Emotion word']}" for line in lines],
        {name.lower(): [line[name] or None for line in lines] for name in ("Gender", "Race")},
    )


def _winogender(lines: Sequence[Line]) -> Suite:
    """A set is an occupation, a participant and an answer; `sentid` ends in the gender."""
    parts = [line["sentid"].removesuffix(".txt").rpartition(".") for line in lines]
    return Suite(
        [line["sentence"] for line in lines], [one[0] for one in parts], {"gender": [one[2] for one in parts]}
    )  # fmt: skip


def _identity(lines: Sequence[Line]) -> Suite:
    """A set is a sentence without its identity term; sentences without one, or with several, are left out."""
    terms = terms_of("en")
    pattern = terms.pattern_of(frozenset(terms.identity))
    texts, sets, groups = [], [], []
    for line in lines:
        found = list(pattern.finditer(line["Text"]))
        if len(found) == 1:
            start, end = found[0].span()
            texts.append(line["Text"])
            sets.append(f"{line['Text'][:start]}{{}}{line['Text'][end:]}")
            groups.append(found[0].group().lower())
    return Suite(texts, sets, {"identity": groups})


def _own(lines: Sequence[Line]) -> Suite:
    """Every column besides `text` and `set` is an attribute."""
    names = [name for name in (lines[0] if lines else {}) if name and name not in ("text", "set")]
    return Suite(
        [line["text"] for line in lines], [line["set"] for line in lines],
        {name: [line[name] or None for line in lines] for name in names},
    )  # fmt: skip


_SHAPES: dict[tuple[str, ...], Callable[[Sequence[Line]], Suite]] = {
    ("Sentence", "Template", "Gender", "Race", "Emotion word"): _equity,
    ("sentid", "sentence"): _winogender,
    ("Text", "Label", "Template"): _identity,
    ("text", "set"): _own,
}
