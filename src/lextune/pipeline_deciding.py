"""What a decision over a run is made of besides measurements, and deciding again without training again."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lextune import release as releasing
from lextune.brought import Brought, read_brought, read_signed
from lextune.errors import ConfigError, LextuneError, Problem, VerificationError
from lextune.evidence.canonical import canonical
from lextune.evidence.dossier import Dossier
from lextune.evidence.keys import Signer, Trust, load_or_create_key, load_trust
from lextune.evidence.statements import make_statement, room_of
from lextune.files import home_folder, read_regular, sha256
from lextune.impact import note_verified
from lextune.listener import Listener
from lextune.pipeline_report import write_verdict
from lextune.policy.packs import Pack, parse_pack
from lextune.policy.profiles import FactProfile
from lextune.policy.verdict import blocks_release
from lextune.policy.waivers import check_waivers
from lextune.policy.wording import Language
from lextune.records import ControlResult, Statement, Subject, Verdict
from lextune.store.runs import RunStore


@dataclass(frozen=True)
class Papers:
    """What people signed or wrote for a run, read and checked.

    Attributes:
        waivers: Signed envelopes.
        facts: Signed envelopes of answers that the config took over.
    """

    waivers: tuple[bytes, ...]
    brought: Brought
    facts: tuple[bytes, ...] = ()

    def into(self, dossier: Dossier) -> None:
        """Put everything into a dossier, with a statement for each."""
        for envelope in self.waivers:
            record = {"envelope": json.loads(envelope)}
            named = Subject(name="waiver", digest={"sha256": sha256(envelope)})
            dossier.append("waiver", make_statement("waiver", [named], {"record": record}))
        for envelope in self.facts:
            record = {"envelope": json.loads(envelope)}
            named = Subject(name="facts", digest={"sha256": sha256(envelope)})
            dossier.append("facts", make_statement("facts", [named], {"record": record}))
        self.brought.into(dossier)


def read_profiles(names: Sequence[str], trust: Trust) -> list[tuple[FactProfile, bytes]]:
    """Signed answers to the packs' questions, each with its envelope.

    Raises:
        ConfigError: A file cannot be read.
        VerificationError: One is not signed by a trusted key.
    """
    found = []
    for name in names:
        data = read_signed(name, "facts")
        found.append((releasing.open_facts(data, trust, name), data))
    return found


def read_papers(
    waivers: Sequence[str | Path],
    attestations: Sequence[str | Path],
    documents: Mapping[str, tuple[str | Path, datetime.date | None]],
    packs: Sequence[Pack],
    trust: Trust,
) -> Papers:
    """Read and check what people bring.

    Raises:
        ConfigError: A file cannot be read, or does not fit the packs.
        VerificationError: Something is not signed by a trusted key.
    """
    envelopes, opened = [], []
    for name in waivers:
        data = read_signed(name, "waiver")
        opened.append(releasing.open_waiver(data, trust, packs, str(name)))
        envelopes.append(data)
    problems = check_waivers(opened, packs)
    if problems:
        raise ConfigError(problems)
    return Papers(tuple(envelopes), read_brought(attestations, documents, packs, trust))


def record_verdict(
    dossier: Dossier, packs: Sequence[Pack], verdict: Verdict, *, again: bool = False
) -> None:
    """The decision as a file and a signed statement.

    Args:
        again: It is for another day than the config's, which the statement then says itself.
    """
    record: dict[str, Any] = {"verdict": verdict.model_dump(mode="json")}
    if again:
        record["as_of"] = str(verdict.as_of)
    file = dossier.write_file("verdict.json", canonical(record["verdict"]) + b"\n")
    inside = file.model_copy(update={"path": f"dossier/{file.path}"})
    used = [Subject(name=f"packs/{p.id}", digest={"sha256": p.digest}) for p in packs]
    dossier.append("decide", make_statement("decide", [inside, *used], {"record": record}))


@dataclass(frozen=True)
class Decided:
    """A run, decided again.

    Attributes:
        release: The release's folder, or None where it stays refused.
        blocked: The controls that refuse it.
        told: The verdict in the language that was asked for.
    """

    run: str
    folder: Path
    verdict: Verdict
    release: Path | None
    blocked: tuple[ControlResult, ...]
    told: Verdict


def decide_again(
    folder: Path,
    *,
    waivers: Sequence[str | Path] = (),
    attestations: Sequence[str | Path] = (),
    documents: Mapping[str, tuple[str | Path, datetime.date | None]] | None = None,
    as_of: datetime.date | None = None,
    language: Language = "en",
) -> Decided:
    """Decide a refused run over what it measured and what people bring now, and release it if it passes; nothing is trained.

    Args:
        folder: The run's folder.
        waivers: Files of signed waivers.
        attestations: Files of signed attestations.
        documents: Name to path and last day on which it counts.
        as_of: The day to decide for; None is today. Never a day before the run's own.
        language: Of `told`; what is signed is English.

    Raises:
        ConfigError: There is no finished run, it is released already, or what is brought does not fit.
        VerificationError: The dossier was changed, or something brought is not signed by a trusted key.
    """
    signer, trust = load_or_create_key(), load_trust()
    dossier = _open(folder, signer)
    statements = [one for _, one in dossier.statements()]
    config = releasing.parse_config_record(_record(statements, "config", folder))
    _check_finished(statements, folder)
    if (
        any(room_of(one) == "release" for one in statements)
        or (folder / "release" / f"{config.release.name}-{config.release.version}").exists()
    ):
        raise ConfigError(
            Problem("the run is released already", "see `lextune policy impact` for a changed law")
        )
    packs = _packs(dossier, statements)
    papers = read_papers(waivers, attestations, documents or {}, packs, trust)
    day = as_of or datetime.datetime.now(datetime.UTC).date()
    before = config.policy.as_of
    if before is not None and day < before:
        raise ConfigError(
            Problem(f"{day} is before {before}, the day of the run", "give that day or a later one")
        )
    papers.brought.check_model(statements)  # before anything is written: a dossier forgets nothing
    papers.into(dossier)
    policy = config.policy.model_copy(update={"as_of": day})
    now = config.model_copy(update={"policy": policy})
    found = dossier.statements()
    verdict = releasing.decide_dossier(found, now, packs, trust)
    record_verdict(dossier, packs, verdict, again=day != before)
    write_verdict(folder, trust, Listener())
    release = None
    if verdict.outcome == "pass":
        release = releasing.build_release(folder, dossier, config, verdict, signer, trust)
    _note(dossier.run_id, verdict, release)
    note_verified(release or folder)
    blocked = tuple(one for one in verdict.controls if blocks_release(one))
    told = releasing.decide_dossier(found, now, packs, trust, language)
    return Decided(dossier.run_id, folder, verdict, release, blocked, told)


def _open(folder: Path, signer: Signer) -> Dossier:
    if not (folder / "dossier").is_dir():
        raise ConfigError(
            Problem(
                f"there is no run in {folder}", "give the folder of a run (`lextune runs list`)"
            )
        )
    return Dossier.open(folder / "dossier", signer)


def _record(statements: Sequence[Statement], room: str, folder: Path) -> Mapping[str, object]:
    for statement in statements:
        if room_of(statement) == room:
            record: Mapping[str, object] = statement.predicate["record"]
            return record
    raise _unfinished(folder)


def _check_finished(statements: Sequence[Statement], folder: Path) -> None:
    """A run that was evaluated and decided after that: else rooms that its config asks for would be skipped."""
    rooms = [room_of(one) for one in statements]
    measured = [at for at, room in enumerate(rooms) if room in ("evaluate", "audit")]
    if "evaluate" not in rooms or "decide" not in rooms[max(measured) :]:
        raise _unfinished(folder)


def _unfinished(folder: Path) -> ConfigError:
    return ConfigError(
        Problem(
            f"the run in {folder} has not come to its decision",
            "go on with `lextune run --resume`, or start a new run",
            "there is nothing to decide again",
        )
    )


def _packs(dossier: Dossier, statements: Sequence[Statement]) -> list[Pack]:
    """The very packs of the run, out of its dossier."""
    named = next(one for one in statements if room_of(one) == "config")
    packs = []
    for pack, digest in releasing.chosen_packs(named).items():
        path = dossier.folder / "packs" / f"{pack}.yaml"
        found = parse_pack(read_regular(path), str(path))
        if found.digest != digest:
            raise VerificationError(
                Problem(
                    f"{path} is not the pack that the run was decided with",
                    "restore the run's folder from a backup, or run again",
                )
            )
        packs.append(found)
    return packs


def _note(run: str, verdict: Verdict, release: Path | None) -> None:
    """The index of runs says how it ended now; a run that this machine does not know is not entered."""
    words = {"pass": "released", "fail": "refused", "insufficient": "insufficient"}
    with RunStore(home_folder()) as store:
        try:
            known = store.get(run)
        except LextuneError:
            return
        store.finish(
            run, words[verdict.outcome], release=release.resolve() if release else None,
            metrics=known["metrics"],
        )  # fmt: skip
