"""Reads LJSpeech's table, `id|text|normalised text` without a header or quotes, with sounds in `wavs`; it opens no sound.

Layout: https://keithito.com/LJ-Speech-Dataset/.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lextune.data.audio.layouts import is_ljspeech, lacks_columns, lj_sound, lj_table
from lextune.data.formats import RawRow, ReadContext, ReadOptions, Source, data_format
from lextune.data.opening import lines, open_text

#: What the cells are called, for `data.columns.label` and the like.
_COLUMNS = ("id", "text", "normalized_text")


def _recognise(path: Path, options: ReadOptions) -> bool:  # noqa: ARG001
    return is_ljspeech(path)


@data_format("ljspeech", recognise=_recognise, inputs="audio")
def read_ljspeech(source: Source, context: ReadContext) -> Iterator[RawRow]:
    """One row per line. The label is the normalised text, or the text where a line has no other.

    The columns `id`, `text` and `normalized_text` can be named as the label too. Quotes are signs like others.
    """
    if source.path is None or not lj_table(source.path).exists():
        context.findings.add(
            "no_source", "error", "there is no such file or folder", "check the path", source.name,
            unit="sources",
        )  # fmt: skip
        return
    table = lj_table(source.path)
    if lacks_columns(_COLUMNS, source, context):
        return
    name = source.name if source.path == table else f"{source.name.rstrip('/')}/{table.name}"
    place = Source(name, path=table)
    with open_text(place, context) as stream:
        for line in lines(stream, context):
            where = f"{name}:{context.line}"
            if context.not_text(where) or not line.strip("\r\n"):
                continue
            cells = line.rstrip("\r\n").split("|")
            if len(cells) not in (2, 3):
                context.skip(
                    "ragged_row", "lines that are not id|text or id|text|normalised text",
                    "write the line so, without further bars", where,
                )  # fmt: skip
                continue
            yield RawRow(_values(cells, table, context.options), where)


def _values(cells: list[str], table: Path, options: ReadOptions) -> dict[str, str | None]:
    values: dict[str, str | None] = dict.fromkeys(_COLUMNS)
    values |= {name: cell or None for name, cell in zip(_COLUMNS, cells, strict=False)}
    if options.label is not None:
        values.setdefault(options.label, values["normalized_text"] or values["text"])
    found = lj_sound(table, cells[0])
    # of a sound that is not there, whoever looks at it tells the place
    values[options.text] = str(found or table.parent / "wavs" / f"{cells[0]}.wav")
    return values
