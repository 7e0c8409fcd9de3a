"""No signed passing verdict, no release: builds, verifies and reads release folders; weights are only bytes to it.

What the evidence room verifies (bytes, signatures, chain) is joined here with what the policy room decides:
the verdict is computed again from the statements, the declared facts and the packs inside the dossier.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lextune import strict_yaml
from lextune.brought import check_brought
from lextune.config import RunConfig
from lextune.errors import ConfigError, LextuneError, Problem, VerificationError
from lextune.evidence.canonical import canonical, load_json
from lextune.evidence.documents.base import DossierView, Term
from lextune.evidence.documents.model_card import model_card
from lextune.evidence.dossier import Dossier
from lextune.evidence.envelope import open_envelope
from lextune.evidence.keys import Signer, Trust
from lextune.evidence.releasing import sign_release
from lextune.evidence.statements import make_statement, room_of
from lextune.evidence.verifying import Evidence, read_verified, verify_dossier, verify_folder
from lextune.files import disk_problems, read_regular, sha256, sync_tree, write_atomic
from lextune.policy.facts import all_facts
from lextune.policy.licences import passed_on
from lextune.policy.packs import Pack, parse_pack
from lextune.policy.profiles import PROFILE_SCHEMA, FactProfile, lay_together
from lextune.policy.verdict import blocks_release, decide_so_far
from lextune.policy.waivers import Waiver
from lextune.policy.wording import Language
from lextune.records import (
    ControlResult,
    FileDigest,
    Statement,
    Subject,
    Verdict,
    parse_day,
)
from lextune.validation import validate

_AGAIN = "get the release again from who made it, or decide again with the config"
_DIFFERS = Problem(
    "the verdict computed again differs from the signed one",
    _AGAIN,
    "the decision does not follow from its evidence",
)


@dataclass(frozen=True)
class Verification:
    """What verifying a release found.

    Attributes:
        evidence: Files, statements and signers.
        verdict: As computed again; None when that was not possible.
        problems: All of them; the release may be used only if there are none.
    """

    evidence: Evidence
    verdict: Verdict | None
    problems: tuple[Problem, ...]

    @property
    def verified(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def require(self) -> Verification:
        """Itself, if nothing is wrong.

        Raises:
            VerificationError: With all problems.
        """
        if self.problems:
            raise VerificationError(self.problems)
        return self


@dataclass(frozen=True)
class VerifiedRelease:
    """A verified release in memory: the very bytes that were hashed.

    Attributes:
        files: Every file outside `dossier/`, by path.
        config: The config of the run that made it.
    """

    verification: Verification
    files: Mapping[str, bytes]
    config: RunConfig

    @property
    def name(self) -> str:
        """NAME-VERSION."""
        return f"{self.config.release.name}-{self.config.release.version}"


def decide_dossier(
    statements: Sequence[tuple[str, Statement]],
    config: RunConfig,
    packs: Sequence[Pack],
    trust: Trust,
    language: Language = "en",
) -> Verdict:
    """The verdict over a dossier's statements; those that only report a decision or a release are not evidence.

    Raises:
        ConfigError: `policy.as_of` is not set.
        VerificationError: A waiver's own envelope is not signed by a trusted key, or for another pack.
    """
    return decide_dossier_so_far(statements, config, packs, trust, language)[0]


def decide_dossier_so_far(
    statements: Sequence[tuple[str, Statement]],
    config: RunConfig,
    packs: Sequence[Pack],
    trust: Trust,
    language: Language = "en",
) -> tuple[Verdict, tuple[ControlResult, ...]]:
    """As `decide_dossier`, with the blocking controls that no later room can mend."""
    if config.policy.as_of is None:
        raise ConfigError(Problem("policy.as_of is not set", "give the day to decide for"))
    evidence = evidence_in(statements)
    check_brought((statement for _, statement in statements), trust)
    _check_profiles(statements, config, packs, trust)
    waivers = _waivers((statement for _, statement in statements), trust, packs)
    day = config.policy.as_of
    return decide_so_far(evidence, config.use, packs, day, waivers, language)


def evidence_in(statements: Sequence[tuple[str, Statement]]) -> list[tuple[str, Statement]]:
    """The statements that a decision reads, without those that report one or that are read in another way."""
    reports = ("decide", "release", "waiver", "facts")
    return [pair for pair in statements if room_of(pair[1]) not in reports]


def _check_profiles(
    statements: Sequence[tuple[str, Statement]],
    config: RunConfig,
    packs: Sequence[Pack],
    trust: Trust,
) -> None:
    """Signed answers that a run took must be the answers that it declares."""
    profiles = []
    for _, statement in statements:
        if room_of(statement) == "facts":
            record = statement.predicate.get("record")
            envelope = record.get("envelope") if isinstance(record, dict) else None
            profiles.append(open_facts(canonical(envelope), trust))
    together, problems = lay_together(config.use, profiles, all_facts(packs))
    if problems or together != dict(config.use):
        told = Problem(
            "the dossier holds signed answers that the config does not declare", _AGAIN,
            "they were changed after the person signed",
        )  # fmt: skip
        raise VerificationError(problems or [told])


def _waivers(statements: Iterable[Statement], trust: Trust, packs: Sequence[Pack]) -> list[Waiver]:
    opened = []
    for statement in statements:
        if room_of(statement) == "waiver":
            record = statement.predicate.get("record")
            envelope = record.get("envelope") if isinstance(record, dict) else None
            opened.append(open_waiver(canonical(envelope), trust, packs))
    return opened


def sign_waiver(waiver: Waiver, pack: Pack, signer: Signer) -> bytes:
    """A waiver as a signed envelope; its subject is the control, with the digest of the pack that was read."""
    from lextune.evidence.envelope import sign

    subject = Subject(name=f"{waiver.pack}/{waiver.control}", digest={"sha256": pack.digest})
    record = waiver.model_dump(mode="json")
    return sign(make_statement("waiver", [subject], {"record": record}), signer)


def open_waiver(data: bytes, trust: Trust, packs: Sequence[Pack], where: str = "waiver") -> Waiver:
    """The waiver inside a signed envelope.

    Args:
        data: The envelope.
        trust: Whose signature counts.
        packs: The chosen packs. A waiver of one of them must be signed for that very file; one that names
            no chosen pack lifts nothing, which `check_waivers` reports.
        where: What to call it in an error.

    Raises:
        VerificationError: It is not signed by a trusted key, is no waiver, or was signed for another version
            of the pack: another file with the same id may ask for something else.
    """
    statement = open_envelope(data, trust, where)
    try:
        if room_of(statement) != "waiver":
            raise ValueError
        waiver = Waiver.model_validate(statement.predicate["record"])
        name = f"{waiver.pack}/{waiver.control}"
        (subject,) = statement.subject
        if subject.name != name or set(subject.digest) != {"sha256"}:
            raise ValueError
    except (KeyError, ValueError) as error:
        raise VerificationError(
            Problem(
                "this signed statement is no waiver",
                "give a file of `lextune approve`",
                where=where,
            )
        ) from error
    for pack in packs:
        if pack.id == waiver.pack and pack.digest != subject.digest["sha256"]:
            raise VerificationError(
                Problem(
                    f"the waiver of {name} was signed for another version of the pack",
                    "read the control as it is now, then approve it again",
                    "the person answered for other words",
                    where,
                )
            )
    return waiver


def sign_facts(profile: FactProfile, signer: Signer) -> bytes:
    """A profile of facts as a signed envelope; its subject is the answers, with their digest."""
    from lextune.evidence.envelope import sign

    record = profile.model_dump(mode="json", by_alias=True)
    subject = Subject(name="facts", digest={"sha256": sha256(canonical(record["answers"]))})
    return sign(make_statement("facts", [subject], {"record": record}), signer)


def open_facts(data: bytes, trust: Trust, where: str = "facts") -> FactProfile:
    """The profile inside a signed envelope; whether its answers still fit is for `profiles.lay_together`.

    Raises:
        VerificationError: It is not signed by a trusted key, or is no profile of facts.
    """
    statement = open_envelope(data, trust, where)
    try:
        record = statement.predicate["record"]
        (subject,) = statement.subject
        if room_of(statement) != "facts" or record.get("schema") != PROFILE_SCHEMA:
            raise ValueError
        if subject.digest != {"sha256": sha256(canonical(record["answers"]))}:
            raise ValueError
        return FactProfile.model_validate(record)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        remedy = "give a file of `lextune policy facts`"
        fact = "this signed statement is no profile of facts"
        raise VerificationError(Problem(fact, remedy, where=where)) from error


def build_release(
    run: Path, dossier: Dossier, config: RunConfig, verdict: Verdict, signer: Signer, trust: Trust
) -> Path:
    """Put the trained model, the card and the dossier together, sign, verify, and only then give it its name.

    Args:
        run: The run's folder, with `model/` and `dossier/`.
        dossier: Of the run.
        config: Of the run.
        verdict: Must pass.
        signer: The user's key.
        trust: Whom the user trusts; the release must verify against it.

    Returns:
        The release's folder, `release/NAME-VERSION` under `run`.

    Raises:
        VerificationError: What is here is not what was trained and evaluated. No release is left.
    """
    if verdict.outcome != "pass":
        raise VerificationError(
            Problem(f"the verdict is {verdict.outcome}", "meet the controls, then run again")
        )
    target = run / "release" / f"{config.release.name}-{config.release.version}"
    temporary = target.with_name(f".{target.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        with disk_problems(target):
            temporary.mkdir(parents=True)
            for source in sorted((run / "model").iterdir()):
                shutil.copyfile(source, temporary / source.name, follow_symlinks=False)
            shutil.copytree(
                dossier.folder, temporary / "dossier", symlinks=True, ignore=_private_files
            )
        statements = [statement for _, statement in dossier.statements()]
        texts = {
            name: read_regular(dossier.folder / "packs" / f"{name}.yaml") for name in verdict.packs
        }
        card = model_card(statements, verdict, _terms(texts, statements))
        write_atomic(temporary / "README.md", card.encode())
        record = {"name": config.release.name, "version": config.release.version}
        sign_release(temporary, signer, {"record": record})
        sync_tree(temporary)
        verify_release(temporary, trust).require()
        os.replace(temporary, target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        with contextlib.suppress(OSError):
            target.parent.rmdir()
        raise
    return target


def _terms(packs: Mapping[str, bytes], statements: Sequence[Statement]) -> list[Term] | None:
    """What the licences of the inputs ask of the release, by the tables of the packs that decided."""
    rows = [row for name in sorted(packs) for row in parse_pack(packs[name], name).licences]
    if not rows:
        return None
    terms = []
    for source, room in (("model", "select"), ("data", "prepare")):
        for statement in statements:
            if room_of(statement) == room:
                spdx = statement.predicate["record"]["licence"]["spdx"]
                terms += [
                    Term(source, row.id, row.share_alike, row.note.en)
                    for row in passed_on(spdx, rows)
                ]
    return terms


def view_dossier(folder: Path, trust: Trust, language: Language = "en") -> DossierView:
    """What documents are made from, of a release or of a run that may have ended in none; verified first.

    Args:
        folder: Of the release or of the run.
        trust: Whose signatures count.
        language: Of the verdict's reasons. What is signed is English; in Chinese it is decided again for people.

    Raises:
        VerificationError: With every problem.
    """
    released = not (folder / "run.json").is_file()
    if released:
        verification = verify_release(folder, trust).require()
        evidence, verdict = verification.evidence, verification.verdict
    else:
        evidence = verify_dossier(folder, trust).require()
        verdict = _signed_verdict(evidence, trust)
    if verdict is not None and language != "en":
        verdict = recompute(evidence, trust, language)
    packs = {
        name: evidence.documents[f"dossier/packs/{name}.yaml"]
        for name in (verdict.packs if verdict is not None else ())
    }
    terms = None
    if verdict is not None:
        found = _terms(packs, [statement for _, statement in evidence.statements])
        terms = None if found is None else tuple(found)
    return DossierView(evidence.statements, verdict, packs, terms)


def _signed_verdict(evidence: Evidence, trust: Trust) -> Verdict | None:
    """The last decision of a run, computed again; None where it made none."""
    if not any(room_of(statement) == "decide" for _, statement in evidence.statements):
        return None
    verdict = recompute(evidence, trust)
    signed = _last(evidence, "decide").predicate["record"]
    if canonical(verdict.model_dump(mode="json")) != canonical(signed.get("verdict")):
        raise VerificationError(_DIFFERS)
    return verdict


def _private_files(folder: str, names: list[str]) -> list[str]:  # noqa: ARG001
    """The dossier's lock and leftovers of a crash are no evidence."""
    return [name for name in names if name.startswith(".")]


