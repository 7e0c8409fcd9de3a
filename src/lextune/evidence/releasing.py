"""Signs a release folder: a manifest over every file, as the last statement; it knows no policy and no verdict."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lextune import files
from lextune.errors import VerificationError
from lextune.evidence.dossier import Dossier
from lextune.evidence.keys import Signer
from lextune.evidence.manifest import names_problems, scan
from lextune.evidence.rooms import (
    CHECKPOINT_PATH,
    LEDGER_PATH,
    dossier_problems,
    model_problems,
    order_problems,
)
from lextune.evidence.statements import make_statement, room_of


def sign_release(folder: Path, signer: Signer, predicate: Mapping[str, Any]) -> str:
    """Sign every file of a finished release folder and close its dossier.

    The caller decides whether there may be a release; this only makes sure that what is signed is one run's
    complete evidence and the very model that was trained and evaluated.

    Args:
        folder: With the model's files, README.md, lextune.json and `dossier/` (all rooms but release).
        signer: The owner of the dossier.
        predicate: The release's own fields (`record`, `measurements`); `files` is added here.

    Returns:
        The SHA-256 (hex) of the release statement's envelope.

    Raises:
        VerificationError: A link or a special file, a name that no manifest may hold, a room that is
            missing, a file that is not the one that was trained or that its statement names, a file of
            the dossier that no statement names; all of them together.
    """
    dossier = Dossier.open(folder / "dossier", signer)
    names, problems = scan(folder)
    problems += names_problems(names, str(folder))
    if problems:
        raise VerificationError(problems)
    exempt = {LEDGER_PATH, CHECKPOINT_PATH}
    digests = {name: files.digest_file(folder / name, name) for name in names if name not in exempt}
    statements = [
        (f"statement {number} ({room_of(statement)})", statement)
        for number, (_, statement) in enumerate(dossier.statements(), start=1)
    ]
    problems += order_problems(statements, released=False)
    problems += model_problems(statements, digests)
    problems += dossier_problems(statements, digests)
    if problems:
        raise VerificationError(problems)
    listed = list(digests.values())
    content = {**predicate, "files": [item.model_dump(mode="json") for item in listed]}
    return dossier.append("release", make_statement("release", listed, content))
