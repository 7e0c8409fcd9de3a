"""What the verb `predict` asks a model of each row of INPUT, by kind of input; it prints and writes nothing."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lextune.errors import ConfigError, Problem

if TYPE_CHECKING:
    from lextune.config import DataConfig
    from lextune.data.formats import RawRow, ReadContext
    from lextune.labels import InputKind
    from lextune.serving.predictor import Predictor

#: Several inputs in words, and the name under which an answer shows which input it is of.
NOUNS: Mapping[InputKind, tuple[str, str | None]] = {
    "text": ("rows", None), "image": ("images", "image"), "audio": ("sounds", "audio"),
    "history": ("histories", "user"), "record": ("records", None),
}  # fmt: skip
#: Files of requests, one a line; what else holds histories is a log of events.
_REQUESTS = (".jsonl", ".ndjson")


@dataclass(frozen=True)
class Asking:
    """The rows of INPUT and what is asked of each.

    Attributes:
        rows: In their order.
        input_of: Of a row, as `Predictor.predict_stream` takes it.
        shown: What stands in the answer to say which input it is of; None where the row's number says it.
        noun: Several of them.
    """

    rows: Iterator[RawRow]
    input_of: Callable[[RawRow], Any]
    shown: Callable[[RawRow], str | None] | None
    noun: str


@dataclass(frozen=True)
class Wanted:
    """What the command line says of reading.

    Attributes:
        source: A path, `pypi:…`, or `-`.
        column: The column of the text or of the file's path; None is the config's.
        id_column: To carry over.
        top_k: Of a recommender how many items; None is its usual number.
        personal: Whether a recommender looks at what somebody did.
    """

    source: str
    column: str | None = None
    id_column: str | None = None
    top_k: int | None = None
    personal: bool = True


def asking(predictor: Predictor, config: DataConfig, wanted: Wanted) -> Asking:
    """How INPUT is read for a release."""
    from lextune.data.dataset import read_options
    from lextune.data.findings import Findings
    from lextune.data.formats import FEATURES, ReadContext
    from lextune.data.prepare import stream_rows

    kind = predictor.input_kind
    if kind == "history" and (wanted.source == "-" or wanted.source.endswith(_REQUESTS)):
        return _requests(wanted)
    others = (wanted.id_column,) if wanted.id_column else ()
    named = dict.fromkeys(others, "--id-column")
    answers = predictor.label_kind if kind in ("image", "history") else "class"
    options = read_options(config, answers, kind)
    column = wanted.column or options.text
    if kind == "record":
        names = sorted(predictor.features)
        others = (*names, *others)
        named |= dict.fromkeys(names, FEATURES)
    options = dataclasses.replace(
        options,
        text=column,
        label=None,
        others=others,
        optional=(),
        options=named,
        everything=False,
    )
    rows = stream_rows(wanted.source, context=ReadContext(options, Findings(stop_at_error=True)))
    noun, shown = NOUNS[kind]
    if kind == "record":
        return Asking(rows, lambda row: {name: row.values[name] for name in names}, None, noun)
    if kind == "history":
        user = config.columns.user
        return Asking(
            rows,
            lambda row: _history(json.loads(row.values[column] or "[]"), wanted),
            lambda row: row.values[user],
            noun,
        )
    return Asking(
        rows, lambda row: row.values[column] or "",
        None if shown is None else lambda row: row.values[column] or None, noun,
    )  # fmt: skip


def _history(events: Any, wanted: Wanted, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A request as `serving.rows` takes it; what the command line says goes before what the row says."""
    request = {**(given or {}), "events": events}
    if wanted.top_k is not None:
        request["k"] = wanted.top_k
    if not wanted.personal:
        request["personalised"] = False
    return request


def _requests(wanted: Wanted) -> Asking:
    """Histories as JSON objects, one a line."""
    from lextune.data.formats import RawRow, ReadContext, ReadOptions

    if wanted.id_column is not None:
        raise ConfigError(
            Problem("--id-column means nothing to lines of histories", "write the id under `user`")
        )
    from lextune.data.findings import Findings
    from lextune.data.sources import find_sources

    context = ReadContext(
        ReadOptions(text="events", label=None, input_kind="history"), Findings(stop_at_error=True)
    )

    def rows() -> Iterator[RawRow]:
        for source in find_sources((wanted.source,), context):
            for number, line in enumerate(_lines(source, context), 1):
                yield RawRow({"request": line}, f"{source.name}:{number}")

    def input_of(row: RawRow) -> Any:
        given = _object(row.values["request"] or "")
        if isinstance(given, Problem):
            return given
        return _history(given["events"], wanted, given) if "events" in given else given

    def user(row: RawRow) -> str | None:
        given = _object(row.values["request"] or "")
        found = None if isinstance(given, Problem) else given.get("user")
        return None if found is None else str(found)

    return Asking(rows(), input_of, user, NOUNS["history"][0])


def _lines(source: Any, context: ReadContext) -> Iterator[str]:
    from lextune.data.opening import lines, open_text, told

    with told(source, context), open_text(source, context) as stream:
        for line in lines(stream, context):
            if line.strip():
                yield line


def _object(line: str) -> dict[str, Any] | Problem:
    from lextune.data.strict_json import decoder

    try:
        found = decoder().decode(line.strip())
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict):
        return found
    return Problem("is no JSON object", "write one JSON object a line")
