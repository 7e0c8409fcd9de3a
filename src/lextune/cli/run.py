"""The verbs `run` and `quickstart`: the whole pipeline, and what it ended with."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lextune.cli.app import app
from lextune.cli.audited import show_audits
from lextune.cli.output import (
    Json,
    Language,
    Set,
    Terminal,
    Tongue,
    json_wanted,
    measured,
    print_json,
    program,
    say,
    say_law,
    show_controls,
    show_unmet,
    table,
    use_json,
)

if TYPE_CHECKING:
    from lextune.pipeline import Run

Out = Annotated[
    Path | None, typer.Option("--out", help="The run's folder; runs/NAME-VERSION by default.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")]


@app.command("run")
def run_command(
    config: Annotated[Path, typer.Argument(help="The config, YAML or JSON.")],
    out: Out = None,
    overrides: Set = None,
    resume: Resume = False,
    lang: Language = Tongue.EN,
    as_json: Json = False,
) -> None:
    """Fine-tune, evaluate, audit, decide, and release only what may be released."""
    use_json(as_json)
    _run(config, out, overrides or [], resume, lang)


@app.command("quickstart")
def quickstart(
    out: Out = None,
    overrides: Set = None,
    resume: Resume = False,
    show_config: Annotated[
        bool, typer.Option("--show-config", help="Print the config and stop.")
    ] = False,
    lang: Language = Tongue.EN,
    as_json: Json = False,
) -> None:
    """Do it all once, on an encoder and reviews that ship inside packages."""
    use_json(as_json)
    with resources.as_file(resources.files("lextune.cli") / "quickstart.yaml") as config:
        if show_config and as_json:
            from lextune.strict_yaml import load

            print_json(load(config.read_bytes(), config.name).data)
        elif show_config:
            say(config.read_text(encoding="utf-8").rstrip())
        if show_config:
            return
        _run(config, out, overrides or [], resume, lang)


def _run(config: Path, out: Path | None, overrides: list[str], resume: bool, lang: Tongue) -> None:
    from lextune import pipeline

    with Terminal() as terminal:
        finished = pipeline.run(
            config, out=out, overrides=overrides, resume=resume, listener=terminal,
            language=lang.value,
        )  # fmt: skip
    _show(finished, lang)
    if json_wanted():
        print_json(finished.document())
    raise typer.Exit(pipeline.verdict_exit(finished))


def _show(finished: Run, lang: Tongue) -> None:
    document = finished.document()
    verdict = finished.told or finished.verdict
    if finished.trained is None:
        refusing = {(one.pack, one.control) for one in finished.blocked}
        told = [one for one in verdict.controls if (one.pack, one.control) in refusing]
        show_unmet(told, lang)
        say("")
        say_law("early", lang, folder=finished.folder / "dossier")
        return
    _show_metrics(document)
    show_audits(finished.audits, finished.uses)
    show_controls(verdict, lang)
    show_unmet([one for one in verdict.controls if one.status in ("fail", "insufficient")], lang)
    from lextune.pipeline import peak_memory

    memory, words = peak_memory(), _WORDS[lang]
    rate = document["train_samples_per_second"]
    say("\n" + words["took"].format(seconds=finished.seconds, rate=rate, memory=memory / 1e9))
    if finished.report is not None:
        page = finished.report.suffix == ".html"
        kind = finished.input_kind if page and finished.input_kind in words else "report"
        say(f"{words[kind]}{finished.report}")
        if page:
            say(f"  {words['terminal']}less {finished.report.with_suffix('.txt')}")
    if finished.release is None:
        for room in finished.crashed:
            say(words["crashed"].format(room=room))
        say_law("refused", lang, outcome=verdict.outcome, folder=finished.folder / "dossier")
        return
    say_law("released", lang, release=finished.release)
    say("")
    say_law("next", lang)
    lextune = program()
    for verb in ("verify", "serve"):
        say(f"  {lextune} {verb} {finished.release}")
    asked = {
        "image": "FOLDER-OF-IMAGES --draw drawn",
        "audio": "SOUND-OR-FOLDER",
        "history": "EVENTS.csv --top-k 10",
        "record": "ROWS.csv",
    }
    if finished.input_kind in asked:
        say(f"  {lextune} predict {finished.release} {asked[finished.input_kind]}")
    else:
        say(
            f'  echo \'{{"text": "A film I will not forget."}}\' | {lextune} predict {finished.release} -'
        )


def _show_metrics(document: dict[str, Any]) -> None:
    """The model's metrics, those of groups apart, and how it stands against each baseline."""
    found = {
        name: one
        for name, one in document["metrics"].items()
        if "_minus_" not in name and one["level"] != 1  # 1: counted exactly
    }
    whole = {name: one for name, one in found.items() if "[" not in name}
    beside = document["baselines"] if _fits(whole, document["baselines"]) else {}
    _show_figures("Test part, with 95 % intervals", whole, beside)
    groups = {name: one for name, one in found.items() if name not in whole}
    if groups:
        _show_figures("Of its groups", groups, beside if _fits(groups, beside) else {})
    by_metric: dict[str, list[tuple[str, ...]]] = {}
    for name, one in document["metrics"].items():
        metric, minus, base = name.partition("_minus_")
        if minus:
            own = _value(document["baselines"].get(base, {}).get(metric))
            row = (_short(base), *([] if beside else [own]), measured(one), str(one["n"]))
            by_metric.setdefault(metric, []).append(row)
    for metric, differences in by_metric.items():
        falls = metric in ("wer", "cer")
        words = metric.replace("_", " ").replace("f1", "F1").replace("iou", "IoU")
        title = metric.upper() if falls else words[:1].upper() + words[1:]
        side = "minus each baseline's (paired; below 0 is better)" if falls else "above each baseline (paired)"  # fmt: skip
        head = ["baseline", *([] if beside else ["its own"]), "difference", "n"]
        table(f"{title} {side}", head, differences)


