"""The command line: one file per verb; it knows how to ask and to show, and nothing of how things are done."""

from __future__ import annotations

import contextlib
import importlib
import os
import pkgutil
import signal
import sys
from collections.abc import Sequence

from lextune.cli.app import app
from lextune.cli.output import (
    ReaderGone,
    report_bug,
    report_error,
    report_usage,
    stdout_problems,
    use_html,
    use_json,
    write_page,
)
from lextune.errors import ExitCode, LextuneError

#: What shells call a process that Ctrl-C ended; typer gives it too.
_INTERRUPTED = 130
#: What shells call a process that a closed pipe ended: not 0, since the answer, a refusal perhaps, did not arrive.
_READER_GONE = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and exit with the code that the contract gives it; returns it in tests."""
    # Libraries that we load must not call home, nor warn about forks that we do not make.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    if arguments is None:
        # As Ctrl-C: what is under way ends in order. Training and the server set handlers of their own.
        signal.signal(signal.SIGTERM, _interrupt)
    code = _run(list(sys.argv[1:] if arguments is None else arguments))
    if arguments is None:
        sys.exit(code)
    return code


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _run(arguments: list[str]) -> int:
    import typer

    # typer brings its own copy of click, so its exceptions are found through typer
    click_error = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    use_json(False)  # a call in this process before may have left it on
    use_html(None)
    try:
        code = app(arguments, standalone_mode=False, prog_name="lextune")
        write_page()
        with stdout_problems():
            sys.stdout.flush()
        return _stopped(arguments) if code == _INTERRUPTED else int(code or 0)
    except LextuneError as error:
        return _failed(error)
    except (KeyboardInterrupt, typer.Abort):
        return _stopped(arguments)
    except (BrokenPipeError, ReaderGone):
        _drop_output()  # whoever read it has gone
        return _READER_GONE
    except Exception as error:
        use_json("--json" in arguments)
        if isinstance(error, click_error):
            error.show()  # type: ignore[attr-defined]
            report_usage(error)
            return int(ExitCode.USAGE)
        report_bug(error)
        return int(ExitCode.BUG)


def _failed(error: LextuneError) -> int:
    try:
        report_error(error)
        sys.stdout.flush()
    except (OSError, LextuneError, ReaderGone):
        _drop_output()  # stdout is full or gone: the code must still tell what happened
    return int(error.exit_code)


def _drop_output() -> None:
    """What is left in the buffer goes nowhere, so that the last write at exit does not complain."""
    with contextlib.suppress(OSError):  # a stream in memory has no descriptor
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _stopped(arguments: Sequence[str]) -> int:
    resumable = next(iter(arguments), "") in ("run", "quickstart")
    more = " What was saved is whole; go on with --resume." if resumable else ""
    sys.stderr.write(f"Stopped.{more}\n")
    return _INTERRUPTED
