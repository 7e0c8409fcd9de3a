"""Counts texts or images that nearly repeat others, in a part and across parts, also with other labels; it changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from lextune.data.checks import tell_rows
from lextune.data.columns import Ints, Spool, Texts, same
from lextune.data.dataset import Rows
from lextune.data.findings import PLACES, Findings
from lextune.data.quality.base import QualityInput, not_for, quality_checks
from lextune.data.quality.lookalikes import (
    LEAST_CORRELATION,
    MOST_BITS,
    SIDE,
    find_lookalikes,
    read_thumbnails,
)
from lextune.data.quality.neighbours import PERMUTATIONS, Pairs, find_pairs, rows_per_band
from lextune.data.quality.results import QualityResult
from lextune.data.quality.shingles import WIDTH
from lextune.records import Measurement


@dataclass(frozen=True)
class _Distinct:
    """The distinct texts of each part, part after part.

    Attributes:
        part: Number of the part of each, ascending.
        row: Its row there.
        text: Equal for equal texts, in all parts.
        label: Equal for equal labels, in all parts.
    """

    part: Ints
    row: Ints
    text: Ints
    label: Ints


@quality_checks.register("near_duplicates")
def near_duplicates(given: QualityInput, findings: Findings) -> QualityResult:
    """Near duplicates: texts by MinHash, confirmed by exact Jaccard on six-byte shingles of the normalised text;
    images by a perceptual hash, confirmed by their thumbnails.

    Texts that are the same after normalising, and files of the same bytes, are not counted: the first checks do
    that. A row counts where an
    earlier row of its part is near; a test row leaks where a row of train or validation is. Labels conflict
    where rows of a part that are near, directly or through others, have different ones.
    """
    if given.corpus.sounds is not None:
        return QualityResult(
            check="near_duplicates", status="not_applicable",
            reason="rows are sounds: files of the same bytes are counted, and nobody compared how others sound",
        )  # fmt: skip
    if given.corpus.records:
        return not_for("near_duplicates", "record")
    names = list(given.parts)
    distinct = _distinct(list(given.parts.values()))
    pairs, parameters = _pairs(given, distinct)
    inside = distinct.part[pairs.later] == distinct.part[pairs.earlier]
    conflicts = _conflicts(distinct, pairs) if given.corpus.kind == "class" else None
    measurements: list[Measurement] = []
    totals = {"near_duplicate_rows": 0, "near_conflicting_rows": 0}
    for number, name in enumerate(names):
        rows = given.parts[name]
        of_part = distinct.part[pairs.later] == number
        found = {"near_duplicate_rows": distinct.row[pairs.later[inside & of_part]]}
        if conflicts is not None:
            found["near_conflicting_rows"] = distinct.row[
                conflicts[distinct.part[conflicts] == number]
            ]
        for kind, at in found.items():
            totals[kind] += len(at)
            measurements.append(_count(kind, len(at), len(rows), f"part={name}"))
        _tell(name, rows, found, findings)
        if number:
            _leaks(name, rows, distinct.row[pairs.later[~inside & of_part]], measurements, findings)
    total = sum(len(rows) for rows in given.parts.values())
    if conflicts is None:
        del totals["near_conflicting_rows"]
    measurements += [_count(kind, value, total) for kind, value in totals.items()]
    return QualityResult(
        check="near_duplicates",
        parameters=parameters,
        measurements=tuple(measurements),
        details={
            "compared_pairs": pairs.candidates,
            "distinct_texts": len(distinct.row),
            "pairs": _shown_pairs(given, names, distinct, pairs),
        },
    )


def _pairs(given: QualityInput, distinct: _Distinct) -> tuple[Pairs, dict[str, Any]]:
    """The pairs, and what they were found by."""
    parts = list(given.parts.values())
    columns = [part.images for part in parts if part.images is not None]
    if columns:
        rows = [distinct.row[distinct.part == number] for number in range(len(parts))]
        files = [path for one, at in zip(columns, rows, strict=True) for path in one.files.take(at)]
        hashes = np.concatenate([one.perceptual[at] for one, at in zip(columns, rows, strict=True)])
        pairs = find_lookalikes(
            hashes, distinct.part, distinct.text, partial(read_thumbnails, files)
        )
        return pairs, {
            "hash_bits": 64, "most_bits": MOST_BITS, "thumbnail_side": SIDE,
            "threshold": LEAST_CORRELATION,
        }  # fmt: skip
    threshold, seed = given.config.near_duplicate_threshold, given.config.seed
    texts = _texts(parts, distinct, given.scratch)
    return find_pairs(texts, distinct.part, distinct.text, threshold, seed), {
        "threshold": threshold, "seed": seed, "permutations": PERMUTATIONS,
        "rows_per_band": rows_per_band(threshold), "shingle_bytes": WIDTH,
    }  # fmt: skip


def _distinct(parts: list[Rows]) -> _Distinct:
    """Each text of each part once, at its first row; empty texts are not compared."""
    number = {name: i for i, name in enumerate(sorted({n for p in parts for n in p.labels.names}))}
    texts = same(*(part.normal for part in parts))
    found: list[tuple[Ints, Ints, Ints, Ints]] = []
    for index, (part, text) in enumerate(zip(parts, texts, strict=True)):
        rows = np.flatnonzero(~part.empty)
        rows = rows[np.argsort(part.ids[rows])]  # whichever order the rows came in
        first = np.sort(np.unique(text[rows], return_index=True)[1])
        rows = rows[first]
        labels = part.labels.numbered(number)[rows]
        found.append((np.full(len(rows), index), rows, text[rows], labels))
    part_number, row, text_number, label = (
        np.concatenate(column) for column in zip(*found, strict=True)
    )
    return _Distinct(part_number, row, text_number, label)


def _texts(parts: list[Rows], distinct: _Distinct, scratch: Path | None) -> Texts:
    """The distinct texts as one column, on disk."""
    with Spool(scratch) as spool:
        for index, part in enumerate(parts):
            spool.extend(part.texts.take(distinct.row[distinct.part == index]))
        return spool.column()


def _conflicts(distinct: _Distinct, pairs: Pairs) -> Ints:
    """Texts of which a near one in the same part, directly or through others, has another label."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    size = len(distinct.row)
    links = coo_array(
        (np.ones(len(pairs.later), bool), (pairs.later, pairs.earlier)), shape=(size, size)
    )
    cluster = connected_components(links, directed=False)[1].astype(np.int64)
    key = cluster * (int(distinct.part.max(initial=0)) + 1) + distinct.part
    order = np.lexsort((distinct.label, key))
    key, label = key[order], distinct.label[order]
    differ = (key[1:] == key[:-1]) & (label[1:] != label[:-1])
    found: Ints = np.sort(order[np.isin(key, key[1:][differ])])
    return found


