"""Verifies a release folder: hashes, signatures, chain, rooms; it recomputes no verdict and reads no policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lextune import files
from lextune.errors import Problem, VerificationError
from lextune.evidence.envelope import open_with_signers
from lextune.evidence.keys import Trust, TrustedKey
from lextune.evidence.ledger import (
    STATEMENT_FILE,
    Checkpoint,
    leaf_hash,
    open_checkpoint,
    parse_ledger,
    root_hash,
)
from lextune.evidence.manifest import compare, scan
from lextune.evidence.rooms import (
    CHECKPOINT_PATH,
    DOSSIER,
    LEDGER_PATH,
    STATEMENTS_PATH,
    dossier_problems,
    model_problems,
    names_dossier_files,
    order_problems,
    run_problems,
)
from lextune.evidence.statements import room_of
from lextune.records import FileDigest, Statement

_TEXTS = (".json", ".jsonl", ".yaml", ".yml", ".md")
#: A larger text of the dossier is hashed but not kept; statements, ledger and checkpoint must be smaller.
_LARGEST_TEXT = 64 << 20
_AGAIN = "get the release again from who made it"


@dataclass(frozen=True)
class Evidence:
    """What a release folder proves, and everything that is wrong with it.

    Attributes:
        folder: The release.
        problems: All of them; nothing may be believed unless there are none.
        statements: SHA-256 of the envelope and the statement, in ledger order; only those that a trusted
            key signed.
        files: Digest of every regular file, by path.
        documents: The bytes that were hashed, of the dossier's texts (packs, config, verdict, ...).
        signers: Names, from the trust file, of those who signed.
        run: The run id, or None when no valid checkpoint says it.
    """

    folder: Path
    problems: tuple[Problem, ...]
    statements: tuple[tuple[str, Statement], ...] = ()
    files: Mapping[str, FileDigest] = field(default_factory=dict)
    documents: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    signers: tuple[str, ...] = ()
    run: str | None = None

    @property
    def verified(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def require(self) -> Evidence:
        """Itself, if nothing is wrong.

        Raises:
            VerificationError: With all problems.
        """
        if self.problems:
            raise VerificationError(self.problems)
        return self


def verify_folder(folder: Path, trust: Trust) -> Evidence:
    """Verify everything in a release but its verdict; never raises for what is wrong inside the folder.

    Files are hashed in a stream; links are not followed and special files not opened.
    """
    return _verify(folder, trust, keep_model=False)[0]


def verify_dossier(folder: Path, trust: Trust) -> Evidence:
    """Verify the dossier of a run that may have ended in no release: signatures, chain, the files it names.

    Nothing is said of the model; rooms may be missing. Never raises for what is wrong inside the folder.

    Args:
        folder: Of the run; its dossier is the folder `dossier` in it.
        trust: Whose signatures count.
    """
    folder = folder.resolve()
    inside = folder / DOSSIER.rstrip("/")
    if not inside.is_dir():
        missing = Problem(f"{folder} holds no dossier", "give the folder of a run or of a release")
        return Evidence(folder, (missing,))
    names, problems = scan(inside)
    present, kept = _read_all(folder, [DOSSIER + name for name in names], False, problems)
    problems += _trust_problems(folder, trust)
    chain = open_chain(present, kept, trust)
    problems += chain.problems
    run = chain.checkpoint.origin if chain.checkpoint else None
    if run is not None:
        problems += run_problems(chain.named(), run)
    if not chain.unopened:
        problems += dossier_problems(chain.named(), present)
    return _evidence(folder, problems, chain, present, kept)


def read_verified(folder: Path, trust: Trust) -> tuple[Evidence, dict[str, bytes]]:
    """As `verify_folder`, and the bytes of every file outside `dossier/`: the very bytes that were hashed.

    What is loaded from them needs no second read, so nothing can be swapped between check and use. The
    bytes are empty when there is any problem.
    """
    evidence, kept = _verify(folder, trust, keep_model=True)
    if not evidence.verified:
        return evidence, {}
    return evidence, {name: data for name, data in kept.items() if not name.startswith(DOSSIER)}


@dataclass
class Chain:
    """The statements of a dossier as they could be opened."""

    opened: list[tuple[str, str, Statement]] = field(default_factory=list)
    unopened: set[str] = field(default_factory=set)
    signers: dict[str, str] = field(default_factory=dict)
    release_keys: frozenset[str] = frozenset()
    checkpoint: Checkpoint | None = None
    problems: list[Problem] = field(default_factory=list)

    def named(self) -> list[tuple[str, Statement]]:
        """File name and statement, in ledger order."""
        return [(name, statement) for name, _, statement in self.opened]


def _verify(folder: Path, trust: Trust, *, keep_model: bool) -> tuple[Evidence, dict[str, bytes]]:
    folder = folder.resolve()
    if not folder.is_dir():
        missing = Problem(f"there is no folder {folder}", "check the path of the release")
        return Evidence(folder, (missing,)), {}
    names, problems = scan(folder)
    if not any(name.startswith(DOSSIER) for name in names):
        problems.append(
            Problem(f"{folder} holds no dossier", _AGAIN, "it is not signed, so it proves nothing")
        )
        return Evidence(folder, tuple(problems)), {}
    present, kept = _read_all(folder, names, keep_model, problems)
    problems += _trust_problems(folder, trust)
    chain = open_chain(present, kept, trust)
    problems += chain.problems
    run = chain.checkpoint.origin if chain.checkpoint else None
    statements = chain.named()
    if run is not None:
        problems += run_problems(statements, run)
    problems += order_problems(statements, chain.unopened)
    problems += model_problems(statements, present)
    # Where a statement could not be opened, what it names is not known; the release fails for that already.
    if names_dossier_files(statements) and not chain.unopened:
        problems += dossier_problems(statements, present)
    if statements and room_of(statements[-1][1]) == "release":
        name, release = statements[-1]
        exempt = {LEDGER_PATH, CHECKPOINT_PATH, STATEMENTS_PATH + name}
        problems += compare(release, present, exempt, name)
    return _evidence(folder, problems, chain, present, kept), kept


def _evidence(
    folder: Path, problems: Sequence[Problem], chain: Chain, present: Mapping[str, FileDigest],
    kept: Mapping[str, bytes],
) -> Evidence:  # fmt: skip
    return Evidence(
        folder,
        _merged(problems),
        tuple((digest, statement) for _, digest, statement in chain.opened),
        present,
        {name: data for name, data in kept.items() if name.startswith(DOSSIER)},
        tuple(sorted(set(chain.signers.values()))),
        chain.checkpoint.origin if chain.checkpoint else None,
    )


def _read_all(
    folder: Path, names: Sequence[str], keep_model: bool, problems: list[Problem]
) -> tuple[dict[str, FileDigest], dict[str, bytes]]:
    present: dict[str, FileDigest] = {}
    kept: dict[str, bytes] = {}
    for name in names:
        path = folder / name
        in_dossier = name.startswith(DOSSIER)
        try:
            text = in_dossier and name.endswith(_TEXTS)
            if text and path.lstat().st_size > _LARGEST_TEXT:
                text = False
                if name in (LEDGER_PATH, CHECKPOINT_PATH) or name.startswith(STATEMENTS_PATH):
                    problems.append(Problem(f"{name!r} is larger than 64 MiB", _AGAIN))
            if text or (keep_model and not in_dossier):
                data = files.read_regular(path)
                kept[name] = data
                digest = files.sha256(data)
                present[name] = FileDigest(path=name, sha256=digest, size=len(data))
            else:
                present[name] = files.digest_file(path, name)
        except OSError as error:
            problems.append(
                Problem(
                    f"{name!r} cannot be read: {error.strerror}",
                    "mend the permissions, then verify again",
                    "what was not read was not verified",
                )
            )
        except VerificationError as error:
            problems += error.problems
    return present, kept


def _trust_problems(folder: Path, trust: Trust) -> list[Problem]:
    if trust.path is None or not trust.path.resolve().is_relative_to(folder):
        return []
    return [
        Problem(
            f"the trust file {trust.path} lies inside the release",
            "use a trust file that you keep yourself",
            "a release cannot vouch for its own signer",
        )
    ]


def open_chain(present: Mapping[str, FileDigest], kept: Mapping[str, bytes], trust: Trust) -> Chain:
    """Open every statement of a dossier and hold it against the ledger and the signed checkpoint."""
    chain = Chain()
    entries, used = parse_ledger(kept.get(LEDGER_PATH, b""))
    if LEDGER_PATH not in kept:
        chain.problems.append(Problem("there is no ledger", _AGAIN, where=LEDGER_PATH))
    elif used < len(kept[LEDGER_PATH]):
        chain.problems.append(
            Problem(
                f"line {len(entries) + 1} of the ledger is not valid", _AGAIN, where=LEDGER_PATH
            )
        )
    for entry in entries:
        data = kept.get(STATEMENTS_PATH + entry.statement)
        if data is None:
            chain.problems.append(
                Problem(
                    f"the statement {entry.statement} is missing", _AGAIN, "the ledger lists it"
                )
            )
        elif leaf_hash(data) != entry.leaf:
            chain.problems.append(
                Problem(
                    f"the statement {entry.statement} was changed",
                    _AGAIN,
                    "its hash is not the one in the ledger",
                )
            )
    listed = {entry.statement for entry in entries}
    for name in sorted(present):
        file = name.removeprefix(STATEMENTS_PATH)
        if name.startswith(STATEMENTS_PATH) and file not in listed:
            chain.problems.append(
                Problem(f"the statement {file!r} is not in the ledger", _AGAIN, "it was added")
            )
    order = [entry.statement for entry in entries]
    extra = (name.removeprefix(STATEMENTS_PATH) for name in sorted(present))
    order += [name for name in extra if STATEMENT_FILE.fullmatch(name) and name not in listed]
    for file in order:
        if STATEMENTS_PATH + file in kept:
            _open_statement(chain, file, kept[STATEMENTS_PATH + file], trust)
    _open_checkpoint(chain, kept, trust, [entry.leaf for entry in entries])
    return chain


def _open_statement(chain: Chain, file: str, data: bytes, trust: Trust) -> None:
    try:
        statement, signers = open_with_signers(data, trust, file)
    except VerificationError as error:
        chain.problems += error.problems
        chain.unopened.add(file.removesuffix(".dsse.json").split("-")[1])
        return
    chain.opened.append((file, files.sha256(data), statement))
    _remember(chain, signers)
    if room_of(statement) == "release":
        chain.release_keys = frozenset(key.keyid for key in signers)


def _open_checkpoint(
    chain: Chain, kept: Mapping[str, bytes], trust: Trust, leaves: Sequence[bytes]
) -> None:
    if CHECKPOINT_PATH not in kept:
        chain.problems.append(
            Problem("there is no signed checkpoint", _AGAIN, where=CHECKPOINT_PATH)
        )
        return
    try:
        checkpoint, signers = open_checkpoint(kept[CHECKPOINT_PATH], trust, CHECKPOINT_PATH)
    except VerificationError as error:
        chain.problems += error.problems
        return
    chain.checkpoint = checkpoint
    _remember(chain, signers)
    if checkpoint.size != len(leaves):
        chain.problems.append(
            Problem(
                f"the ledger has {len(leaves)} lines, its signed checkpoint says {checkpoint.size}",
                _AGAIN,
                "statements were removed or added",
                LEDGER_PATH,
            )
        )
    elif checkpoint.root != root_hash(leaves):
        chain.problems.append(
            Problem(
                "the ledger's root is not the signed one", _AGAIN, "it was rewritten", LEDGER_PATH
            )
        )
    if chain.release_keys and not chain.release_keys & {key.keyid for key in signers}:
        chain.problems.append(
            Problem("the checkpoint and the release are signed by different keys", _AGAIN)
        )


def _remember(chain: Chain, signers: Sequence[TrustedKey]) -> None:
    chain.signers.update({key.keyid: key.name for key in signers})


def _merged(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """One problem for the same fact in several places."""
    places: dict[tuple[str, str, str], list[str]] = {}
    for problem in problems:
        found = places.setdefault((problem.fact, problem.remedy, problem.reason), [])
        if problem.where and problem.where not in found:
            found.append(problem.where)
    merged = []
    for (fact, remedy, reason), where in places.items():
        shown = ", ".join(where[:3]) + (f" and {len(where) - 3} more" if len(where) > 3 else "")
        merged.append(Problem(fact, remedy, reason, shown))
    return tuple(merged)
