"""Decides every stored dossier again under new packs or on another day, nothing retrained; it prints nothing.

What a decision reads is in the dossier: statements, the declared facts, the packs. Signatures are checked when a
dossier is first read; the digest of its bytes is then kept under the home folder, for as long as the same keys are
trusted.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import gc
import json
import multiprocessing
import os
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lextune.config import RunConfig
from lextune.errors import LextuneError, Problem, VerificationError
from lextune.evidence.canonical import canonical
from lextune.evidence.dossier import CHECKPOINT, LEDGER, STATEMENTS
from lextune.evidence.keys import Trust, load_trust, write_private
from lextune.evidence.statements import room_of
from lextune.evidence.stored import (
    StoredDossier,
    read_stored,
    statements_verified_before,
    verified_statements,
)
from lextune.files import home_folder, locked, read_regular, sha256
from lextune.listener import Listener
from lextune.policy.facts import all_facts
from lextune.policy.impact import ENDING, Change, Effect, changes, effect, turns
from lextune.policy.packs import Pack, parse_pack
from lextune.policy.profiles import question_digest
from lextune.policy.readings import Readings
from lextune.policy.schema import Fact
from lextune.policy.verdict import outcome_of
from lextune.policy.wording import Language, speaking
from lextune.records import ControlResult, Outcome, Statement, Verdict
from lextune.release import (
    chosen_packs,
    decide_dossier,
    evidence_in,
    open_facts,
    parse_config_record,
)

#: Dossiers that one process takes at a time.
_CHUNK = 32
_KNOWN_FILE = "verified_dossiers.json"
#: Where one is left, there was a dossier: one that lost the others is not passed over.
_PARTS = (CHECKPOINT, LEDGER, STATEMENTS)


@dataclass(frozen=True)
class Question:
    """What is to be decided again.

    Attributes:
        packs: The new packs, each instead of the one with its id, or beside the others where there is none.
        as_of: The day to decide for.
        trust: The trust file; None is the user's own.
        language: Of reasons and needs.
    """

    packs: tuple[Pack, ...]
    as_of: datetime.date
    trust: Path | None = None
    language: Language = "en"


@dataclass(frozen=True)
class Redecided:
    """What one dossier came to.

    Attributes:
        folder: The run or the release.
        name: NAME-VERSION of the release; empty where it could not be read.
        before: The outcome as it was signed.
        after: The outcome now.
        notes: What the reader must know besides: waivers that count no more.
        problem: Why it could not be read or decided.
        digest: Of the dossier's bytes, where its signatures were found right.
    """

    folder: Path
    effect: Effect
    name: str = ""
    before: Outcome | None = None
    after: Outcome | None = None
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    problem: str = ""
    digest: str | None = None


@dataclass(frozen=True)
class Impact:
    """What all dossiers came to.

    Attributes:
        dossiers: In the order in which they were given.
        controls: One result of each control that changed anywhere, by `pack/control`: its titles, citation, remedy.
    """

    dossiers: tuple[Redecided, ...]
    controls: Mapping[str, ControlResult]


#: What a process hands back.
_Part = tuple[list[Redecided], dict[str, ControlResult]]


def find_dossiers(folder: Path) -> list[Path]:
    """Runs and releases under `folder`, behind links too and in no hidden folder, each once.

    Of a run that was released it is the release.

    Raises:
        OSError: A folder cannot be listed.
    """
    return sorted(_find(folder, set()))


def _find(folder: Path, seen: set[str]) -> list[Path]:
    def refuse(error: OSError) -> None:
        raise error

    found = []
    for place, inner, _ in os.walk(folder, onerror=refuse, followlinks=True):
        here, real = Path(place), os.path.realpath(place)
        if real in seen:  # links may lead round in a circle
            inner.clear()
            continue
        seen.add(real)
        if any(os.path.lexists(here / "dossier" / one) for one in _PARTS):
            released = here / "release"
            inside = _find(released, seen) if released.is_dir() else []
            found += inside or [here]
            inner.clear()
        inner[:] = [name for name in inner if not name.startswith(".")]
    return found


def decide_again(
    folders: Sequence[Path], question: Question, listener: Listener, processes: int | None = None
) -> Impact:
    """Every dossier decided again, in the order of `folders`.

    Args:
        processes: How many work at once; None is one for each core, and one where there is little to do.

    Raises:
        VerificationError: The trust file cannot be read. What is wrong with a dossier is its result.
    """
    trust = load_trust(question.trust)
    known = _known(trust)
    advance = listener.bar("dossiers", len(folders))
    count = processes or min(os.cpu_count() or 1, max(1, len(folders) // (4 * _CHUNK)))
    chunks = [list(folders[at : at + _CHUNK]) for at in range(0, len(folders), _CHUNK)]
    found: list[Redecided] = []
    controls: dict[str, ControlResult] = {}
    for part, results in _parts(chunks, question, known, count):
        advance(len(part))
        found += part
        controls |= results
    _remember(trust, {one.digest for one in found if one.digest is not None} - known)
    return Impact(tuple(found), {name: controls[name] for name in sorted(controls)})


def _parts(
    chunks: Sequence[Sequence[Path]], question: Question, known: frozenset[str], count: int
) -> Iterator[_Part]:
    if count == 1:
        _begin([(pack.id, pack.text) for pack in question.packs], question, known)
        yield from map(_chunk, chunks)
        return
    texts = [(pack.id, pack.text) for pack in question.packs]
    bare = dataclasses.replace(question, packs=())  # a pack travels as the bytes of its file
    context = multiprocessing.get_context("spawn")
    with context.Pool(count, _begin, (texts, bare, known)) as pool:
        yield from pool.imap(_chunk, chunks)


@dataclass(frozen=True)
class _Desk:
    """What a process needs for every dossier."""

    question: Question
    trust: Trust
    known: frozenset[str]


_DESK: list[_Desk] = []
#: Packs of dossiers by digest, and the days on which they turn.
_PACKS: dict[str, tuple[Pack, tuple[datetime.date, ...]]] = {}


def _begin(texts: list[tuple[str, bytes]], question: Question, known: frozenset[str]) -> None:
    packs = tuple(parse_pack(text, name) for name, text in texts)
    asked = dataclasses.replace(question, packs=packs)
    _DESK[:] = [_Desk(asked, load_trust(question.trust), known)]
    if multiprocessing.parent_process() is not None:
        gc.freeze()  # what lives as long as the process need not be looked through again and again


def _chunk(folders: Sequence[Path]) -> _Part:
    results: dict[str, ControlResult] = {}
    with speaking(_DESK[0].question.language):
        return [_again(folder, _DESK[0], results) for folder in folders], results


def _again(folder: Path, desk: _Desk, results: dict[str, ControlResult]) -> Redecided:
    digest = None
    try:
        stored = read_stored(folder)
        found = stored.digest
        known = found in desk.known
        if known:
            statements = statements_verified_before(stored)
        else:
            statements = verified_statements(stored, desk.trust)
            _check_answers(statements, desk.trust)
        digest = found
        return dataclasses.replace(_redecided(stored, statements, desk, results), digest=digest)
    except LextuneError as error:
        first = error.problems[0]
        more = f" and {len(error.problems) - 1} more" if len(error.problems) > 1 else ""
        return Redecided(folder, "unread", problem=f"{first}{more}", digest=digest)


def _check_answers(statements: Sequence[tuple[str, Statement]], trust: Trust) -> None:
    """Open the answers that persons signed; waivers and attestations are opened by each decision.

    Raises:
        VerificationError: One is not signed by a trusted key.
    """
    for _, statement in statements:
        if room_of(statement) == "facts":
            open_facts(canonical(statement.predicate["record"].get("envelope")), trust)


def _redecided(
    stored: StoredDossier,
    statements: list[tuple[str, Statement]],
    desk: _Desk,
    results: dict[str, ControlResult],
) -> Redecided:
    """One dossier whose statements are verified.

    Raises:
        VerificationError: It has no decision yet, or a pack is not the one that its config statement names.
        PackError: The packs do not go together.
    """
    config_statement = _last(statements, "config", stored.folder)
    config = parse_config_record(config_statement.predicate["record"])
    before = _signed_verdict(_last(statements, "decide", stored.folder), stored.folder)
    new = {pack.id: pack for pack in desk.question.packs}
    old = {
        name: _held_pack(stored, name, digest)
        for name, digest in chosen_packs(config_statement).items()
        if name not in new
    }
    replaced = {name for name, pack in new.items() if before.packs.get(name) != pack.digest}
    kept, notes = _without_old_waivers(statements, replaced)
    kept, use, more = _without_old_answers(
        kept, config.use, all_facts([*old.values(), *new.values()])
    )
    policy = config.policy.model_copy(update={"as_of": desk.question.as_of})
    asked = config.model_copy(update={"policy": policy, "use": use})
    after = _after(before, kept, asked, {**old, **new}, desk.trust, desk.question.language)
    found = changes(before, after)
    named = {one.control for one in found} - results.keys()
    decided = ((f"{one.pack}/{one.control}", one) for one in after.controls) if named else ()
    results.update((name, one) for name, one in decided if name in named)
    return Redecided(
        stored.folder,
        effect(before, after, found),
        f"{config.release.name}-{config.release.version}",
        before.outcome,
        after.outcome,
        found,
        (*notes, *more),
    )


def _after(
    before: Verdict,
    statements: list[tuple[str, Statement]],
    config: RunConfig,
    packs: Mapping[str, Pack],
    trust: Trust,
    language: Language,
) -> Verdict:
    """The verdict over all packs; a pack that is the same, and for which no day has turned, is not decided again."""
    as_of = config.policy.as_of
    assert as_of is not None
    ending = any(room_of(statement) in ENDING for _, statement in statements)
    ending |= config.use != before.facts  # an answer counts no more
    same = {
        name for name, pack in packs.items()
        if before.packs.get(name) == pack.digest and not ending and _same_on(pack, before.as_of, as_of)
    }  # fmt: skip
    again = [pack for name, pack in packs.items() if name not in same]
    results = [one for one in before.controls if one.pack in same]
    if again:
        results += decide_dossier(statements, config, again, trust, language).controls
    complete = not Readings(evidence_in(statements)).incomplete()
    return before.model_copy(
        update={
            "outcome": outcome_of(results, complete=complete),
            "as_of": as_of,
            "packs": {name: packs[name].digest for name in sorted(packs)},
            "controls": tuple(results),
        }
    )


def _last(statements: Sequence[tuple[str, Statement]], room: str, folder: Path) -> Statement:
    found = [statement for _, statement in statements if room_of(statement) == room]
    if not found:
        remedy = "finish the run with --resume, or leave it out"
        raise VerificationError(Problem(f"{folder} has no statement of the room {room!r}", remedy))
    return found[-1]


def _signed_verdict(decision: Statement, folder: Path) -> Verdict:
    try:
        return Verdict.model_validate(decision.predicate["record"].get("verdict"))
    except ValueError as error:
        fact = f"the decision in {folder} holds no verdict that this version reads"
        raise VerificationError(Problem(fact, "decide again with the config")) from error


def _held_pack(stored: StoredDossier, name: str, digest: str) -> Pack:
    """A pack as the signed config statement names it; the same file in many dossiers is read and parsed once."""
    if digest not in _PACKS:
        pack = parse_pack(stored.pack(name, digest), name)
        _PACKS[digest] = pack, turns(pack)
    return _PACKS[digest][0]


def _same_on(pack: Pack, one: datetime.date, other: datetime.date) -> bool:
    if one == other:
        return True
    first, last = sorted((one, other))
    found = _PACKS[pack.digest][1] if pack.digest in _PACKS else turns(pack)
    return not any(first < turn <= last for turn in found)


def _without_old_waivers(
    statements: list[tuple[str, Statement]], replaced: set[str]
) -> tuple[list[tuple[str, Statement]], tuple[str, ...]]:
    """A waiver was signed for the pack that was read; under another version the person must read again."""
    kept, notes = [], []
    for digest, statement in statements:
        pack, control = _waived(statement) if room_of(statement) == "waiver" else ("", "")
        if pack in replaced:
            notes.append(
                f"the waiver of {pack}/{control} was signed for the old version: approve it again"
            )
        else:
            kept.append((digest, statement))
    return kept, tuple(notes)


def _without_old_answers(
    statements: list[tuple[str, Statement]], use: Mapping[str, Any], facts: Mapping[str, Fact]
) -> tuple[list[tuple[str, Statement]], dict[str, Any], tuple[str, ...]]:
    """A signed answer to a question that reads otherwise now is none; the fact is unknown until somebody answers again."""
    kept = [pair for pair in statements if room_of(pair[1]) != "facts"]
    left, notes = dict(use), []
    for _, statement in statements:
        if room_of(statement) != "facts":
            continue
        asked = _inner(statement).get("asked")
        for name, digest in asked.items() if isinstance(asked, dict) else ():
            if name in facts and name in left and digest != question_digest(facts[name]):
                del left[name]
                notes.append(
                    f"the question of the fact {name!r} reads otherwise now: answer it again"
                )
    return kept, left, tuple(notes)


def _waived(statement: Statement) -> tuple[str, str]:
    """Pack and control that a statement's waiver names; nothing where it is none, which deciding then refuses."""
    record = _inner(statement)
    return str(record.get("pack", "")), str(record.get("control", ""))


