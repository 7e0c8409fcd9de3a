"""Ed25519 keys of the user and the trust file; it knows nothing of what is signed with them."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from securesystemslib.signer import CryptoSigner, Signature, SSlibKey

from lextune import files
from lextune.errors import Problem, VerificationError
from lextune.evidence.canonical import load_json
from lextune.records import parse_day

TRUST_FORMAT = "lextune.trust/v1"


class Signer:
    """Signs with an Ed25519 key; the private half never leaves the object.

    Attributes:
        keyid: SHA-256 (hex) of the public key's DER SubjectPublicKeyInfo.
        public_pem: The public key, to be given to whoever is to trust it.
        key: The public key as the signing library has it.
    """

    def __init__(self, private: Ed25519PrivateKey) -> None:
        public = private.public_key()
        self.keyid = key_id(public)
        self.public_pem = _pem(public)
        self.key = SSlibKey.from_crypto(public, self.keyid)
        self._signer = CryptoSigner(private, self.key)

    @classmethod
    def ephemeral(cls) -> Signer:
        """A new key that is nowhere kept, for what is thrown away with it."""
        return cls(Ed25519PrivateKey.generate())

    def sign(self, data: bytes) -> Signature:
        """The signature of bytes."""
        return self._signer.sign(data)

    def __repr__(self) -> str:
        return f"Signer({self.keyid})"


@dataclass(frozen=True)
class TrustedKey:
    """A public key that the reader trusts.

    Attributes:
        keyid: SHA-256 (hex) of the key's DER SubjectPublicKeyInfo.
        name: Whose key it is, in the reader's words.
        added: The day on which the reader began to trust it (UTC).
        until: The last day on which its signatures are accepted, or None.
        key: The key.
    """

    keyid: str
    name: str
    added: datetime.date
    until: datetime.date | None
    key: SSlibKey = field(repr=False, compare=False)


@dataclass(frozen=True)
class Trust:
    """The keys that a reader trusts, on one day.

    Attributes:
        keys: By key id.
        on: The day on which they are asked; a key whose `until` is before it has expired.
        path: The file they come from, or None.
    """

    keys: Mapping[str, TrustedKey]
    on: datetime.date
    path: Path | None = None

    @classmethod
    def of(cls, *signers: Signer) -> Trust:
        """Trust in one's own keys alone, as a dossier has while it is being written."""
        today = _today()
        return cls(
            {
                signer.keyid: TrustedKey(signer.keyid, "own key", today, None, signer.key)
                for signer in signers
            },
            today,
        )


def key_id(public: Ed25519PublicKey) -> str:
    """SHA-256 (hex) of the DER SubjectPublicKeyInfo (RFC 8410) of a public key."""
    der = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(der).hexdigest()


def load_or_create_key(home: Path | None = None) -> Signer:
    """The user's key; made on first use, and then also added to the user's trust file.

    Args:
        home: The folder that holds `keys/default.pem` and `trust.json`; None means `files.home_folder()`.

    Raises:
        VerificationError: The key or its folder can be read or changed by others, is a link, or is no
            Ed25519 key in PEM; or the trust file beside it is broken.
        EnvironmentProblem: The folder cannot be written.
    """
    home = home if home is not None else files.home_folder()
    folder, path = home / "keys", home / "keys" / "default.pem"
    with files.disk_problems(path):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    refuse_open_to_others(folder, stat.S_IWGRP | stat.S_IWOTH, "700")
    with files.locked(folder):
        if not os.path.lexists(path):
            _create_key(path, home / "trust.json")
        signer = load_key(home)
    assert signer is not None  # it was just made
    return signer


def load_key(home: Path | None = None) -> Signer | None:
    """The user's key, or None where there is none yet; nothing is made or changed.

    Raises:
        VerificationError: As `load_or_create_key`.
    """
    home = home if home is not None else files.home_folder()
    path = home / "keys" / "default.pem"
    if not os.path.lexists(path):
        return None
    refuse_open_to_others(path.parent, stat.S_IWGRP | stat.S_IWOTH, "700")
    refuse_open_to_others(path, stat.S_IRWXG | stat.S_IRWXO, "600")
    return Signer(_private_key(path))


def load_trust(path: Path | None = None, *, on: datetime.date | None = None) -> Trust:
    """Read a trust file.

    Args:
        path: The file; None means `trust.json` in `files.home_folder()`.
        on: The day on which signatures are to be judged; None means today (UTC).

    Raises:
        VerificationError: The file is missing, empty, no trust file, names a key under a wrong id, or may
            be changed by anybody on this machine.
    """
    path = path if path is not None else files.home_folder() / "trust.json"
    try:
        data = files.read_regular(path)
    except OSError as error:
        raise _untrusted(f"the trust file {path} cannot be read: {error.strerror}") from error
    refuse_open_to_others(path, stat.S_IWOTH, "644")
    if not data.strip():
        raise _untrusted(f"the trust file {path} is empty")
    entries = _entries(load_json(data, f"the trust file {path}"), path)
    keys: dict[str, TrustedKey] = {}
    for number, entry in enumerate(entries, start=1):
        key = _trusted_key(entry, f"{path}, key {number}")
        if key.keyid in keys:
            raise _untrusted(f"the trust file {path} names the key {key.keyid} twice")
        keys[key.keyid] = key
    if not keys:
        raise _untrusted(f"the trust file {path} names no key")
    return Trust(keys, on if on is not None else _today(), path)