def _count(name: str, value: int, n: int, group: str | None = None) -> Measurement:
    """A count without an interval: the hashes may have missed a few."""
    return Measurement(name=name, value=value, n=n, unit="rows", group=group)


def _tell(name: str, rows: Rows, found: dict[str, Ints], findings: Findings) -> None:
    found = {kind: np.sort(at) for kind, at in found.items()}
    tell_rows(findings, "near_duplicate", "warning", f"rows of {name} that nearly repeat the {rows.noun} of another",
          "look at them; remove what was copied", rows, found["near_duplicate_rows"])  # fmt: skip
    conflicting = found.get("near_conflicting_rows", np.zeros(0, np.int64))
    tell_rows(findings, "near_conflicting_labels", "warning",
          f"rows of {name} whose {rows.noun} stands there nearly the same with different labels",
          "decide on one label for each, or remove them", rows, conflicting)  # fmt: skip


def _leaks(
    name: str, rows: Rows, at: Ints, measurements: list[Measurement], findings: Findings
) -> None:
    where = "train" if name == "validation" else "train or validation"
    tell_rows(findings, f"near_leaked_{name}_rows", "warning",
          f"of {len(rows):,} rows of {name}, those that stand in {where} nearly the same",
          "remove them from one of the parts: the score is too good", rows, np.sort(at))  # fmt: skip
    measurements.append(_count(f"near_leaked_{name}_rows", len(at), len(rows)))


def _shown_pairs(
    given: QualityInput, names: list[str], distinct: _Distinct, pairs: Pairs
) -> list[dict[str, Any]]:
    """The places of the first pairs, those across parts before the others."""
    inside = distinct.part[pairs.later] == distinct.part[pairs.earlier]
    found = []
    for pair in np.lexsort((-pairs.similarity, inside))[:PLACES].tolist():
        one: dict[str, Any] = {"similarity": round(float(pairs.similarity[pair]), 4)}
        for key, number in (("row", pairs.later[pair]), ("near", pairs.earlier[pair])):
            part = names[int(distinct.part[number])]
            one[key] = {"part": part, "place": given.parts[part].places[int(distinct.row[number])]}
        one["same_label"] = bool(
            distinct.label[pairs.later[pair]] == distinct.label[pairs.earlier[pair]]
        )
        found.append(one)
    return found