def _show_figures(title: str, figures: dict[str, Any], baselines: dict[str, Any]) -> None:
    rows = [
        (_short(name), measured(one), str(one["n"]), *(_value(base.get(name)) for base in baselines.values()))
        for name, one in figures.items()
    ]  # fmt: skip
    table(title, ["metric", "model", "n", *map(_short, baselines)], rows)


def _fits(figures: dict[str, Any], baselines: dict[str, Any]) -> bool:
    """Whether a line has room for each figure, its interval, n and a figure of each baseline, in 80 columns."""
    columns = [
        [_short(name) for name in figures], [measured(one) for one in figures.values()],
        [str(one["n"]) for one in figures.values()], *([_short(name), "0.0000"] for name in baselines),
    ]  # fmt: skip
    return sum(3 + max(map(len, column), default=0) for column in columns) <= _WIDTH


def _value(one: dict[str, Any] | None) -> str:
    return f"{one['value']:.4f}" if one and one["value"] is not None else ""


#: Of a terminal.
_WIDTH = 80
_WORDS: Mapping[Tongue, Mapping[str, str]] = {
    Tongue.EN: {
        "took": "Took {seconds:.0f} s, {rate:.1f} training rows/s, peak memory {memory:.1f} GB.",
        "report": "Look at the report: ", "terminal": "in a terminal: ",
        "image": "Look at the report, which shows pictures of the test data: ",
        "audio": "Look at the report, which plays sounds of the test data: ",
        "crashed": "{room} crashed: what did not complete proves nothing, so nothing is released.",
    },
    Tongue.ZH: {
        "took": "用时 {seconds:.0f} 秒，每秒训练 {rate:.1f} 行，内存峰值 {memory:.1f} GB。",
        "report": "请查看报告：", "terminal": "在终端中：",
        "image": "请查看报告（其中展示测试数据的图像）：", "audio": "请查看报告（其中可播放测试数据的声音）：",
        "crashed": "{room} 异常中止：未完成的部分不能证明任何事，因此不予发布。",
    },
}  # fmt: skip


def _short(name: str) -> str:
    """Names that leave room in 80 columns."""
    return name.replace("tfidf_logistic_regression", "TF-IDF + LR").replace(
        "expected_calibration_error", "calibration error"
    )
