"""The verb `predict`: predictions for any size of input, row by row, in its order."""

from __future__ import annotations

import codecs
import contextlib
import csv
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from lextune.cli.app import app
from lextune.cli.asking import NOUNS
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
from lextune.serving.rows import MOST_ITEMS

if TYPE_CHECKING:
    from lextune.cli.asking import Asking
    from lextune.serving.explanations import Explanation
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
    audio_column: Annotated[str | None, typer.Option(help="Column of the sound's path.")] = None,
    id_column: Annotated[str | None, typer.Option(help="Column to carry over as `id`.")] = None,
    draw: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Draw the answers on the images, into DIR.")
    ] = None,
    masks: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write found masks as indexed PNG into DIR.")
    ] = None,
    top_k: Annotated[
        int | None, typer.Option(metavar="N", help="Items to recommend; 10 where nobody says.")
    ] = None,
    personal: Annotated[
        bool,
        typer.Option(
            "--personal-features/--no-personal-features",
            help="Whether a recommendation looks at what the user did.",
        ),
    ] = True,
    explain: Annotated[
        bool, typer.Option("--explain", help="Add what moved each answer, and the reasons.")
    ] = False,
    explain_class: Annotated[
        str | None,
        typer.Option(
            metavar="CLASS",
            help="Explain this class; else the declared adverse one, or the answer.",
        ),
    ] = None,
    overrides: Set = None,
    trust: Trust = None,
    as_json: Json = False,
) -> None:
    """Predict every row of INPUT (text, image, sound, history or record), whatever its size, in its order.

    An input that cannot be read gets no answer; its row says why.
    """
    use_json(as_json)
    if as_json and output is None:
        raise ConfigError(
            Problem("--json needs -o FILE", "name a file", "stdout holds one JSON document only")
        )
    from lextune.cli.asking import Wanted, asking
    from lextune.config import load_config
    from lextune.evidence.keys import load_trust
    from lextune.serving.predictor import load_release

    predictor = load_release(release, load_trust(Path(trust) if trust else None))
    config = load_config(predictor.config.for_other_data(), overrides or []).data
    if predictor.input_kind == "image":
        from lextune.training.machine import keep_freed_memory

        keep_freed_memory()
    columns = {"text": text_column, "image": image_column, "audio": audio_column}
    explaining = _Explaining(predictor, explain or explain_class is not None, explain_class)
    _check_options(
        predictor, source, columns, top_k, personal=personal, folders={"draw": draw, "masks": masks}
    )
    column = columns.get(predictor.input_kind)
    asked = asking(predictor, config, Wanted(source, column, id_column, top_k, personal))
    count, missing = _predict(
        predictor, asked, id_column, output, _Pictures(predictor.classes, draw, masks), explaining
    )
    _end(count, missing, output, asked.noun, text=predictor.input_kind == "text", as_json=as_json)


def _end(
    count: int, missing: Sequence[int], output: Path | None, noun: str, *, text: bool, as_json: bool
) -> None:
    """Tell what was not answered, and end with the exit code of that."""
    problems = []
    if missing:
        problems.append(
            _without_text(missing, count) if text else _unreadable(missing, count, noun)
        )
    if as_json:
        told = {
            "without_text" if text else "unreadable": len(missing),
            "problems": problem_documents(problems),
        }
        print_json({"rows": count, "output": str(output), **(told if missing else {})})
        raise typer.Exit(int(ExitCode.USAGE if missing else ExitCode.DONE))
    if problems:
        raise DataError(problems)


def _check_options(
    predictor: Predictor, source: str, columns: Mapping[str, str | None], top_k: int | None, *,
    personal: bool, folders: Mapping[str, Path | None],
) -> None:  # fmt: skip
    """Refuse options that the release does not know, and pictures among those that are read."""
    kind = predictor.input_kind
    idle = {
        **{f"--{name}-column": given is not None and name != kind for name, given in columns.items()},
        "--draw": folders["draw"] is not None and kind != "image",
        "--masks": folders["masks"] is not None and predictor.label_kind != "mask",
        "--top-k": top_k is not None and predictor.label_kind != "items",
        "--no-personal-features": not personal and predictor.label_kind != "items",
    }  # fmt: skip
    problems = [
        Problem(f"{name} means nothing to a release of the task {predictor.task}", f"leave {name} out")
        for name, given in idle.items()
        if given
    ]  # fmt: skip
    if top_k is not None and not 1 <= top_k <= MOST_ITEMS:
        problems.append(
            Problem(f"--top-k is {top_k}", f"give a number of items from 1 to {MOST_ITEMS}")
        )
    root = Path(source).resolve()
    problems += [
        Problem(f"--{name} is inside INPUT", "name a folder elsewhere", "the next call would predict its pictures")
        for name, folder in folders.items()
        if folder is not None and folder.resolve().is_relative_to(root)
    ]  # fmt: skip
    if problems:
        raise ConfigError(problems)


