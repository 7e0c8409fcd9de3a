"""What people and programs read: JSON on stdout, tables, progress and errors on stderr; it decides nothing."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import sys
import traceback
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lextune.errors import EnvironmentProblem, LextuneError, Problem
from lextune.listener import Listener

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from lextune.records import ControlResult, Verdict

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="A.B=C", help="Override a key of the config.")
]
Trust = Annotated[
    str | None,
    typer.Option("--trust", metavar="FILE", help="Trust file; the default is your own."),
]


class Tongue(StrEnum):
    """The languages in which people read law here."""

    EN = "en"
    ZH = "zh"


Language = Annotated[Tongue, typer.Option("--lang", help="Language of what is said of the law.")]


Html = Annotated[Path | None, typer.Option("--html", help="Write what is said as a page as well.")]


class _State:
    """Whether this process prints JSON, and the page that it writes."""

    json = False
    page: Path | None = None
    recorder: Console | None = None
    lang = Tongue.EN


def program() -> str:
    """How this program is called from here: `lextune` where the shell finds it, else its path."""
    here = Path(sys.executable).with_name("lextune")
    found = shutil.which("lextune")
    if not here.exists() or (found is not None and Path(found).samefile(here)):
        return "lextune"
    inside = here.is_relative_to(Path.cwd())
    return shlex.quote(str(here.relative_to(Path.cwd()) if inside else here))


def use_json(wanted: bool) -> None:
    """Called first by a verb that has --json."""
    _State.json = wanted


def use_html(page: Path | None, lang: Tongue = Tongue.EN) -> None:
    """Called first by a verb that has --html; the page is written when the verb has said everything."""
    from lextune.errors import ConfigError

    if page is not None and _State.json:
        fact = "--html and --json are given together"
        raise ConfigError(Problem(fact, "give one of them", "a page shows what is said to people"))
    if page is not None and page.suffix != ".html":
        raise ConfigError(Problem(f"{page} is no page", "give --html a name that ends in .html"))
    _State.page, _State.recorder, _State.lang = page, None, lang
    if page is not None:
        from io import StringIO

        from rich.console import Console

        _State.recorder = Console(file=StringIO(), width=100, record=True, highlight=False)


def write_page() -> None:
    """Write the page that `use_html` asked for; nothing where none was asked for."""
    page, recorder = _State.page, _State.recorder
    _State.page = _State.recorder = None
    if page is None or recorder is None:
        return
    from lextune.files import disk_problems, write_atomic

    text = recorder.export_html(
        code_format=_PAGE.replace("LANG", _State.lang.value), inline_styles=True
    )
    with disk_problems(page):
        write_atomic(page, text.encode())


def json_wanted() -> bool:
    """Whether the verb was called with --json."""
    return _State.json


def print_json(document: Any) -> None:
    """The one document on stdout."""
    with stdout_problems():
        sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
        sys.stdout.flush()


def say(text: str) -> None:
    """A line of an answer: on stdout, unless that is kept for JSON."""
    stream = sys.stderr if _State.json else sys.stdout
    if _State.recorder is not None:
        _State.recorder.print(plain(text), markup=False)
    with stdout_problems():
        stream.write(plain(text) + "\n")


class ReaderGone(Exception):
    """Nobody reads what is printed any more; click would end with 1 if it saw the system's own error."""


@contextlib.contextmanager
def stdout_problems() -> Iterator[None]:
    """Turn a full disk behind stdout into an error with a remedy, and a reader that has gone into `ReaderGone`."""
    try:
        yield
    except BrokenPipeError as error:
        raise ReaderGone from error
    except OSError as error:
        raise EnvironmentProblem(
            Problem(
                "the answer cannot be written to standard output",
                "free some space, or send the output elsewhere, then run again",
                error.strerror or type(error).__name__,
            )
        ) from error


def plain(text: str) -> str:
    """Text without what a terminal would obey: names in a release or a trust file are other people's words."""
    return "".join(
        "\ufffd" if unicodedata.category(one) == "Cc" and one not in "\n\t" else one for one in text
    )


