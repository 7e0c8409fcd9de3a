from __future__ import annotations

import datetime
import json
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from lextune.errors import VerificationError
from lextune.evidence.keys import Signer, add_trusted_key, load_key, load_or_create_key, load_trust


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_first_use_makes_a_private_key_and_trusts_it(home: Path) -> None:
    signer = load_or_create_key()
    assert _mode(home / "keys") == 0o700
    assert _mode(home / "keys/default.pem") == 0o600
    assert [path.name for path in (home / "keys").iterdir()] == ["default.pem"]
    trusted = load_trust().keys
    assert list(trusted) == [signer.keyid]
    assert "PRIVATE" not in (home / "trust.json").read_text()


def test_the_key_is_private_whatever_the_umask(home: Path) -> None:
    before = os.umask(0)
    try:
        load_or_create_key()
    finally:
        os.umask(before)
    assert (_mode(home / "keys"), _mode(home / "keys/default.pem")) == (0o700, 0o600)


def test_the_second_use_finds_the_same_key_and_leaves_trust_alone(home: Path) -> None:
    first = load_or_create_key()
    (home / "trust.json").unlink()
    assert load_or_create_key().keyid == first.keyid
    assert not (home / "trust.json").exists()


def test_two_first_uses_at_once_agree_on_one_key(home: Path) -> None:
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(load_or_create_key(home).keyid))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1


def test_a_crash_while_the_key_was_made_is_overcome(home: Path) -> None:
    (home / "keys").mkdir(parents=True, mode=0o700)
    (home / "keys/default.pem.new").write_text("half a ke")
    assert load_or_create_key().keyid in load_trust().keys


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_key_that_others_can_reach_is_refused(home: Path, mode: int) -> None:
    load_or_create_key()
    (home / "keys/default.pem").chmod(mode)
    with pytest.raises(VerificationError, match="chmod 600") as caught:
        load_or_create_key()
    assert "PRIVATE" not in str(caught.value)


def test_a_key_folder_that_others_can_write_is_refused(home: Path) -> None:
    load_or_create_key()
    (home / "keys").chmod(0o770)
    with pytest.raises(VerificationError, match="chmod 700"):
        load_or_create_key()


def test_a_key_that_is_a_link_is_refused(home: Path, tmp_path: Path) -> None:
    load_or_create_key()
    elsewhere = tmp_path / "elsewhere.pem"
    (home / "keys/default.pem").rename(elsewhere)
    (home / "keys/default.pem").symlink_to(elsewhere)
    with pytest.raises(VerificationError, match="symbolic link"):
        load_or_create_key()