def _predict(
    predictor: Predictor, asked: Asking, id_column: str | None, output: Path | None, pictures: _Pictures,
    explaining: _Explaining,
) -> tuple[int, list[int]]:  # fmt: skip
    """Write an answer for each row; gives their number and which of them (from 1) have none."""
    text = predictor.input_kind == "text"
    keys, name = _KEYS[predictor.label_kind], NOUNS[predictor.input_kind][1]
    columns = ["row", *(["id"] if id_column else []), *([name] if name else [])]
    columns += [key for key in keys if key != "scores"] + pictures.columns
    columns += [f"score.{name}" for name in predictor.classes if "scores" in keys]
    columns += explaining.columns + ([] if text else ["problem"])
    count, missing = 0, list[int]()
    with Terminal() as terminal, _writer(output, columns) as write:
        advance = terminal.bar(asked.noun, 0)
        pairs = predictor.predict_stream(asked.rows, asked.input_of)
        for count, (row, found) in enumerate(pairs, 1):
            line: dict[str, Any] = {"row": count}
            if id_column:
                line["id"] = row.values[id_column]
            if name and asked.shown is not None:
                line[name] = asked.shown(row)
            empty = text and not asked.input_of(row).strip()
            if isinstance(found, Problem) or empty:
                missing.append(count)
                write(line | dict.fromkeys(keys) | {"problem": _problem(found)})
            else:
                drawn = pictures.write(count, line.get("image") or "", found)
                write(line | _answer(found) | drawn | explaining.of(asked.input_of(row)))
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


class _Explaining:
    """What moved each answer, where that is asked for.

    Raises:
        ConfigError: Answers of the release are not explained, or the class is none of the model's.
    """

    def __init__(self, predictor: Predictor, asked: bool, label: str | None) -> None:
        self._predictor, self._asked, self._label = predictor, asked, label
        if not asked:
            return
        if not predictor.explains:
            raise ConfigError(
                Problem(
                    f"--explain means nothing to a release of the task {predictor.task}",
                    "leave --explain out",
                )
            )
        if label is not None and label not in predictor.classes:
            raise ConfigError(
                Problem(
                    "--explain-class names no class of the release",
                    f"name one of {', '.join(predictor.classes[:20])}",
                )
            )

    @property
    def columns(self) -> list[str]:
        """Of CSV."""
        return ["explanation"] * self._asked

    def of(self, given: Any) -> dict[str, Any]:
        """The explanation of one input that was answered."""
        if not self._asked:
            return {}
        found = self._predictor.explain([given], self._label)[0]
        if isinstance(found, Problem):
            raise DataError(found)
        return {"explanation": _answer(found)}


#: What is said of an input, by kind of model.
_KEYS: Mapping[str, tuple[str, ...]] = {
    "class": ("label", "score", "scores"),
    "classes": ("labels", "scores"),
    "spans": ("entities",),
    "boxes": ("boxes",),
    "mask": ("segments",),
    "transcript": ("text", "score", "segments"),
    "items": ("items",),
}
#: Of these, what is a list, and what moved the answer.
_LISTS = ("labels", "entities", "boxes", "segments", "items", "explanation")


def _answer(found: AnyPrediction | Explanation) -> dict[str, Any]:
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


def _unreadable(rows: Sequence[int], count: int, noun: str) -> Problem:
    return Problem(
        f"{len(rows)} of {count} {noun} cannot be read; the first is row {rows[0]}",
        "see `problem` in their rows of the answer",
        "their answers are empty; all others were predicted",
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