def table(
    title: str, head: Sequence[str], rows: Sequence[Sequence[str]], even: bool = False
) -> None:
    """A table that fits the terminal, of 80 columns where there is none.

    Args:
        even: All columns are of one width.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    # The first column stays on one line, unless it would push the others out.
    first = max((len(row[0]) for row in rows), default=0)
    one_line = len(head) > 2 and first <= _LONGEST_FIRST and not even
    heading = Text(plain(title), style="italic")
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=even)
    for index, name in enumerate(head):
        made.add_column(
            Text(plain(name)),
            overflow="fold",
            no_wrap=index == 0 and one_line,
            ratio=1 if even else None,
        )
    for row in rows:
        made.add_row(*(Text(plain(cell), style=_STYLES.get(cell, "")) for cell in row))
    if _State.recorder is not None:
        made.box = box.Box(_RULED)
        _State.recorder.print(heading, made, sep="\n")
        made.box = box.SIMPLE_HEAD
    with stdout_problems():
        _console(sys.stderr if _State.json else sys.stdout).print(heading, made, sep="\n")


def say_law(key: str, lang: Tongue, **values: object) -> None:
    """A sentence about how it ended, in the language asked for; an `outcome` is said in its words."""
    words = _WORDS[lang]
    if "outcome" in values:
        values["outcome"] = words.get(str(values["outcome"]), values["outcome"])
    say(words[key].format(**values))


def show_controls(
    verdict: Verdict,
    lang: Tongue = Tongue.EN,
    heading: str | None = None,
    instead: Mapping[str, str] | None = None,
) -> None:
    """A line for each control that applies, and how many do not.

    Args:
        heading: Of the last column.
        instead: Words to show instead of a control's status, by `pack/control`.
    """
    words, known = _WORDS[lang], instead or {}
    table(
        words["title"].format(day=verdict.as_of),
        [words["control"], words["effect"], heading or words["verdict"]],
        [
            (
                name := f"{one.pack}/{one.control}",
                words[one.severity],
                known.get(name) or words.get(one.status, one.status),
            )
            for one in verdict.controls
            if one.status != "not_applicable"
        ],
    )
    idle = sum(one.status == "not_applicable" for one in verdict.controls)
    if idle:
        say(words["idle 1" if idle == 1 else "idle"].format(count=idle) + "\n")


def show_unmet(controls: Sequence[ControlResult], lang: Tongue = Tongue.EN) -> None:
    """Why each was not met, and what to do; those that only wait for facts are told together, each question once."""
    from lextune.policy.needs import waits_for_facts

    words = _WORDS[lang]
    waiting = [one for one in controls if waits_for_facts(one.reasons)]
    for one in (one for one in controls if one not in waiting):
        status = words.get(one.status, one.status)
        named = f" {one.titles['zh']}" if lang is Tongue.ZH else ""
        say(f"{one.pack}/{one.control}{named} ({words['is ' + one.severity]}): {status}")
        for reason in (*one.reasons, *one.questions):
            say(f"  {reason}")
        say(f"  {words['remedy']}{one.remedy[lang]}")
    if waiting:
        show_waiting([(f"{one.pack}/{one.control}", one.questions) for one in waiting], lang)


def show_waiting(
    waiting: Sequence[tuple[str, Sequence[str]]], lang: Tongue, indent: str = ""
) -> None:
    """Controls (name, questions) of which nobody knows whether they apply, together, and each question once."""
    words = _WORDS[lang]
    names = [name for name, _ in waiting]
    more = words["more"].format(count=len(names) - 3) if len(names) > 3 else ""
    say(indent + words["facts"].format(count=len(names), names=", ".join(names[:3]) + more))
    asked = Counter(question for _, questions in waiting for question in questions)
    for question, count in asked.most_common():
        say(f"{indent}  {question} ({count})")
    say(f"{indent}  {words['remedy']}{words['answer']}")


_WORDS: Mapping[Tongue, Mapping[str, str]] = {
    Tongue.EN: {
        "title": "Controls as of {day}", "control": "control", "effect": "effect", "verdict": "verdict",
        "block": "blocks", "warn": "warns", "is block": "block", "is warn": "warn", "remedy": "Remedy: ",
        "more": " and {count} more", "next": "Next:",
        "hopeless": "This run would be refused before training: no training can mend this.",
        "early": "Refused before training: no training can mend this, so none was done. The dossier is in {folder}.",
        "refused": "Not released: the verdict is {outcome}. The dossier is in {folder}.",
        "released": "Released and verified: {release}",
        "facts": "Controls of which nobody knows whether they apply: {count} ({names}). These facts decide, each for so "
        "many of them:",
        "answer": "declare them under `use`, or let `lextune policy facts CONFIG` ask them.",
        "idle": "{count} further controls do not apply; the verdict in the dossier lists them.",
        "idle 1": "1 further control does not apply; the verdict in the dossier lists it.",
    },
    Tongue.ZH: {
        "title": "截至 {day} 的控制项", "control": "控制项", "effect": "作用", "verdict": "结论",
        "block": "阻止发布", "warn": "提示", "is block": "阻止发布", "is warn": "提示", "remedy": "补救：",
        "more": " 等，另有 {count} 项", "next": "下一步：",
        "hopeless": "此次运行会在训练之前被拒绝：任何训练都无法补救。",
        "early": "训练之前即被拒绝：任何训练都无法补救，因此没有训练。档案位于 {folder}。",
        "refused": "未发布：裁定为“{outcome}”。档案位于 {folder}。",
        "released": "已发布并通过验证：{release}",
        "facts": "尚不知 {count} 项控制是否适用（{names}）。取决于以下事实，括号内为相关控制项数：",
        "answer": "请在 `use` 中申报，或由 `lextune policy facts CONFIG` 逐一询问。",
        "idle": "另有 {count} 项控制不适用；档案中的裁定列出了它们。",
        "idle 1": "另有 1 项控制不适用；档案中的裁定列出了它。",
        "pass": "通过", "fail": "不通过", "insufficient": "证据不足", "waived": "已豁免",
    },
}  # fmt: skip

#: Loads nothing; readable in light and in dark.
_PAGE = """<!DOCTYPE html>
<html lang="LANG"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>lextune</title></head>
<body><pre style="font-family:ui-monospace,Menlo,Consolas,'Noto Sans Mono CJK SC',monospace;line-height:1.35">
{code}</pre></body></html>
"""
#: Characters that leave room for other columns in 80.
_LONGEST_FIRST = 40
#: `SIMPLE_HEAD` with hyphens: fonts for Chinese draw the longer line twice as wide.
_RULED = "    \n    \n -- \n" + "    \n" * 5
_STYLES = {
    "pass": "green",
    "fail": "bold red",
    "insufficient": "bold yellow",
    "waived": "magenta",
    "通过": "green",
    "不通过": "bold red",
    "证据不足": "bold yellow",
    "已豁免": "magenta",
    "not applicable": "dim",
}


def _console(stream: Any) -> Console:
    from rich.console import Console

    wanted = os.environ.get("COLUMNS", "")
    width = None if stream.isatty() else int(wanted) if wanted.isdecimal() else 80
    return Console(file=stream, width=width, highlight=False, soft_wrap=False)


def report_error(error: LextuneError) -> None:
    """Every problem with its remedy on stderr; the same as JSON on stdout when that was asked for."""
    lines = []
    for one in error.problems:
        place = f"{one.where}: " if one.where else ""
        reason = f"\n    why     {one.reason}" if one.reason else ""
        lines.append(f"  ✗ {place}{one.fact}{reason}\n    remedy  {one.remedy}")
    count = len(error.problems)
    sys.stderr.write(
        plain(f"lextune: {count} problem{'s' if count > 1 else ''}\n" + "\n".join(lines) + "\n")
    )
    if _State.json:  # last, since stdout may be what failed
        print_json({"error": type(error).__name__, "problems": problem_documents(error.problems)})


def problem_documents(problems: Sequence[Problem]) -> list[dict[str, str]]:
    """Problems as --json prints them."""
    return [
        {"fact": one.fact, "reason": one.reason, "remedy": one.remedy, "where": one.where}
        for one in problems
    ]


def report_bug(error: Exception) -> None:
    """A fault of lextune: the places in the code, never the values that were being worked on."""
    frames = traceback.extract_tb(error.__traceback__)
    places = "\n".join(f"  {one.filename}:{one.lineno} in {one.name}" for one in frames)
    sys.stderr.write(
        f"lextune: a bug in lextune ({type(error).__name__}). What was saved is whole.\n{places}\n"
        "Remedy: please report these lines; they hold no data.\n"
    )
    if os.environ.get("LEXTUNE_DEBUG") == "1":
        traceback.print_exception(error)
    if _State.json:
        fact = f"a bug in lextune ({type(error).__name__})"
        remedy = "report the lines on stderr"
        problem = Problem(fact, remedy, "what was saved is whole")
        print_json({"error": "Bug", "problems": problem_documents([problem])})


def report_usage(error: Exception) -> None:
    """What the command line itself is wrong about, as JSON where that was asked for; the text is shown already."""
    if _State.json:
        problem = Problem(str(getattr(error, "message", "") or error), "see --help of the command")
        print_json({"error": "UsageError", "problems": problem_documents([problem])})


class Terminal(Listener):
    """A listener that shows stages, sentences and progress bars on stderr; use it with `with`."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._tasks: list[Any] = []

    def __enter__(self) -> Terminal:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        self._progress = Progress(
            TextColumn("  {task.description}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=_console(sys.stderr),
            transient=not sys.stderr.isatty(),
        )
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def stage(self, room: str) -> None:
        """A room begins."""
        self._print(room)

    def tell(self, text: str) -> None:
        """A sentence about what is done just now."""
        self._print(f"  {text}")

    def bar(self, label: str, total: int, done: int = 0) -> Callable[[int], None]:
        """A new bar."""
        progress = self._progress
        if progress is None:
            return lambda _: None
        task = progress.add_task(label, total=total, completed=done)

        def advance(count: int) -> None:
            progress.advance(task, count)

        return advance

    def _print(self, text: str) -> None:
        if self._progress is not None:
            self._progress.console.print(plain(text), markup=False)


def measured(one: Mapping[str, Any]) -> str:
    """`0.8700 (0.8498–0.8879)`, or what is missing."""
    if one.get("value") is None:
        return "undefined"
    if one.get("low") is None:
        return f"{one['value']:.4f} (no interval)"
    return f"{one['value']:.4f} ({one['low']:.4f}–{one['high']:.4f})"
