"""The signed part of a dossier as it lies in a run or a release, read to be decided again; it hashes no model.

What a release folder as a whole proves is for `verifying`: there every file is hashed, here only what a decision reads.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lextune import files
from lextune.errors import Problem, VerificationError
from lextune.evidence.canonical import load_known_json
from lextune.evidence.dossier import CHECKPOINT, LEDGER, STATEMENTS
from lextune.evidence.keys import Trust
from lextune.evidence.rooms import DOSSIER, run_problems
from lextune.evidence.verifying import open_chain
from lextune.records import FileDigest, Statement

_LARGEST = 64 << 20
_REMEDY = "restore the folder from a backup, or leave it out"


@dataclass(frozen=True)
class StoredDossier:
    """The bytes of a dossier's statements, ledger and checkpoint.

    Attributes:
        folder: The run or the release that holds `dossier/`.
        texts: By path, `dossier/` included.
        digests: SHA-256 (hex) and size of each text, by path.
    """

    folder: Path
    texts: Mapping[str, bytes] = field(repr=False)
    digests: Mapping[str, FileDigest] = field(repr=False)

    @property
    def digest(self) -> str:
        """Hex SHA-256 over the name and the digest of every text: one chain of statements, one digest."""
        lines = (f"{name} {self.digests[name].sha256}\n" for name in sorted(self.digests))
        return files.sha256("".join(lines).encode())

    def pack(self, name: str, digest: str) -> bytes:
        """The file of a pack that the statements name with this digest.

        Raises:
            VerificationError: It is not there, or another one.
        """
        try:
            text = files.read_regular(self.folder / DOSSIER / "packs" / f"{name}.yaml")
        except OSError:
            text = b""
        if files.sha256(text) != digest:
            fact = (
                f"the pack {name} in {self.folder} is not the one that its config statement names"
            )
            raise VerificationError(Problem(fact, _REMEDY))
        return text


def read_stored(folder: Path) -> StoredDossier:
    """The dossier of a run's or a release's folder; nothing is believed yet.

    Raises:
        VerificationError: There is none, a file is a link, unreadable or larger than 64 MiB.
    """
    dossier = folder / DOSSIER
    texts: dict[str, bytes] = {}
    try:
        with os.scandir(dossier / STATEMENTS) as listing:
            statements = [f"{STATEMENTS}/{one.name}" for one in listing]
        for name in (LEDGER, CHECKPOINT, *sorted(statements)):
            path = dossier / name
            if path.lstat().st_size > _LARGEST:
                raise VerificationError(_unread(folder, f"{name} is larger than 64 MiB"))
            texts[DOSSIER + name] = files.read_regular(path)
    except OSError as error:
        why = f"{error.filename or dossier}: {error.strerror}"
        raise VerificationError(_unread(folder, why)) from error
    digests = {
        name: FileDigest(path=name, sha256=files.sha256(text), size=len(text))
        for name, text in texts.items()
    }
    return StoredDossier(folder, texts, digests)


def verified_statements(stored: StoredDossier, trust: Trust) -> list[tuple[str, Statement]]:
    """The statements in ledger order, each with the SHA-256 of its envelope; signatures and chain are checked.

    Raises:
        VerificationError: With every problem.
    """
    chain = open_chain(stored.digests, stored.texts, trust)
    problems = list(chain.problems)
    if chain.checkpoint is not None:
        problems += run_problems(chain.named(), chain.checkpoint.origin)
    if problems:
        raise VerificationError(problems)
    return [(digest, statement) for _, digest, statement in chain.opened]


def statements_verified_before(stored: StoredDossier) -> list[tuple[str, Statement]]:
    """As `verified_statements`, of a dossier whose very bytes (`digest`) were verified before; without the release's.

    What a release says of its files is no part of a decision, and long.
    """
    prefix = f"{DOSSIER}{STATEMENTS}/"
    found = []
    names = (name.removeprefix(prefix) for name in stored.texts if name.startswith(prefix))
    for name in sorted(names, key=lambda name: int(name.split("-")[0])):
        if name.split("-")[1].startswith("release."):
            continue
        path = prefix + name
        payload = base64.b64decode(json.loads(stored.texts[path])["payload"])
        content = load_known_json(payload)
        found.append((stored.digests[path].sha256, Statement.model_validate(content)))
    return found


def _unread(folder: Path, why: str) -> Problem:
    return Problem(f"{folder} holds no dossier that can be read", _REMEDY, why)
