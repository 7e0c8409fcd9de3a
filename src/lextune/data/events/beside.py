"""Reads what is known of items in words, and of users by group, from files beside an event log; it knows no event."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from lextune.config import DataConfig
from lextune.data.events.reading import LOGS
from lextune.data.findings import shown
from lextune.data.formats import RawRow, ReadContext, Source
from lextune.data.opening import open_bytes, read_source, told
from lextune.data.sources import find_sources


class _Table(NamedTuple):
    """A file of MovieLens without a header: what stands between its cells, and their names."""

    separator: str
    columns: tuple[str, ...]


#: https://files.grouplens.org/datasets/movielens/ml-100k-README.txt: the genres of u.item, in the order of their flags.
_GENRES = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama", "Fantasy",
    "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip
_ITEMS = {
    "u.item": _Table("|", ("movieId", "title", "released", "video_released", "url", *_GENRES)),
    "movies.dat": _Table("::", ("movieId", "title", "genres")),
}
_USERS = {
    "u.user": _Table("|", ("user", "age", "gender", "occupation", "zip")),
    "users.dat": _Table("::", ("user", "gender", "age", "occupation", "zip")),
}
_NO_GENRES = "(no genres listed)"


def read_items(config: DataConfig, context: ReadContext) -> dict[str, str]:
    """What each known item is in words, `title. attribute, attribute`; empty where the file says nothing of it.

    The file is `data.items`, or `movies.csv`, `movies.dat` or `u.item` beside the events of train.
    """
    source = _items_source(config, context)
    if source is None:
        context.findings.add(
            "no_item_texts", "warning", "nothing is known of the items in words",
            "name a file of items in data.items; without, an item that nobody met has no place", unit="sources",
        )  # fmt: skip
        return {}
    name = Path(source.name).name
    columns: tuple[str, ...]
    if name in _ITEMS:
        rows, key, columns = _rows(source, _ITEMS[name], context), "movieId", ("title", "genres")
    else:
        key = config.columns.item
        if name == "movies.csv" and config.columns.item == "item":
            key = "movieId"
        columns = config.columns.item_text
        rows = _table_rows(source, key, columns, context)
    found: dict[str, str] = {}
    for raw in rows:
        item = raw.values.get(key) or ""
        if not item.strip():
            context.skip(
                "nameless_item", "items without an id", "write it there, or remove the row", raw.where
            )  # fmt: skip
            continue
        if item in found:
            context.findings.add(
                "repeated_item", "warning", "items that stand twice in the file of items; the first is used",
                "keep one of them", raw.where,
            )  # fmt: skip
            continue
        found[item] = _in_words(raw, columns)
    _tell_wordless(found, columns, source, context)
    return found


def read_groups(config: DataConfig, context: ReadContext) -> dict[str, dict[str, str]]:
    """Group columns that stand in `u.user` or `users.dat` beside the events: user to value, by column."""
    path = _beside(config, tuple(_USERS))
    if path is None or not config.columns.group:
        return {}
    table = _USERS[path.name]
    wanted = [name for name in config.columns.group if name in table.columns]
    found: dict[str, dict[str, str]] = {name: {} for name in wanted}
    if wanted:
        for raw in _rows(Source(str(path), path=path), table, context):
            for name in wanted:
                found[name][raw.values["user"] or ""] = raw.values[name] or ""
    return found


def _items_source(config: DataConfig, context: ReadContext) -> Source | None:
    if config.items is not None:
        return next(iter(find_sources((config.items,), context)), None)
    path = _beside(config, ("movies.csv", *_ITEMS))
    return None if path is None else Source(str(path), path=path)


def _beside(config: DataConfig, names: tuple[str, ...]) -> Path | None:
    """The first of these files that lies where the events of train do."""
    path = Path(config.train[0])
    folder = path if path.is_dir() else path.parent
    if not path.exists() or (path.is_dir() and not any((path / name).is_file() for name in LOGS)):
        return None
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _table_rows(
    source: Source, key: str, columns: tuple[str, ...], context: ReadContext
) -> Iterator[RawRow]:
    options = context.options
    context.options = dataclasses.replace(
        options, text=key, label=None, others=(), optional=columns, format=None,
        options={key: "data.columns.item"},
    )  # fmt: skip
    try:
        yield from read_source(source, context)
    finally:
        context.options = options


def _rows(source: Source, table: _Table, context: ReadContext) -> Iterator[RawRow]:
    """Of a file without a header; in UTF-8 where it is that, else in Latin-1, as the older of them are."""
    with told(source, context):
        with open_bytes(source, context) as stream:
            data = stream.read()
        try:
            text, encoding = data.decode(), "utf-8"
        except UnicodeDecodeError:
            text, encoding = data.decode("latin-1"), "latin-1 (as MovieLens is written)"
        context.encodings[source.name] = encoding
        for number, line in enumerate(text.split("\n"), 1):
            cells = line.rstrip("\r").split(table.separator)
            if cells == [""]:
                continue
            where = f"{source.name}:{number}"
            if len(cells) != len(table.columns):
                context.skip(
                    "ragged_row", f"records that do not have the {len(table.columns)} cells of {Path(source.name).name}",
                    "write the file as MovieLens has it, or give a CSV in data.items", where,
                )  # fmt: skip
                continue
            values: dict[str, str | None] = {
                name: cell or None for name, cell in zip(table.columns, cells, strict=True)
            }
            if "genres" not in values:
                values["genres"] = "|".join(name for name in _GENRES if values.get(name) == "1")
            yield RawRow(values, where)


def _in_words(raw: RawRow, columns: tuple[str, ...]) -> str:
    cells = (" ".join((raw.values.get(name) or "").split()) for name in columns)
    return ". ".join(cell.replace("|", ", ") for cell in cells if cell and cell != _NO_GENRES)


def _tell_wordless(
    found: dict[str, str], columns: tuple[str, ...], source: Source, context: ReadContext
) -> None:
    without = sum(not words for words in found.values())
    if without:
        context.findings.add(
            "item_without_text", "warning",
            f"items of which {', '.join(map(shown, columns))} say nothing",
            "fill them in, or name other columns in data.columns.item_text", source.name, count=without, unit="items",
        )  # fmt: skip
