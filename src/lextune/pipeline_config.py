"""Checks a config against the packs and the plugins that it names, so that everything wrong is told in one go."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lextune import strict_yaml
from lextune.config import PolicyConfig, RunConfig, load_config
from lextune.config_training import TrainConfig
from lextune.errors import ConfigError, PackError, Problem
from lextune.extras import missing
from lextune.policy.applicability import control_applies
from lextune.policy.core_facts import TASK
from lextune.policy.facts import all_facts, check_facts
from lextune.policy.licences import parse
from lextune.policy.packs import Pack, load_pack
from lextune.policy.profiles import lay_together
from lextune.policy.schema import MeasurementRequirement, leaves
from lextune.registry import Registry
from lextune.rights import retention_problem
from lextune.validation import validate


def load_run_config(
    source: str | Path | Mapping[str, Any],
    overrides: Sequence[str] = (),
    notify: Callable[[str], None] | None = None,
) -> RunConfig:
    """A config whose declared facts are checked against the packs, all problems in one go.

    Raises:
        ConfigError: Everything that is wrong, the packs' own faults included.
    """

    packs_of: list[Pack] = []

    def check(document: strict_yaml.Document) -> list[Problem]:
        data = document.data
        policy, use = data.get("policy"), data.get("use")
        named = policy.get("packs") if isinstance(policy, dict) else None
        if isinstance(named, str):
            named = [named]
        elif not isinstance(named, list):  # left out, or of a wrong kind, which is told elsewhere
            named = list(PolicyConfig().packs)
        problems = [*_unknown_names(data, document), *_release_licence(data, document)]
        problems += _audit_parameters(data, document)
        packs: list[Pack] = []
        for index, name in enumerate(named):
            try:
                packs.append(load_pack(str(name)))
            except PackError as error:
                where = document.where(("policy", "packs", index))
                problems += [
                    one if one.where else dataclasses.replace(one, where=where)
                    for one in error.problems
                ]
        packs_of[:] = packs
        if isinstance(use, dict):
            try:
                found = check_facts(use, packs)
            except PackError as error:
                return [*problems, *error.problems]
            for fact, one in found:
                where = document.where(("use", fact))
                problems.append(Problem(one.fact, one.remedy, one.reason, where))
        return problems

    config = load_config(source, overrides, check=check, notify=notify)
    if config.policy.facts:
        config = _with_profiles(config, packs_of)
    if config.policy.as_of is None:
        today = datetime.datetime.now(datetime.UTC).date()
        policy = config.policy.model_copy(update={"as_of": today})
        config = config.model_copy(update={"policy": policy})
    assert config.policy.as_of is not None
    late = retention_problem(config.data.retention_until, config.policy.as_of)
    if late is not None:
        raise ConfigError(dataclasses.replace(late, where="data.retention_until"))
    return _with_audits(config, packs_of)


def _with_profiles(config: RunConfig, packs: Sequence[Pack]) -> RunConfig:
    """The config with the answers that persons signed, where its own `use` leaves a question open."""
    from lextune.evidence.keys import load_trust
    from lextune.pipeline_deciding import read_profiles

    profiles = [one for one, _ in read_profiles(config.policy.facts, load_trust())]
    use, problems = lay_together(config.use, profiles, all_facts(packs))
    problems += [one for _, one in check_facts(use, packs)]
    if problems:
        raise ConfigError([dataclasses.replace(one, where="policy.facts") for one in problems])
    return config.model_copy(update={"use": use})


def _with_audits(config: RunConfig, packs: Sequence[Pack]) -> RunConfig:
    """The config with the audits that its packs ask for, and every parameter of each: a run states them first of all.

    An audit is asked for by a control that applies, or of which nobody knows whether it does, and that needs a figure
    which the audit gives.
    """
    if missing("text") or missing("data"):
        return config
    from lextune.audits.base import audits, demanded

    facts, known = all_facts(packs), {**config.use, TASK: config.task}
    wanted = [
        requirement.measurement
        for pack in packs
        for control in pack.controls
        if control_applies(pack, control, facts, known).value is not False
        for requirement in leaves(control.requires)
        if isinstance(requirement, MeasurementRequirement)
    ]
    wanted += [one.measurement for one in config.policy.thresholds]
    names = tuple(dict.fromkeys((*config.audits, *demanded(wanted))))
    stated = {}
    for name in names:
        given = audits.get(name).parameters.model_validate(config.audit_parameters.get(name, {}))
        if found := given.model_dump(mode="json"):
            stated[name] = found
    return config.model_copy(update={"audits": names, "audit_parameters": stated})


def _audit_parameters(data: Mapping[str, Any], document: strict_yaml.Document) -> list[Problem]:
    """Parameters of audits that do not exist, and parameters that those audits do not take."""
    given = data.get("audit_parameters")
    if not isinstance(given, dict) or missing("text") or missing("data"):
        return []
    from lextune.audits.base import audits

    problems: list[Problem] = []
    for name, section in given.items():
        path = ("audit_parameters", name)
        try:
            one = audits.get(name)
        except ConfigError as error:
            where = document.where(path)
            problems += [dataclasses.replace(found, where=where) for found in error.problems]
            continue
        if section is None or section == {}:
            continue
        try:
            validate(one.parameters, document.inside(path), ConfigError)
        except ConfigError as error:
            key = f"audit_parameters.{name}"
            problems += [
                dataclasses.replace(found, fact=f"{key}: {found.fact}") for found in error.problems
            ]
    return problems


def _release_licence(data: Mapping[str, Any], document: strict_yaml.Document) -> list[Problem]:
    """A licence of the release that nobody could read: it would stand on the model card."""
    release = data.get("release")
    licence = release.get("licence") if isinstance(release, dict) else None
    if not isinstance(licence, str) or parse(licence) is not None:
        return []
    fact = "release.licence is no licence expression that can be read"
    remedy = "write an SPDX expression (MIT, Apache-2.0 OR MIT) or the id that model hubs use"
    return [Problem(fact, remedy, where=document.where(("release", "licence")))]


def _unknown_names(data: Mapping[str, Any], document: strict_yaml.Document) -> list[Problem]:
    """Plugins that the config names and that do not exist; none is looked for where the extras are missing."""
    if missing("text") or missing("data"):
        return []
    from lextune.audits.base import audits
    from lextune.data.formats import formats
    from lextune.data.quality.base import quality_checks
    from lextune.data.quality.screening import screens
    from lextune.tasks.base import tasks
    from lextune.training.methods.base import methods

    def section(name: str) -> Mapping[str, Any]:
        return found if isinstance(found := data.get(name), dict) else {}

    quality = section("data").get("quality")
    quality = quality if isinstance(quality, dict) else {}
    wanted: list[tuple[Registry[Any], Any, tuple[str | int, ...]]] = [
        (tasks, data.get("task"), ("task",)),
        (methods, section("train").get("method"), ("train", "method")),
        (formats, section("data").get("format"), ("data", "format")),
    ]
    lists: list[tuple[Registry[Any], Any, tuple[str, ...]]] = [
        (audits, data.get("audits"), ("audits",)),
        (quality_checks, quality.get("checks"), ("data", "quality", "checks")),
        (screens, quality.get("screens"), ("data", "quality", "screens")),
    ]
    for registry, names, path in lists:
        several = [names] if isinstance(names, str) else names
        if isinstance(several, list):
            wanted += [(registry, name, (*path, index)) for index, name in enumerate(several)]
    problems: list[Problem] = []
    for registry, name, place in wanted:
        try:
            if isinstance(name, str):
                registry.get(name)
        except ConfigError as error:
            where = document.where(place)
            problems += [dataclasses.replace(one, where=where) for one in error.problems]
    problems += _idle_of_task(data.get("task"), section("train"), document)
    problems += _idle_temperature(data.get("task"), section("evaluation"), document)
    return problems + _idle_settings(section("train"), document)


def _idle_of_task(
    chosen: Any, train: Mapping[str, Any], document: strict_yaml.Document
) -> list[Problem]:
    """Settings that tasks of another kind read, such as the size of images where rows are texts."""
    from lextune.tasks.base import tasks

    if chosen not in tasks.names():
        return []
    task, defaults = tasks.get(chosen), TrainConfig().model_dump(mode="json")
    others = {key for _, one in tasks for key in one.train_settings} - task.train_settings
    return [
        Problem(
            f"train.{key} is set, but the task {chosen} does not read it",
            f"remove train.{key}",
            "a key that nothing reads would do nothing",
            document.where(("train", key)),
        )
        for key in sorted(others)
        if key in train and train[key] != defaults[key]
    ]


def _idle_temperature(
    chosen: Any, evaluation: Mapping[str, Any], document: strict_yaml.Document
) -> list[Problem]:
    """A temperature that answers are to be given at, of a task whose answers have no such scores."""
    from lextune.tasks.base import tasks

    if evaluation.get("temperature_scaling") != "apply" or chosen not in tasks.names():
        return []
    if tasks.get(chosen).label_kind == "class":
        return []
    return [
        Problem(
            f"evaluation.temperature_scaling is apply, but the task {chosen} does not read it",
            "remove evaluation.temperature_scaling",
            "a temperature is of scores of which each row has one for each class",
            document.where(("evaluation", "temperature_scaling")),
        )
    ]


def _idle_settings(train: Mapping[str, Any], document: strict_yaml.Document) -> list[Problem]:
    """Settings that another method than the chosen one reads: here they would do nothing."""
    from lextune.training.methods.base import idle_settings, methods

    chosen, defaults = train.get("method", "full"), TrainConfig().model_dump(mode="json")
    if chosen not in methods.names():
        return []
    return [
        Problem(
            f"train.{key} is set, but the method {chosen} does not read it",
            f"set train.method: {name}, or remove train.{key}",
            "a key that nothing reads would do nothing",
            document.where(("train", key)),
        )
        for key, name in idle_settings(chosen).items()
        if key in train and train[key] not in (defaults[key], *_single(defaults[key]))
    ]


def _single(value: Any) -> list[Any]:
    """One word may stand for a list of one."""
    return value if isinstance(value, list) and len(value) == 1 else []
