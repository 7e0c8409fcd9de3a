"""The folder of a run: made, gone on with or refused, and the trained model in it read back; it runs nothing."""

from __future__ import annotations

import datetime
import json
import secrets
from collections.abc import Sequence
from pathlib import Path

from lextune.config import RunConfig
from lextune.errors import ConfigError, Problem, VerificationError
from lextune.files import disk_problems, read_regular, remove_unfinished, sha256, write_atomic
from lextune.records import FileDigest

#: What stands in the run's folder while audits run, and not afterwards.
AUDIT_FOLDER = "audits"


def run_name(config: RunConfig) -> str:
    """The name of the release with its version."""
    return f"{config.release.name}-{config.release.version}"


def run_folder(config: RunConfig, out: str | Path | None) -> Path:
    """Where a run goes: `out`, or a folder of `runs` that is called as the release."""
    return Path(out) if out is not None else Path("runs") / run_name(config)


def open_run_folder(config: RunConfig, folder: Path, *, resume: bool) -> str:
    """Make the run's folder, or go on in it; gives the run id.

    Raises:
        ConfigError: It holds another run, a released one, a damaged one, or other files.
    """
    marker = folder / "run.json"
    released = folder / "release" / run_name(config)
    if released.exists():
        raise ConfigError(
            Problem(f"{released} is released already", "choose another --out or release.version")
        )
    if marker.exists():
        if not resume:
            raise ConfigError(
                Problem(
                    f"there is a run in {folder} already",
                    "go on with --resume, or choose another --out",
                )
            )
        remove_unfinished(folder)
        try:
            return str(json.loads(marker.read_bytes())["run"])
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                Problem(f"{marker} is damaged", "choose another --out", "it names no run")
            ) from error
    if folder.exists():
        # what a process left that was killed while it wrote the marker
        half = list(folder.glob(f".{marker.name}.*.tmp"))
        if len(half) < len(list(folder.iterdir())):
            raise ConfigError(Problem(f"{folder} holds other files", "choose another --out"))
        for path in half:
            path.unlink(missing_ok=True)
    now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    run_id = f"{run_name(config)}-{now}-{secrets.token_hex(4)}"
    with disk_problems(folder):
        folder.mkdir(parents=True, exist_ok=True)
    write_atomic(marker, json.dumps({"run": run_id}).encode())
    return run_id


def read_model_folder(folder: Path, digests: Sequence[FileDigest]) -> dict[str, bytes]:
    """The bytes of a trained model, checked against what training signed.

    Raises:
        VerificationError: A file is gone, added or changed.
    """
    problems, files = [], {}
    present = {path.name for path in folder.iterdir()}
    for one in digests:
        data = read_regular(folder / one.path) if one.path in present else b""
        if sha256(data) != one.sha256:
            problems.append(
                Problem(
                    f"{folder / one.path} is not the file that training wrote",
                    "run again from the config",
                    "it was changed after training",
                )
            )
        files[one.path] = data
    added = sorted(present - {one.path for one in digests})
    problems += [
        Problem(f"{folder / name} was added after training", "remove it, or run again")
        for name in added
    ]
    if problems:
        raise VerificationError(problems)
    return files