def verify_release(folder: Path, trust: Trust) -> Verification:
    """Verify every file, signature and link of a release, and compute its verdict again."""
    return _with_verdict(verify_folder(folder, trust), trust)


def read_release(folder: Path, trust: Trust) -> VerifiedRelease:
    """A release to use: verified, with the bytes that were hashed.

    Raises:
        VerificationError: With every problem.
    """
    evidence, files = read_verified(folder, trust)
    verification = _with_verdict(evidence, trust).require()
    return VerifiedRelease(verification, files, _config_of(evidence))


def _with_verdict(evidence: Evidence, trust: Trust) -> Verification:
    if not evidence.verified:
        return Verification(evidence, None, evidence.problems)
    try:
        verdict = recompute(evidence, trust)
    except LextuneError as error:
        return Verification(evidence, None, error.problems)
    problems = []
    signed = _last(evidence, "decide").predicate["record"]
    if canonical(verdict.model_dump(mode="json")) != canonical(signed.get("verdict")):
        problems.append(_DIFFERS)
    if verdict.outcome != "pass":
        failed = [f"{one.pack}/{one.control}" for one in verdict.controls if blocks_release(one)]
        problems.append(Problem(f"the verdict is {verdict.outcome} ({', '.join(failed)})", _AGAIN))
    return Verification(evidence, verdict, tuple(problems))


