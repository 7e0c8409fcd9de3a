"""The verb `predict`: predictions for any size of input, row by row, in its order."""

from __future__ import annotations

import codecs
import contextlib
import csv
import dataclasses
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from lextune.cli.app import app
from lextune.cli.output import (
    Json,
    Set,
    Terminal,
    Trust,
    print_json,
    problem_documents,
    stdout_problems,
    use_json,
)
from lextune.errors import ConfigError, DataError, ExitCode, Problem

if TYPE_CHECKING:
    from lextune.data.formats import RawRow
    from lextune.serving.predictor import AnyPrediction, Predictor

_Line = dict[str, Any]
_Text = TextIO | codecs.StreamWriter


@app.command("predict")
def predict(
    release: Annotated[Path, typer.Argument(help="A release's folder.")],
    source: Annotated[str, typer.Argument(metavar="INPUT", help="File, folder, or - for JSONL.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="FILE.jsonl or FILE.csv; else stdout.")
    ] = None,
    text_column: Annotated[str | None, typer.Option(help="Column of the text.")] = None,
    id_column: Annotated[str | None, typer.Option(help="Column to carry over as `id`.")] = None,
    overrides: Set = None,
    trust: Trust = None,
    as_json: Json = False,
) -> None:
    """Predict every row of INPUT, whatever its size, in its order; a row without a text gets no label."""
    use_json(as_json)
    if as_json and output is None:
        raise ConfigError(
            Problem("--json needs -o FILE", "name a file", "stdout holds one JSON document only")
        )
    from lextune.config import load_config
    from lextune.data.dataset import read_options
    from lextune.data.findings import Findings
    from lextune.data.formats import ReadContext
    from lextune.data.prepare import stream_rows
    from lextune.evidence.keys import load_trust
    from lextune.serving.predictor import load_release

    predictor = load_release(release, load_trust(Path(trust) if trust else None))
    others = (id_column,) if id_column else ()
    config = load_config(predictor.config.for_other_data(), overrides or []).data
    column = text_column or config.columns.text
    options = dataclasses.replace(
        read_options(config), text=column, label=None, others=others,
        options=dict.fromkeys(others, "--id-column"),
    )  # fmt: skip
    context = ReadContext(options, Findings(stop_at_error=True))
    rows = stream_rows(source, context=context)
    count, missing = _predict(predictor, rows, column, id_column, output)
    problems = [_without_text(missing, count)] if missing else []
    if as_json:
        told = {"without_text": len(missing), "problems": problem_documents(problems)}
        print_json({"rows": count, "output": str(output), **(told if missing else {})})
        raise typer.Exit(int(ExitCode.USAGE if missing else ExitCode.DONE))
    if problems:
        raise DataError(problems)


def _predict(
    predictor: Predictor,
    rows: Iterator[RawRow],
    column: str,
    id_column: str | None,
    output: Path | None,
) -> tuple[int, list[int]]:
    """Write an answer for each row; gives their number and which of them (from 1) have no text."""
    keys = _KEYS[predictor.label_kind]
    columns = ["row", *(["id"] if id_column else []), *(key for key in keys if key != "scores")]
    columns += [f"score.{name}" for name in predictor.classes if "scores" in keys]
    count, missing = 0, list[int]()
    with Terminal() as terminal, _writer(output, columns) as write:
        advance = terminal.bar("rows", 0)
        pairs = predictor.predict_stream(rows, lambda row: row.values[column] or "")
        for count, (row, found) in enumerate(pairs, 1):
            line: dict[str, Any] = {"row": count}
            if id_column:
                line["id"] = row.values[id_column]
            if (row.values[column] or "").strip():
                write(line | _answer(found))
            else:
                missing.append(count)
                write(line | dict.fromkeys(keys) | _NO_TEXT)
            advance(1)
    return count, missing


#: A model answers anything, the empty text too; an answer to no question would pass for a prediction.
_NO_TEXT = {"problem": "no text"}
#: What is said of a text, by kind of model.
_KEYS = {
    "class": ("label", "score", "scores"),
    "classes": ("labels", "scores"),
    "spans": ("entities",),
}


def _answer(found: AnyPrediction) -> dict[str, Any]:
    """As JSON, with scores that are no longer than they are sure."""
    rounded: dict[str, Any] = json.loads(
        json.dumps(found.model_dump(mode="json")), parse_float=lambda text: round(float(text), 6)
    )
    return rounded


def _without_text(rows: Sequence[int], count: int) -> Problem:
    return Problem(
        f"{len(rows)} of {count} rows have no text; the first is row {rows[0]}",
        "leave them out or give them a text; or name another column with --text-column",
        "their answers are empty; every other row was predicted",
    )


@contextlib.contextmanager
def _writer(output: Path | None, columns: Sequence[str]) -> Iterator[Callable[[_Line], None]]:
    """A function that writes one row; a named file appears only when it is whole."""
    if output is None:
        yield _guarded(_json_rows(sys.stdout), stdout_problems)
        return
    from lextune.files import disk_problems, open_output

    with open_output(output) as stream:
        text = codecs.getwriter("utf-8")(stream)
        write = _csv_rows(text, columns) if output.suffix == ".csv" else _json_rows(text)
        yield _guarded(write, lambda: disk_problems(output))


def _guarded(
    write: Callable[[_Line], object], guard: Callable[[], AbstractContextManager[None]]
) -> Callable[[_Line], None]:
    """Only what goes wrong in writing is told as such; what goes wrong in reading the rows is not."""

    def guarded(line: _Line) -> None:
        with guard():
            write(line)

    return guarded


def _json_rows(stream: _Text) -> Callable[[_Line], object]:
    return lambda line: stream.write(json.dumps(line, ensure_ascii=False) + "\n")


def _csv_rows(stream: _Text, columns: Sequence[str]) -> Callable[[_Line], object]:
    """Rows under a head that does not depend on the first of them; a row without text has empty cells."""
    writer = csv.DictWriter(stream, columns, extrasaction="ignore")
    writer.writeheader()

    def write(line: _Line) -> None:
        cells = {f"score.{name}": value for name, value in (line.get("scores") or {}).items()}
        for key in ("labels", "entities"):
            if line.get(key) is not None:
                cells[key] = json.dumps(line[key], ensure_ascii=False)
        writer.writerow(line | cells)

    return write
