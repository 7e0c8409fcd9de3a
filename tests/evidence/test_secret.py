"""The secret of the subject index is made once, kept from others, and never made anew where one is damaged."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from lextune.errors import VerificationError
from lextune.evidence.secret import load_or_create_secret


def test_it_is_made_once_and_is_readable_by_its_owner_alone(home: Path) -> None:
    secret = load_or_create_secret()
    assert len(secret) == 32
    assert load_or_create_secret() == load_or_create_secret(home) == secret
    path = home / "keys" / "subjects.secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_create_secret(home.with_name("other")) != secret


def test_one_that_others_can_read_is_refused(home: Path) -> None:
    load_or_create_secret()
    (home / "keys" / "subjects.secret").chmod(0o644)
    with pytest.raises(VerificationError, match="open to other users"):
        load_or_create_secret()


@pytest.mark.parametrize("text", [b"", b"secret", b"0" * 63, b"\xff" * 64, b"G" * 64])
def test_one_that_is_damaged_is_refused_and_not_made_anew(home: Path, text: bytes) -> None:
    load_or_create_secret()
    path = home / "keys" / "subjects.secret"
    path.write_bytes(text)
    with pytest.raises(VerificationError, match="64 hex digits") as caught:
        load_or_create_secret()
    assert "backup" in caught.value.problems[0].remedy
    assert path.read_bytes() == text


def test_a_link_is_refused(home: Path, tmp_path: Path) -> None:
    load_or_create_secret()
    path = home / "keys" / "subjects.secret"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(VerificationError):
        load_or_create_secret()