def _inner(statement: Statement) -> dict[str, Any]:
    """The record in the envelope that a statement of a run carries unchanged; empty where there is none."""
    try:
        payload = base64.b64decode(statement.predicate["record"]["envelope"]["payload"])
        record = json.loads(payload)["predicate"]["record"]
    except (KeyError, TypeError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _trust_digest(trust: Trust) -> str:
    """The keys that count on that day: where one comes, goes or expires, what was verified is verified again."""
    keys = sorted(
        name for name, key in trust.keys.items() if key.until is None or trust.on <= key.until
    )
    return sha256("\n".join(keys).encode())


def _known(trust: Trust) -> frozenset[str]:
    """Digests of dossiers that were verified under the same trust; a damaged file knows none."""
    try:
        held = json.loads(read_regular(home_folder() / _KNOWN_FILE))
        known = held["digests"] if held["trust"] == _trust_digest(trust) else ()
        return frozenset(str(one) for one in known)
    except (OSError, VerificationError, ValueError, KeyError, TypeError, RecursionError):
        return frozenset()  # everything is verified again


def _remember(trust: Trust, new: Set[str]) -> None:
    if not new:
        return
    home = home_folder()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(home):
        content = {"trust": _trust_digest(trust), "digests": sorted(new | _known(trust))}
        write_private(home / _KNOWN_FILE, json.dumps(content).encode())


def note_verified(folder: Path) -> None:
    """Verify the dossier of a run or a release that was just finished, so that a later impact need not do it.

    A dossier that does not verify under the user's trust is not noted; impact will say what is wrong with it.
    """
    trust = load_trust()
    try:
        stored = read_stored(folder)
        _check_answers(verified_statements(stored, trust), trust)
    except LextuneError:
        return
    _remember(trust, {stored.digest})
