"""The use that verbs about law speak of: packs, answers, task and day, from a config or from the command line."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lextune.cli.output import say
from lextune.errors import ConfigError, Problem

if TYPE_CHECKING:
    from lextune.policy.schema import Pack

Config = Annotated[
    Path | None, typer.Argument(metavar="[CONFIG]", help="A run's config: its use, task and packs.")
]
Packs = Annotated[
    str | None,
    typer.Option("--packs", metavar="A,B", help="Ids or YAML files instead of the config's packs."),
]
Facts = Annotated[
    list[Path] | None,
    typer.Option("--facts", metavar="FILE", help="Signed profile, or YAML of fact: answer."),
]
Task = Annotated[str | None, typer.Option("--task", help="The task, where there is no config.")]
AsOf = Annotated[
    str | None, typer.Option("--as-of", metavar="YYYY-MM-DD", help="The day; today by default.")
]


@dataclass(frozen=True)
class Given:
    """What is asked about.

    Attributes:
        declared: The answers, `task` among them where it is known.
    """

    packs: list[Pack]
    declared: dict[str, Any]
    as_of: datetime.date


def given(
    config: Path | None,
    packs: str | None,
    facts: Sequence[Path] | None,
    task: str | None,
    as_of: str | None,
) -> Given:
    """All of it; without config and `--packs` every shipped pack.

    Raises:
        ConfigError: A fact that no pack asks about, a wrong answer, two that contradict each other.
    """
    from lextune.policy.core_facts import TASK
    from lextune.policy.facts import all_facts, check_facts
    from lextune.policy.packs import list_packs, load_pack
    from lextune.policy.profiles import lay_together

    names = [one.strip() for one in packs.split(",") if one.strip()] if packs else []
    use: dict[str, Any] = {}
    day = parsed_day(as_of)
    if config is not None:
        from lextune.pipeline_config import load_run_config

        found = load_run_config(config, (), say)
        names = names or list(found.policy.packs)
        use, task = dict(found.use), task or found.task
        day = day or found.policy.as_of
    chosen = [load_pack(one) for one in names] if names else list(list_packs())
    plain, profiles = _read(facts or ())
    problems = [one for _, one in check_facts(plain, chosen)]
    problems += [
        Problem(f"{name!r} is answered twice, in the config and in a file", "remove one of them")
        for name in sorted(plain.keys() & use.keys())
        if use[name] is not None and use[name] != plain[name]
    ]
    declared, wrong = lay_together({**use, **plain}, profiles, all_facts(chosen))
    if problems or wrong:
        raise ConfigError([*problems, *wrong])
    if task is not None:
        declared[TASK] = task
    return Given(chosen, declared, day or datetime.datetime.now(datetime.UTC).date())


def parsed_day(text: str | None) -> datetime.date | None:
    """The day of an option."""
    from lextune.records import parse_day

    try:
        return None if text is None else parse_day(text)
    except ValueError as error:
        raise ConfigError(Problem(f"{text!r} is no date", "write YYYY-MM-DD")) from error


def _read(files: Sequence[Path]) -> tuple[dict[str, Any], list[Any]]:
    """Answers of plain files, and the profiles among the files."""
    from lextune import strict_yaml
    from lextune.evidence.keys import load_trust
    from lextune.files import read_regular
    from lextune.release import open_facts

    plain: dict[str, Any] = {}
    profiles = []
    for path in files:
        try:
            data = read_regular(path)
        except OSError as error:
            fact = f"{path} cannot be read: {error.strerror}"
            raise ConfigError(Problem(fact, "check --facts")) from error
        if data.lstrip().startswith(b'{"payload"'):
            profiles.append(open_facts(data, load_trust(), str(path)))
            continue
        answers = strict_yaml.load(data, str(path)).data
        if not isinstance(answers, dict):
            raise ConfigError(Problem(f"{path} holds no answers", "write `fact: answer` lines"))
        plain |= answers.get("use", answers)
    return plain, profiles
