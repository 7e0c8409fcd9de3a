"""The one exception tree: every error says a fact, a reason and a remedy, and has an exit code; it knows no room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """What a process of lextune may end with; the command line contract gives the meaning of each."""

    DONE = 0
    BUG = 1
    USAGE = 2
    REFUSED = 3
    INSUFFICIENT = 4
    UNVERIFIED = 5


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: the fact, why it matters, what to do, and where it was seen.

    Attributes:
        fact: What is the case, in one clause.
        remedy: What the reader can do about it.
        reason: Why that stops the work; may be empty where the fact says it.
        where: `file:line:column`, a row range or a path; empty when there is no place.
    """

    fact: str
    remedy: str
    reason: str = ""
    where: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        reason = f" ({self.reason})" if self.reason else ""
        return f"{place}{self.fact}{reason}. Remedy: {self.remedy}"


class LextuneError(Exception):
    """The root of everything lextune raises on purpose; carries one or more problems.

    Args:
        problems: All that is wrong, at least one. A single problem may be given alone.
    """

    exit_code: ExitCode = ExitCode.USAGE

    def __init__(self, problems: Problem | Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (
            (problems,) if isinstance(problems, Problem) else tuple(problems)
        )
        if not self.problems:
            raise ValueError("an error needs at least one problem")
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ConfigError(LextuneError):
    """The run's config is wrong."""


class DataError(LextuneError):
    """The data cannot be read, or cannot be used as asked."""


class ModelError(LextuneError):
    """The pretrained model cannot be found, trusted or loaded."""


class PackError(LextuneError):
    """A policy pack does not parse, or says something that no pack may say."""


class PluginError(LextuneError):
    """A plugin does not load or does not keep its contract."""


class MissingExtraError(LextuneError):
    """An optional part of lextune is not installed."""


class EnvironmentProblem(LextuneError):
    """The machine stops the work: a full disk, a folder without permission, a port in use."""


class RefusedError(LextuneError):
    """A blocking control failed."""

    exit_code = ExitCode.REFUSED


class InsufficientError(LextuneError):
    """There is not enough evidence to decide."""

    exit_code = ExitCode.INSUFFICIENT


class TrainingError(InsufficientError):
    """Training stopped before there was a model to measure: NaN, infinite or exploding loss."""


class VerificationError(LextuneError):
    """Something is tampered with, unsigned, untrusted, revoked or expired."""

    exit_code = ExitCode.UNVERIFIED