def _elliptic() -> bytes:
    return generate_private_key(SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@pytest.mark.parametrize("content", [b"", b"not a key", b"-----BEGIN PRIVATE KEY-----\nAAAA", None])
def test_a_file_that_is_no_ed25519_key_is_refused_without_showing_it(
    home: Path, content: bytes | None
) -> None:
    load_or_create_key()
    data = content if content is not None else _elliptic()
    (home / "keys/default.pem").write_bytes(data)
    with pytest.raises(VerificationError, match="not an unencrypted Ed25519") as caught:
        load_or_create_key()
    assert caught.value.__context__ is None
    assert data == b"" or data.decode() not in str(caught.value)


def test_a_broken_trust_file_is_not_written_over(home: Path) -> None:
    home.mkdir()
    (home / "trust.json").write_text("{")
    with pytest.raises(VerificationError, match="not JSON"):
        load_or_create_key()
    assert (home / "trust.json").read_text() == "{"
    assert not (home / "keys/default.pem").exists()


def test_looking_for_a_key_makes_none(home: Path) -> None:
    assert load_key() is None
    assert not home.exists()
    (home / "keys").mkdir(mode=0o700, parents=True)
    assert load_key() is None
    assert list((home / "keys").iterdir()) == []
    made = load_or_create_key()
    found = load_key()
    assert found is not None
    assert found.keyid == made.keyid


@pytest.mark.parametrize(("name", "mode"), [("keys", 0o777), ("keys/default.pem", 0o644)])
def test_looking_for_a_key_refuses_one_that_is_open_to_others(
    home: Path, name: str, mode: int
) -> None:
    load_or_create_key()
    (home / name).chmod(mode)
    with pytest.raises(VerificationError, match="open to other users"):
        load_key()


def test_a_signer_does_not_show_its_private_half(signer: Signer) -> None:
    assert repr(signer) == f"Signer({signer.keyid})"


def test_the_key_id_is_the_digest_of_the_public_key_info(signer: Signer) -> None:
    import hashlib

    public = serialization.load_pem_public_key(signer.public_pem.encode())
    der = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert signer.keyid == hashlib.sha256(der).hexdigest()


def _entry(signer: Signer, **changes: Any) -> dict[str, Any]:
    entry = {
        "keyid": signer.keyid,
        "public_key": signer.public_pem,
        "name": "maker",
        "added": "2026-11-25",
    }
    return {**entry, **changes}


def _document(*entries: Any, **changes: Any) -> str:
    return json.dumps({"format": "lextune.trust/v1", "keys": list(entries), **changes})


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"keyid": "0" * 64}, "not the SHA-256"),
        ({"public_key": "no key"}, "not a public key"),
        ({"public_key": 7}, "not a public key"),
        ({"name": " "}, "name is empty"),
        ({"added": "yesterday"}, "not a day"),
        ({"until": None}, "not a day"),
        ({"until": "2027-W01-1"}, "not a day"),
        ({"until": "20301231"}, "not a day"),
        ({"added": 20301231}, "not a day"),
        ({"comment": "x"}, "must have keyid"),
    ],
)
def test_a_trust_file_with_a_bad_key_is_refused(
    tmp_path: Path, signer: Signer, changes: dict[str, Any], fact: str
) -> None:
    path = tmp_path / "t.json"
    path.write_text(_document(_entry(signer, **changes)))
    with pytest.raises(VerificationError, match=fact):
        load_trust(path)


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (None, "cannot be read"),
        ("", "is empty"),
        (" \n", "is empty"),
        ("{", "not JSON"),
        ("[]", "exactly the keys"),
        ('{"format": "lextune.trust/v1", "keys": [], "keys": []}', "twice"),
        (_document(), "names no key"),
        (_document(format="lextune.trust/v2"), "not of the format"),
        (_document(keys={}), "no list"),
    ],
)
def test_a_trust_file_that_is_none_is_refused(
    tmp_path: Path, content: str | None, fact: str
) -> None:
    path = tmp_path / "t.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(VerificationError, match=fact) as caught:
        load_trust(path)
    assert caught.value.exit_code == 5
    assert caught.value.problems[0].remedy


def test_a_key_named_twice_is_refused(tmp_path: Path, signer: Signer) -> None:
    path = tmp_path / "t.json"
    path.write_text(_document(_entry(signer), _entry(signer, name="again")))
    with pytest.raises(VerificationError, match="twice"):
        load_trust(path)


def test_a_trust_file_that_anybody_may_change_is_refused(tmp_path: Path, signer: Signer) -> None:
    path = tmp_path / "t.json"
    add_trusted_key(path, signer.public_pem, "maker")
    path.chmod(0o666)
    with pytest.raises(VerificationError, match="open to other users"):
        load_trust(path)


def test_keys_are_added_beside_those_that_are_there(
    tmp_path: Path, signer: Signer, stranger: Signer
) -> None:
    path = tmp_path / "t.json"
    add_trusted_key(path, signer.public_pem, "one")
    add_trusted_key(path, stranger.public_pem, "two", until=datetime.date(2027, 1, 1))
    add_trusted_key(path, signer.public_pem, "renamed")
    found = load_trust(path).keys
    assert {key.name for key in found.values()} == {"one", "two"}
    assert found[stranger.keyid].until == datetime.date(2027, 1, 1)
