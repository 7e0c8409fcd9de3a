"""The verb `verify`: everything in a release again, without torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lextune.cli.app import app
from lextune.cli.output import Json, Trust, print_json, problem_documents, say, use_json
from lextune.errors import LextuneError, Problem, VerificationError

if TYPE_CHECKING:
    from lextune.release import Verification


@app.command("verify")
def verify(
    release: Annotated[Path, typer.Argument(help="A release's folder.")],
    trust: Trust = None,
    as_json: Json = False,
) -> None:
    """Verify every file and signature, and compute the verdict again."""
    use_json(as_json)
    try:
        found = _verified(release, trust)
    except LextuneError as error:
        if not as_json:
            raise
        print_json({"verified": False, "problems": problem_documents(error.problems)})
        raise typer.Exit(int(error.exit_code)) from error
    if as_json:
        print_json({"verified": True, "problems": []})
        return
    files = found.evidence.files.values()
    size = sum(one.size for one in files)
    say(f"Verified: {len(files)} files, {size / 1e6:.1f} MB, run {found.evidence.run}")
    say(f"  signed by {', '.join(found.evidence.signers)}")
    if found.verdict is not None:
        passed = sum(one.status == "pass" for one in found.verdict.controls)
        say(
            f"  verdict computed again as of {found.verdict.as_of}: {found.verdict.outcome} "
            f"({passed} of {len(found.verdict.controls)} controls pass)"
        )


def _verified(release: Path, trust: str | None) -> Verification:
    from lextune.evidence.keys import load_trust
    from lextune.release import verify_release

    try:
        if (release / "run.json").is_file():
            raise VerificationError(
                Problem(
                    f"{release} is a run's folder, not a release",
                    f"verify a folder under {release / 'release'}; where there is none, it was refused",
                )
            )
        return verify_release(release, load_trust(Path(trust) if trust else None)).require()
    except OSError as error:
        raise VerificationError(
            Problem(
                f"{release} cannot be read: {error.strerror}",
                "check the path and its permissions, then verify again",
                "what was not read was not verified",
            )
        ) from error
