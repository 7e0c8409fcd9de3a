"""The verb `predict`: predictions for any size of input, row by row, in its order."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from lextune.cli.app import app
from lextune.cli.output import Json, Set, Terminal, Trust, print_json, use_json
from lextune.errors import ConfigError, Problem


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
    """Predict every row of INPUT, whatever its size, in its order."""
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
    options = dataclasses.replace(read_options(config), text=column, label=None, others=others)
    context = ReadContext(options, Findings(stop_at_error=True))
    rows = stream_rows(source, context=context)
    count = 0
    with Terminal() as terminal, _writer(output) as write:
        advance = terminal.bar("rows", 0)
        pairs = predictor.predict_stream(rows, lambda row: row.values[column] or "")
        for number, (row, found) in enumerate(pairs, 1):
            line: dict[str, Any] = {"row": number}
            if id_column:
                line["id"] = row.values[id_column]
            line |= {"label": found.label, "score": round(found.score, 6)}
            line["scores"] = {name: round(value, 6) for name, value in found.scores.items()}
            write(line)
            count = number
            advance(1)
    if as_json:
        print_json({"rows": count, "output": str(output)})


@contextlib.contextmanager
def _writer(output: Path | None) -> Iterator[Any]:
    """A function that writes one row; a named file appears only when it is whole."""
    if output is None:
        yield lambda line: sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
        return
    temporary = output.with_name(f".{output.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "w", encoding="utf-8", newline="") as stream:
            yield _csv_rows(stream) if output.suffix == ".csv" else _json_rows(stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, output)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _json_rows(stream: IO[str]) -> Any:
    return lambda line: stream.write(json.dumps(line, ensure_ascii=False) + "\n")


def _csv_rows(stream: IO[str]) -> Any:
    writer = csv.writer(stream)
    wrote_head = False

    def write(line: dict[str, Any]) -> None:
        nonlocal wrote_head
        scores = line.pop("scores")
        flat = {**line, **{f"score.{name}": value for name, value in scores.items()}}
        if not wrote_head:
            writer.writerow(flat)
            wrote_head = True
        writer.writerow(flat.values())

    return write
