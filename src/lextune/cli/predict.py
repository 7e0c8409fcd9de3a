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
def predict(  # noqa: PLR0913, PLR0917 - a verb has as many options as there are things to say
    release: Annotated[Path, typer.Argument(help="A release's folder.")],
    source: Annotated[str, typer.Argument(metavar="INPUT", help="File, folder, or - for JSONL.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="FILE.jsonl or FILE.csv; else stdout.")
    ] = None,
    text_column: Annotated[str | None, typer.Option(help="Column of the text.")] = None,
    image_column: Annotated[str | None, typer.Option(help="Column of the image's path.")] = None,
    id_column: Annotated[str | None, typer.Option(help="Column to carry over as `id`.")] = None,
    draw: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Draw the answers on the images, into DIR.")
    ] = None,
    masks: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write found masks as indexed PNG into DIR.")
    ] = None,
    overrides: Set = None,
    trust: Trust = None,
    as_json: Json = False,
) -> None:
    """Predict every row of INPUT, or every image, whatever its size, in its order.

    A row without a text and an image that cannot be read get no answer.
    """
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
    images = predictor.input_kind == "image"
    if images:
        from lextune.training.machine import keep_freed_memory

        keep_freed_memory()
    _check_options(predictor, source, text_column, image_column, draw=draw, masks=masks)
    kind = predictor.label_kind if images else "class"
    options = read_options(config, kind, predictor.input_kind)
    column = text_column or image_column or options.text
    options = dataclasses.replace(
        options, text=column, label=None, others=others, options=dict.fromkeys(others, "--id-column"),
    )  # fmt: skip
    context = ReadContext(options, Findings(stop_at_error=True))
    rows = stream_rows(source, context=context)
    pictures = _Pictures(predictor.classes, draw, masks)
    count, missing = _predict(predictor, rows, _Asked(column, id_column, output, pictures))
    problems = [(_unreadable if images else _without_text)(missing, count)] if missing else []
    if as_json:
        told = {
            "unreadable" if images else "without_text": len(missing),
            "problems": problem_documents(problems),
        }
        print_json({"rows": count, "output": str(output), **(told if missing else {})})
        raise typer.Exit(int(ExitCode.USAGE if missing else ExitCode.DONE))
    if problems:
        raise DataError(problems)


def _check_options(
    predictor: Predictor, source: str, text_column: str | None, image_column: str | None, **folders: Path | None
) -> None:  # fmt: skip
    """Refuse options that the release does not know, and pictures among those that are read."""
    images = predictor.input_kind == "image"
    idle = {
        "--text-column": text_column is not None and images,
        "--image-column": image_column is not None and not images,
        "--draw": folders["draw"] is not None and not images,
        "--masks": folders["masks"] is not None and predictor.label_kind != "mask",
    }
    problems = [
        Problem(f"{name} means nothing to a release of the task {predictor.task}", f"leave {name} out")
        for name, given in idle.items()
        if given
    ]  # fmt: skip
    root = Path(source).resolve()
    problems += [
        Problem(f"--{name} is inside INPUT", "name a folder elsewhere", "the next call would predict its pictures")
        for name, folder in folders.items()
        if folder is not None and folder.resolve().is_relative_to(root)
    ]  # fmt: skip
    if problems:
        raise ConfigError(problems)


@dataclasses.dataclass(frozen=True)
class _Asked:
    """What is read of each row, and what is written of it."""

    column: str
    id_column: str | None
    output: Path | None
    pictures: _Pictures


