"""The verbs `data check`, `data sample` and `data redact`: what is wrong in data, rows to review, rows without personal data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lextune.cli.app import group
from lextune.cli.output import Json, Set, Terminal, measured, print_json, say, table, use_json
from lextune.errors import ConfigError, ExitCode, Problem
from lextune.extras import require

if TYPE_CHECKING:
    from lextune.config import DataConfig, RunConfig
    from lextune.data.admission import Gate
    from lextune.data.findings import DataReport
    from lextune.labels import InputKind, LabelKind
    from lextune.records import Measurement

data = group("data", "Data before training.")

Source = Annotated[str, typer.Argument(help="File, folder, or pypi:PACKAGE/PATH.")]
TextColumn = Annotated[str, typer.Option(help="Column of the text.")]
LabelColumn = Annotated[str, typer.Option(help="Column of the class, the classes or the spans.")]
TaskName = Annotated[
    str | None,
    typer.Option(
        help="Says what rows and labels are: text_classification, multi_label_classification, ner, "
        "image_classification, ... Without, a folder of images and MNIST's files are images of classes, all else texts."
    ),
]


@data.command("check")
def check(  # noqa: PLR0913, PLR0917 - a verb has as many options as there are things to say
    path: Source,
    test: Annotated[str | None, typer.Option(help="A test part, to find leakage.")] = None,
    text_column: TextColumn = "text",
    label_column: LabelColumn = "label",
    task: TaskName = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the report as an HTML page.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the report as JSON, for data.report.")
    ] = None,
    overrides: Set = None,
    as_json: Json = False,
) -> None:
    """Read and check data; ends with 2 when something would stop a run."""
    use_json(as_json)
    require("data")
    if report is not None:
        require("report")
    from lextune.data.checks import check_path
    from lextune.data.quality.base import quality_checks
    from lextune.files import write_atomic

    given = {
        "test": None if test is None else [test],
        "quality": {"checks": list(quality_checks.names())},
        "columns": {"text": text_column, "label": label_column},
    }
    config, kind, gate, inputs = _asked(task, path, given, overrides or [])
    with Terminal() as terminal:
        found = check_path(config, terminal.tell, kind, gate, inputs)
    if out is not None:
        write_atomic(out, json.dumps(found.document(), indent=1, ensure_ascii=False).encode())
    if report is not None:
        from lextune.data.report.page import make_page

        write_atomic(report, make_page(found.document()).encode())
    if as_json:
        print_json(found.document())
    else:
        _show(found)
    raise typer.Exit(int(ExitCode.USAGE if found.errors() else ExitCode.DONE))


@data.command("sample")
def sample(
    path: Source,
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FILE", help="CSV to write.")],
    rows: Annotated[
        int, typer.Option(min=1, help="Rows to draw; all where there are fewer.")
    ] = 4000,
    text_column: TextColumn = "text",
    label_column: LabelColumn = "label",
    task: TaskName = None,
    overrides: Set = None,
) -> None:
    """Draw rows for a manual review: fill in verdict (pass, fail) and reviewer; data.quality.manual_review names the file."""
    require("data")
    from lextune.data.quality.drawing import draw_for_review
    from lextune.files import write_atomic

    given = {"columns": {"text": text_column, "label": label_column}}
    config, kind, gate, inputs = _asked(task, path, given, overrides or [])
    with Terminal() as terminal:
        written, drawn, total = draw_for_review(config, rows, terminal.tell, kind, gate, inputs)
    # it holds texts of the data, so it is its owner's alone
    write_atomic(out, written, mode=0o600)
    say(f"{drawn:,} of {total:,} rows, drawn with the seed {config.quality.seed}: {out}")


@data.command("redact")
def redact(  # noqa: PLR0913, PLR0917 - a verb has as many options as there are things to say
    path: Annotated[str, typer.Argument(help="File, folder, pypi:PACKAGE/PATH, or - for JSONL.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File or folder of that format.")],
    method: Annotated[str, typer.Option(help="mask, remove, hash or pseudonym.")] = "mask",
    types: Annotated[str, typer.Option(help="Types of personal data, with commas.")] = "",
    text_column: Annotated[str, typer.Option(help="Column of the text.")] = "text",
    columns: Annotated[str, typer.Option(help="More columns to redact, with commas.")] = "",
    span_columns: Annotated[
        str, typer.Option(help="Columns that may hold spans of the text, with commas.")
    ] = "label,labels,spans,entities,ner",
    secret_file: Annotated[
        Path | None, typer.Option(help="Holds the secret of hash and pseudonym.")
    ] = None,
    overrides: Set = None,
    as_json: Json = False,
) -> None:
    """Write PATH again without personal data in its texts, or without the metadata of its images; the rest stays."""
    use_json(as_json)
    require("data")
    from lextune.data.reading.image_folder import holds_images
    from lextune.data.redaction.files import describe, redact_config
    from lextune.data.redaction.images import redact_images
    from lextune.data.redaction.rewriting import Wanted
    from lextune.data.redaction.secret import secret_from_file

    if holds_images(Path(path)):
        if types or columns or secret_file:
            raise ConfigError(
                Problem(
                    f"{path} holds images, of which all metadata goes",
                    "leave --types, --columns and --secret-file out",
                    "they say what to do with texts",
                )
            )
        with Terminal() as terminal:
            stripped = redact_images(Path(path), output, terminal.tell)
        _show_redacted(describe(stripped), "images", output, as_json)
        return
    given = {
        "columns": {"text": text_column},
        "redact": {"method": method, "types": _listed(types)},
    }
    config = _config("text_classification", path, given, overrides or []).data
    secret = None if secret_file is None else secret_from_file(secret_file)
    wanted = Wanted((config.columns.text, *_listed(columns)), tuple(_listed(span_columns)))
    with Terminal() as terminal:
        made = redact_config(config, output, wanted, secret, terminal.tell)
    _show_redacted(describe(made), "rows", output, as_json)


def _show_redacted(document: dict[str, Any], unit: str, output: Path, as_json: bool) -> None:
    if as_json:
        print_json(document)
        return
    title = f"{document['rows']:,} {unit}, {document['changed_rows']:,} changed"
    counts = [(kind, f"{count:,}") for kind, count in document["detections"].items()]
    table(title, ["type", "replaced"], counts)
    for one in document["problems"]:
        say(f"{one['severity']}: {one['fact']} ({one['count']:,} {one['unit']})")
        say(f"  Remedy: {one['remedy']}")
    say(f"Written: {output}")


def _listed(words: str) -> list[str]:
    return [word for word in words.replace(",", " ").split() if word]


def _config(task: str, path: str, given: dict[str, Any], overrides: list[str]) -> RunConfig:
    from lextune.config import load_config

    section = {"train": [path], **given}
    return load_config({"task": task, "model": {"source": "auto"}, "data": section}, overrides)


def _asked(
    task: str | None, path: str, given: dict[str, Any], overrides: list[str]
) -> tuple[DataConfig, LabelKind, Gate, InputKind]:
    """What to read, what a label of the task is, which rows may be used, and what a row is."""
    from lextune.pipeline_subjects import make_gate
    from lextune.tasks.base import tasks

    config = _config(task or _task_of(path), path, given, overrides)
    gate = make_gate(config.data, config.policy.as_of)
    found = tasks.get(config.task)
    return config.data, found.label_kind, gate, found.input_kind


def _task_of(path: str) -> str:
    from lextune.data.formats import ReadOptions
    from lextune.data.reading.audio_folder import holds_sounds, holds_transcripts
    from lextune.data.reading.idx import is_idx
    from lextune.data.reading.image_folder import holds_images

    found = Path(path)
    if holds_images(found) or is_idx(found, ReadOptions()):
        what, task = "images", "image_classification"
    elif holds_sounds(found):
        what = "sounds"
        task = "speech_to_text" if holds_transcripts(found) else "speech_emotion"
    else:
        return "text_classification"
    typer.echo(f"{path} holds {what}: read as for --task {task}", err=True)
    return task


def _show(report: DataReport) -> None:
    counts = [
        (part, name, f"{count:,}")
        for part, classes in report.classes.items()
        for name, count in classes.items()
    ]
    title = f"{report.rows:,} rows"
    if report.events is not None:
        found = report.events
        parted = [
            (part, f"{events:,}", f"{report.parts.get(part, 0):,}")
            for part, events in found.parts.items()
        ]
        title = f"{found.events:,} events of {found.users:,} users with {found.items:,} items, parted by {found.method}"
        table(title, ["part", "events", "users"], parted)
    elif counts:
        table(title, ["part", "class", "rows"], counts)
    else:  # transcripts name no classes
        table(title, ["part", "rows"], [(one, f"{rows:,}") for one, rows in report.parts.items()])
    lines = [
        (one.name, one.group or "all", _value(one), f"{one.n:,}")
        for result in report.quality
        for one in result.measurements
    ]
    if lines:
        table("Quality", ["measurement", "of", "value", "n"], lines)
    for result in report.quality:
        if result.status != "complete":
            say(f"not measured by {result.check}: {result.reason}")
    for one in report.problems:
        say(f"{one.severity}: {one}")
        if one.rows:
            shown = ", ".join(one.rows[:5])
            say(f"  at {shown}" + (" ..." if one.count > len(one.rows[:5]) else ""))
        say(f"  Remedy: {one.remedy}")
    if not report.problems:
        say("Nothing is wrong.")


def _value(one: Measurement) -> str:
    if one.unit != "proportion":
        return "undefined" if one.value is None else f"{one.value:,.6g}"
    limits = {} if one.interval is None else {"low": one.interval.low, "high": one.interval.high}
    return measured({"value": one.value, **limits})