def add_trusted_key(
    path: Path, public: str, name: str, *, until: datetime.date | None = None
) -> TrustedKey:
    """Add a public key (PEM) to a trust file, which is made if it is missing; a known key stays as it is.

    Raises:
        VerificationError: The PEM is no Ed25519 public key, or the file is broken.
    """
    entry: dict[str, Any] = {
        "keyid": key_id(_public_key(public, "the key to add")),
        "name": name,
        "public_key": public,
        "added": _today().isoformat(),
    }
    if until is not None:
        entry["until"] = until.isoformat()
    added = _trusted_key(entry, "the key to add")
    entries: list[Any] = []
    if path.exists() or path.is_symlink():
        known = load_trust(path).keys
        if added.keyid in known:
            return known[added.keyid]
        entries = _entries(load_json(files.read_regular(path), f"the trust file {path}"), path)
    files.write_atomic(path, _trust_text([*entries, entry]))
    return added


def _create_key(path: Path, trust: Path) -> None:
    private = Ed25519PrivateKey.generate()
    # Trust first: a crash in between leaves a trusted key that nobody holds, not an untrusted signer.
    add_trusted_key(trust, _pem(private.public_key()), "default")
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    write_private(path, pem)


def write_private(path: Path, data: bytes) -> None:
    """Write a new file that its owner alone can read, whole or not at all."""
    new = path.with_name(f"{path.name}.new")
    with files.disk_problems(path):
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(new, path)
        files.sync_folder(path.parent)


def refuse_open_to_others(path: Path, bits: int, mode: str) -> None:
    """Refuse a file or folder with any of these permission bits.

    Raises:
        VerificationError: It has one; `mode` is what the remedy gives it.
    """
    found = stat.S_IMODE(path.lstat().st_mode) if not path.is_symlink() else 0
    if found & bits:
        raise VerificationError(
            Problem(
                f"{path} is open to other users of this machine (mode {found:03o})",
                f"chmod {mode} {path}; if others had access to it, make a new key",
                "whoever can read a key can sign with it, and whoever can change trust can be trusted",
            )
        )


def _private_key(path: Path) -> Ed25519PrivateKey:
    try:
        data = files.read_regular(path)
    except OSError as error:
        raise VerificationError(
            Problem(f"{path} cannot be read: {error.strerror}", "mend its permissions")
        ) from error
    try:
        private = serialization.load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        # Raised outside the handler: no chained exception may carry parts of the key.
        raise VerificationError(
            Problem(
                f"{path} is not an unencrypted Ed25519 private key in PEM (PKCS 8)",
                f"move {path} away and run again: a new key is made; or restore it from a backup",
            )
        )
    return private


def _public_key(pem: Any, where: str) -> Ed25519PublicKey:
    try:
        public = serialization.load_pem_public_key(pem.encode("ascii"))
    except (ValueError, AttributeError, UnsupportedAlgorithm) as error:
        raise _untrusted(f"{where}: public_key is not a public key in PEM") from error
    if not isinstance(public, Ed25519PublicKey):
        raise _untrusted(f"{where}: public_key is not an Ed25519 key")
    return public


def _entries(document: Any, path: Path) -> list[Any]:
    if not isinstance(document, dict) or set(document) != {"format", "keys"}:
        raise _untrusted(f"the trust file {path} must have exactly the keys format and keys")
    if document["format"] != TRUST_FORMAT:
        raise _untrusted(f"the trust file {path} is not of the format {TRUST_FORMAT}")
    if not isinstance(document["keys"], list):
        raise _untrusted(f"the trust file {path} has no list of keys")
    return document["keys"]


def _trusted_key(entry: Any, where: str) -> TrustedKey:
    needed, allowed = {"keyid", "public_key", "name", "added"}, {"until"}
    if not isinstance(entry, dict) or not needed <= set(entry) <= needed | allowed:
        raise _untrusted(f"{where} must have keyid, public_key, name, added and at most until")
    public = _public_key(entry["public_key"], where)
    if entry["keyid"] != key_id(public):
        raise _untrusted(f"{where}: keyid is not the SHA-256 of its public key")
    if not isinstance(entry["name"], str) or not entry["name"].strip():
        raise _untrusted(f"{where}: name is empty")
    until = _day(entry["until"], where) if "until" in entry else None
    added = _day(entry["added"], where)
    key = SSlibKey.from_crypto(public, entry["keyid"])
    return TrustedKey(entry["keyid"], entry["name"], added, until, key)


def _day(text: Any, where: str) -> datetime.date:
    try:
        return parse_day(text)
    except ValueError as error:
        raise _untrusted(f"{where}: {text!r} is not a day written as YYYY-MM-DD") from error


def _trust_text(entries: list[Any]) -> bytes:
    document = {"format": TRUST_FORMAT, "keys": entries}
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _pem(public: Ed25519PublicKey) -> str:
    return public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()


def _untrusted(fact: str) -> VerificationError:
    return VerificationError(
        Problem(
            fact,
            "name a trust file with --trust, or ask the signer for the public key and add it",
            "without a trusted key no signature can be checked",
        )
    )
