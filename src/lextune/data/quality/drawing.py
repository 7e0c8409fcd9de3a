"""Draws the rows that people are to review, and writes them down for them; it reads no verdict."""

from __future__ import annotations

import csv
import io

from lextune.config import DataConfig
from lextune.data.admission import Gate
from lextune.data.checks import read_parts
from lextune.data.dataset import Progress, read_options
from lextune.data.findings import Findings
from lextune.data.formats import ReadContext
from lextune.data.quality.sampling import drawn_order
from lextune.errors import ConfigError, Problem
from lextune.labels import InputKind, LabelKind


def draw_for_review(
    config: DataConfig,
    rows: int,
    progress: Progress | None = None,
    kind: LabelKind = "class",
    gate: Gate | None = None,
    inputs: InputKind = "text",
) -> tuple[bytes, int, int]:
    """The first rows of the draw as CSV with columns id, where, label, text, verdict, reviewer.

    Args:
        config: The `data` section.
        rows: How many at most.
        progress: Told what goes on.
        kind: What one label means.
        gate: Which rows may be used; None asks for consent as of today, where that is the basis.
        inputs: What a row is; of an image or a sound the path is written, in a column `image` or `audio`
            instead of `text`.

    Returns:
        (CSV in UTF-8 with a byte order mark, for spreadsheets; rows in it; rows that there are).

    Raises:
        DataError: The data cannot be read.
        ConfigError: Rows are events.
    """
    if inputs == "history":
        raise ConfigError(
            Problem("rows are events of users, of which nobody can say whether one is right", "leave the review out")
        )  # fmt: skip
    context = ReadContext(read_options(config, kind, inputs), Findings(), gate=gate or Gate(config))
    corpus = read_parts(config, context, progress)["train"]
    context.findings.raise_errors()
    order = drawn_order(corpus.ids, config.quality.seed)[:rows]
    taken = corpus.take(order)
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    filed = taken.images or taken.sounds
    shown = taken.texts if filed is None else filed.files
    writer.writerow(("id", "where", "label", inputs, "verdict", "reviewer"))
    columns = zip(taken.ids.astype(str).tolist(), taken.places, shown, strict=True)
    for row, (name, place, text) in enumerate(columns):
        writer.writerow((name, place, taken.labels[row] or "", text, "", ""))
    return stream.getvalue().encode("utf-8-sig", "surrogatepass"), len(taken), len(corpus)