def recompute(evidence: Evidence, trust: Trust, language: Language = "en") -> Verdict:
    """The verdict again, from nothing but what lies in the dossier, and with the packs that the config chose.

    Raises:
        PackError: A pack in the dossier does not parse.
        VerificationError: A pack is missing, or is not the one that the config statement names; the decision
            was made with other packs, or holds no verdict.
    """
    chosen = chosen_packs(_last(evidence, "config"))
    signed = _last(evidence, "decide").predicate["record"].get("verdict")
    if not isinstance(signed, dict) or signed.get("packs") != chosen:
        raise VerificationError(
            Problem(
                "the decision was not made with the packs of the config",
                _AGAIN,
                "the decide statement holds no verdict over exactly those that the config statement names",
            )
        )
    packs, problems = [], []
    for name, digest in sorted(chosen.items()):
        path = f"dossier/packs/{name}.yaml"
        text = evidence.documents.get(path)
        if text is None:
            problems.append(Problem(f"the pack {path} is not in the release", _AGAIN))
            continue
        pack = parse_pack(text, path)
        if (pack.id, pack.digest) != (name, digest):
            problems.append(
                Problem(f"{path} is not the pack that the config statement names", _AGAIN)
            )
        packs.append(pack)
    if problems:
        raise VerificationError(problems)
    config = _config_of(evidence)
    day = _last(evidence, "decide").predicate["record"].get("as_of")
    if day is not None:
        config = _on_later_day(config, day)
    return decide_dossier(evidence.statements, config, packs, trust, language)


