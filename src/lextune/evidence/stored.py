"""The signed part of a dossier as it lies in a run or a release, read to be decided again; it hashes no model.

What a release folder as a whole proves is for `verifying`: there every file is hashed, here only what a decision reads.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lextune import files
from lextune.errors import Problem, VerificationError
from lextune.evidence.canonical import load_json
from lextune.evidence.dossier import CHECKPOINT, LEDGER, STATEMENTS
from lextune.evidence.keys import Trust
from lextune.evidence.rooms import DOSSIER, run_problems
from lextune.evidence.verifying import open_chain
from lextune.records import FileDigest, Statement

_LARGEST = 64 << 20


@dataclass(frozen=True)
class StoredDossier:
    """The bytes of a dossier's statements, ledger, checkpoint and packs.

    Attributes:
        folder: The run or the release that holds `dossier/`.
        texts: By path, `dossier/` included.
    """

    folder: Path
    texts: Mapping[str, bytes] = field(repr=False)

    @property
    def digest(self) -> str:
        """Hex SHA-256 over the digest and the name of every text: one dossier, one digest."""
        state = hashlib.sha256()
        for name in sorted(self.texts):
            state.update(hashlib.sha256(self.texts[name]).digest() + name.encode() + b"\n")
        return state.hexdigest()

    def packs(self) -> dict[str, bytes]:
        """The packs that lie in it, by the name of their file without its ending."""
        prefix = f"{DOSSIER}packs/"
        return {
            name.removeprefix(prefix).removesuffix(".yaml"): text
            for name, text in self.texts.items()
            if name.startswith(prefix)
        }


def read_stored(folder: Path) -> StoredDossier:
    """The dossier of a run's or a release's folder; nothing is believed yet.

    Raises:
        VerificationError: There is none, a file is a link, unreadable or larger than 64 MiB.
    """
    dossier = folder / DOSSIER
    texts: dict[str, bytes] = {}
    try:
        names = [LEDGER, CHECKPOINT]
        for part, ending in ((STATEMENTS, ".json"), ("packs", ".yaml")):
            place = dossier / part
            found = sorted(place.iterdir()) if place.is_dir() else []
            names += [f"{part}/{one.name}" for one in found if one.name.endswith(ending)]
        for name in names:
            path = dossier / name
            if path.lstat().st_size > _LARGEST:
                raise VerificationError(_unread(folder, f"{name} is larger than 64 MiB"))
            texts[DOSSIER + name] = files.read_regular(path)
    except OSError as error:
        why = f"{error.filename or dossier}: {error.strerror}"
        raise VerificationError(_unread(folder, why)) from error
    return StoredDossier(folder, texts)


def verified_statements(stored: StoredDossier, trust: Trust) -> list[tuple[str, Statement]]:
    """The statements in ledger order, each with the SHA-256 of its envelope; signatures and chain are checked.

    Raises:
        VerificationError: With every problem.
    """
    present = {
        name: FileDigest(path=name, sha256=files.sha256(text), size=len(text))
        for name, text in stored.texts.items()
    }
    chain = open_chain(present, stored.texts, trust)
    problems = list(chain.problems)
    if chain.checkpoint is not None:
        problems += run_problems(chain.named(), chain.checkpoint.origin)
    if problems:
        raise VerificationError(problems)
    return [(digest, statement) for _, digest, statement in chain.opened]


def statements_verified_before(stored: StoredDossier) -> list[tuple[str, Statement]]:
    """As `verified_statements`, of a dossier whose very bytes (`digest`) were verified before."""
    prefix = f"{DOSSIER}{STATEMENTS}/"
    found = []
    names = (name for name in stored.texts if name.startswith(prefix))
    for name in sorted(names, key=lambda name: int(name.removeprefix(prefix).split("-")[0])):
        data = stored.texts[name]
        payload = base64.b64decode(json.loads(data)["payload"])
        content = load_json(payload, name)
        found.append((files.sha256(data), Statement.model_validate(content)))
    return found


def _unread(folder: Path, why: str) -> Problem:
    remedy = "restore the folder from a backup, or leave it out"
    return Problem(f"{folder} holds no dossier that can be read", remedy, why)