def _predict(predictor: Predictor, rows: Iterator[RawRow], asked: _Asked) -> tuple[int, list[int]]:
    """Write an answer for each row; gives their number and which of them (from 1) have none."""
    column, id_column = asked.column, asked.id_column
    images = predictor.input_kind == "image"
    keys = _KEYS[predictor.label_kind]
    columns = ["row", *(["id"] if id_column else []), *(["image"] if images else [])]
    columns += [key for key in keys if key != "scores"] + asked.pictures.columns
    columns += [f"score.{name}" for name in predictor.classes if "scores" in keys]
    columns += ["problem"] if images else []
    count, missing = 0, list[int]()
    with Terminal() as terminal, _writer(asked.output, columns) as write:
        advance = terminal.bar("images" if images else "rows", 0)
        pairs = predictor.predict_stream(rows, lambda row: row.values[column] or "")
        for count, (row, found) in enumerate(pairs, 1):
            line: dict[str, Any] = {"row": count}
            if id_column:
                line["id"] = row.values[id_column]
            given = row.values[column] or ""
            if images:
                line["image"] = given or None
            if not isinstance(found, Problem) and given.strip():
                write(line | _answer(found) | asked.pictures.write(count, given, found))
            else:
                missing.append(count)
                write(line | dict.fromkeys(keys) | {"problem": _problem(found)})
            advance(1)
    return count, missing


def _problem(found: AnyPrediction | Problem) -> str:
    """Why a row has no answer: a model answers anything, the empty text too, and that would pass for a prediction."""
    return found.reason or found.fact if isinstance(found, Problem) else "no text"


class _Pictures:
    """The folders of pictures that are written beside the answers, each named by its row and its image."""

    def __init__(self, classes: Sequence[str], draw: Path | None, masks: Path | None) -> None:
        self._classes, self._draw, self._masks = classes, draw, masks

    @property
    def columns(self) -> list[str]:
        """Of CSV."""
        return ["mask"] * (self._masks is not None) + ["drawn"] * (self._draw is not None)

    def write(self, row: int, image: str, found: AnyPrediction) -> dict[str, str]:
        """The pictures of one answer; gives their paths."""
        from lextune.serving.answers import MaskPrediction
        from lextune.serving.pictures import drawn, image_input

        paths: dict[str, str] = {}
        name = f"{row:06}-{Path(image).stem[:80]}"
        if self._masks is not None and isinstance(found, MaskPrediction):
            paths["mask"] = self._written(self._masks / f"{name}.png", found.mask)
        if self._draw is not None:
            given = image_input(image)
            if isinstance(given, Problem):
                raise DataError(
                    Problem(f"row {row}: the image {given.fact}", given.remedy, "it is gone")
                )
            suffix = ".png" if image.lower().endswith(".png") else ".jpg"
            picture = drawn(given.data or b"", found, self._classes, suffix)
            paths["drawn"] = self._written(self._draw / f"{name}{suffix}", picture)
        return paths

    def _written(self, path: Path, data: bytes) -> str:
        from lextune.files import disk_problems, write_atomic

        with disk_problems(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, data)
        return str(path)


#: What is said of a text or image, by kind of model.
_KEYS = {
    "class": ("label", "score", "scores"),
    "classes": ("labels", "scores"),
    "spans": ("entities",),
    "boxes": ("boxes",),
    "mask": ("segments",),
}
#: Of these, what is a list.
_LISTS = ("labels", "entities", "boxes", "segments")


def _answer(found: AnyPrediction) -> dict[str, Any]:
    """As JSON, with scores that are no longer than they are sure."""
    rounded: dict[str, Any] = json.loads(
        json.dumps(found.model_dump(mode="json", exclude={"mask"})),
        parse_float=lambda text: round(float(text), 6),
    )
    return rounded


def _without_text(rows: Sequence[int], count: int) -> Problem:
    return Problem(
        f"{len(rows)} of {count} rows have no text; the first is row {rows[0]}",
        "leave them out or give them a text; or name another column with --text-column",
        "their answers are empty; every other row was predicted",
    )


def _unreadable(rows: Sequence[int], count: int) -> Problem:
    return Problem(
        f"{len(rows)} of {count} images cannot be read; the first is row {rows[0]}",
        "see `problem` in their rows of the answer",
        "their answers are empty; every other image was predicted",
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
        for key in _LISTS:
            if line.get(key) is not None:
                cells[key] = json.dumps(line[key], ensure_ascii=False)
        writer.writerow(line | cells)

    return write