def _on_later_day(config: RunConfig, day: Any) -> RunConfig:
    """The config with the day of a decision that was made again; never one before its own."""
    try:
        again = parse_day(day)
    except ValueError:
        again = None
    first = config.policy.as_of
    if again is None or first is None or again < first:
        raise VerificationError(
            Problem(f"the decision is for {day!r}, which is not a day after {first}", _AGAIN)
        )
    return config.model_copy(update={"policy": config.policy.model_copy(update={"as_of": again})})


def chosen_packs(config: Statement) -> dict[str, str]:
    """Id and digest of each pack that a config statement names as its subjects."""
    folder, suffix = "dossier/packs/", ".yaml"
    return {
        item.name.removeprefix(folder).removesuffix(suffix): item.digest.get("sha256", "")
        for item in config.subject
        if item.name.startswith(folder) and item.name.endswith(suffix)
    }


def _last(evidence: Evidence, room: str) -> Statement:
    found = [statement for _, statement in evidence.statements if room_of(statement) == room]
    if not found:
        raise VerificationError(Problem(f"there is no statement of the room {room!r}", _AGAIN))
    return found[-1]


def _config_of(evidence: Evidence) -> RunConfig:
    """The run's config as the signed config statement holds it."""
    record = _last(evidence, "config").predicate["record"]
    return parse_config_record(record)


def parse_config_record(record: Mapping[str, Any]) -> RunConfig:
    """A config from the record of a config statement."""
    return validate(
        RunConfig, strict_yaml.Document(dict(record), "the config statement"), ConfigError
    )


def load_verdict(data: bytes) -> Verdict:
    """A verdict from the bytes of `verdict.json`."""
    return Verdict.model_validate(load_json(data, "verdict.json"))


def model_digests(files: Mapping[str, bytes]) -> tuple[FileDigest, ...]:
    """Digests of files that are in memory."""
    return tuple(
        FileDigest(path=name, sha256=sha256(data), size=len(data))
        for name, data in sorted(files.items())
    )
