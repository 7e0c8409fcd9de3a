"""Reads files of installed Python distributions after checking them; imports and runs nothing of them."""

from __future__ import annotations

import base64
import csv
import difflib
import hashlib
import importlib.metadata
import re
from pathlib import Path

from lextune.errors import ConfigError, MissingExtraError, Problem, VerificationError


def split_source(source: str) -> tuple[str, str]:
    """`pypi:PACKAGE/PATH` to (package, path); the path may be empty.

    The package's name comes in its one normal form, so that no other spelling passes by a catalogue:
    https://packaging.python.org/en/latest/specifications/name-normalization/
    """
    package, _, path = source.removeprefix("pypi:").partition("/")
    return re.sub(r"[-_.]+", "-", package).lower(), path


def normal_source(source: str) -> str:
    """The word with its package's name in normal form; a word that names no package as it is."""
    if not source.startswith("pypi:"):
        return source
    package, path = split_source(source)
    return f"pypi:{package}/{path}" if path else f"pypi:{package}"


def installed_version(package: str) -> str:
    """The version of an installed distribution.

    Raises:
        MissingExtraError: It is not installed.
    """
    return _distribution(package).version


def licence_field(package: str) -> str | None:
    """What the distribution's metadata says of its licence: of the packaging, not always of what is inside."""
    metadata = _distribution(package).metadata
    for key in ("License-Expression", "License"):
        value = str(metadata[key]).strip() if key in metadata else ""
        if value and "\n" not in value and value.upper() != "UNKNOWN":
            return value
    return None


def list_package_files(package: str, prefix: str = "") -> list[str]:
    """The paths that the distribution's RECORD lists under `prefix`, sorted; compiled caches left out."""
    names = [name for name in _record(_distribution(package)) if not name.endswith(".pyc")]
    return sorted(name for name in names if name.startswith(prefix))


def read_file(package: str, path: str, sha256: str | None) -> bytes:
    """The bytes of one file, checked against the distribution's RECORD and the pinned digest.

    Args:
        package: The distribution's name.
        path: As RECORD has it (relative to site-packages).
        sha256: The pinned SHA-256 in hex; None checks RECORD alone (RECORD is written by the installer
            and lies beside the file, so it shows damage, not an attack).

    Raises:
        ConfigError: RECORD names no such file.
        MissingExtraError: The distribution is not installed.
        VerificationError: There is no RECORD, the file is gone, or its bytes are not the recorded or the pinned ones.
    """
    reinstall = f"pip install --force-reinstall --no-deps {package}"
    distribution = _distribution(package)
    hashes = _record(distribution)
    if not hashes:
        raise VerificationError(
            Problem(f"{package} has no file list (RECORD), so nothing can be checked", reinstall)
        )
    if path not in hashes:
        near = difflib.get_close_matches(path, hashes, n=1)
        remedy = (
            f"did you mean {near[0]!r}?" if near else "write pypi:PACKAGE/PATH as RECORD has it"
        )
        raise ConfigError(Problem(f"{package} has no file {path!r} in its RECORD", remedy))
    location = Path(str(distribution.locate_file(path)))
    if not location.is_file():
        raise VerificationError(Problem(f"{path} of {package} is gone", reinstall))
    data = location.read_bytes()
    found = hashlib.sha256(data)
    if not hashes[path].startswith("sha256="):
        raise VerificationError(
            Problem(f"{package} records no SHA-256 for {path!r}", reinstall, "it cannot be checked")
        )
    recorded = base64.urlsafe_b64encode(found.digest()).rstrip(b"=").decode()
    if f"sha256={recorded}" != hashes[path]:
        raise VerificationError(
            Problem(f"{path} of {package} is not the file that was installed", reinstall)
        )
    if sha256 is not None and found.hexdigest() != sha256:
        raise VerificationError(
            Problem(
                f"{path} of {package} has SHA-256 {found.hexdigest()}, but {sha256} is pinned",
                f"install the pinned version, or review the new file and pin it: {reinstall}",
            )
        )
    return data


def _record(distribution: importlib.metadata.Distribution) -> dict[str, str]:
    """Path to `ALGORITHM=HASH` of every line of RECORD, of files that are gone too.

    https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file
    """
    lines = csv.reader((distribution.read_text("RECORD") or "").splitlines())
    return {line[0]: line[1] if len(line) > 1 else "" for line in lines if line}


def _distribution(package: str) -> importlib.metadata.Distribution:
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", package):
        raise ConfigError(
            Problem(
                f"{package!r} is no name of a package", "write pypi:PACKAGE or pypi:PACKAGE/PATH"
            )
        )
    try:
        return importlib.metadata.distribution(package)
    except importlib.metadata.PackageNotFoundError as error:
        raise MissingExtraError(
            Problem(f"the package {package!r} is not installed", f"pip install {package}")
        ) from error
