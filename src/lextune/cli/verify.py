"""The verb `verify`: everything in a release again, without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lextune.cli.app import app
from lextune.cli.output import Json, Trust, print_json, say, use_json
from lextune.errors import ExitCode, Problem, VerificationError


@app.command("verify")
def verify(
    release: Annotated[Path, typer.Argument(help="A release's folder.")],
    trust: Trust = None,
    as_json: Json = False,
) -> None:
    """Verify every file and signature, and compute the verdict again."""
    use_json(as_json)
    from lextune.evidence.keys import load_trust
    from lextune.release import verify_release

    if (release / "run.json").is_file():
        raise VerificationError(
            Problem(
                f"{release} is a run's folder, not a release",
                f"verify a folder under {release / 'release'}; where there is none, it was refused",
            )
        )
    try:
        found = verify_release(release, load_trust(Path(trust) if trust else None))
        problems, evidence = found.problems, found.evidence
    except VerificationError as error:  # the trust file itself
        problems, evidence = error.problems, None
    if as_json:
        listed = [
            {"fact": one.fact, "reason": one.reason, "remedy": one.remedy, "where": one.where}
            for one in problems
        ]
        print_json({"verified": not problems, "problems": listed})
    elif problems:
        raise VerificationError(problems)
    elif evidence is not None:
        size = sum(one.size for one in evidence.files.values())
        say(f"Verified: {len(evidence.files)} files, {size / 1e6:.1f} MB, run {evidence.run}")
        say(f"  signed by {', '.join(evidence.signers)}")
        if found.verdict is not None:
            passed = sum(one.status == "pass" for one in found.verdict.controls)
            say(
                f"  verdict computed again as of {found.verdict.as_of}: {found.verdict.outcome} "
                f"({passed} of {len(found.verdict.controls)} controls pass)"
            )
    raise typer.Exit(int(ExitCode.UNVERIFIED if problems else ExitCode.DONE))
