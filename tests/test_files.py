"""Files are written whole or not at all, and read only as what they are."""

from __future__ import annotations

import errno
import hashlib
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from lextune import files
from lextune.errors import EnvironmentProblem, VerificationError


def fail(number: int) -> Callable[..., None]:
    def raising(*arguments: object, **named: object) -> None:
        raise OSError(number, os.strerror(number))

    return raising


def test_what_is_written_is_read_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    files.write_atomic(path, b"old")
    files.write_atomic(path, b"new")
    assert files.read_regular(path) == b"new"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_a_secret_is_never_readable_by_others(tmp_path: Path) -> None:
    path = tmp_path / "key"
    files.write_atomic(path, b"secret", mode=0o600)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("step", ["replace", "fsync"])
@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS]
)
def test_a_failed_write_keeps_the_old_file_and_leaves_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, number: int
) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, step, fail(number))
    expected: type[Exception] = OSError if number == errno.EIO else EnvironmentProblem
    with pytest.raises(expected):
        files.write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_an_interrupted_write_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        files.write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


@pytest.mark.parametrize(
    ("number", "fact", "remedy"),
    [
        (errno.ENOSPC, "no space left", "--resume"),
        (errno.EDQUOT, "no space left", "--resume"),
        (errno.EACCES, "may not be written", "--out"),
        (errno.EROFS, "may not be written", "permissions"),
    ],
)
def test_the_machines_refusals_have_a_remedy(number: int, fact: str, remedy: str) -> None:
    with pytest.raises(EnvironmentProblem) as caught, files.disk_problems(Path("there")):
        fail(number)()
    (problem,) = caught.value.problems
    assert fact in problem.fact
    assert "there" in problem.fact
    assert remedy in problem.remedy
    assert caught.value.exit_code == 2


def test_a_really_full_device_is_told(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with (
        pytest.raises(EnvironmentProblem),
        files.disk_problems(tmp_path),
        open("/dev/full", "wb") as f,
    ):
        f.write(b"x" * 100_000)


def test_a_link_is_refused_even_to_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"same")
    (tmp_path / "link").symlink_to("a")
    for read in (files.read_regular, files.digest_file):
        with pytest.raises(VerificationError, match="symbolic link") as caught:
            read(tmp_path / "link")
        assert caught.value.exit_code == 5


def test_a_link_to_nowhere_is_refused_as_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("gone")
    with pytest.raises(VerificationError, match="symbolic link"):
        files.read_regular(tmp_path / "link")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", ["fifo", "folder", "socket"])
def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"
    server = None
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(path))
    try:
        for read in (files.read_regular, files.digest_file):
            with pytest.raises(VerificationError, match="not a regular file"):
                read(path)
    finally:
        if server is not None:
            server.close()


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 20) + 7])
def test_a_digest_is_that_of_all_bytes(tmp_path: Path, size: int) -> None:
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    (tmp_path / "a").write_bytes(content)
    found = files.digest_file(tmp_path / "a", "folder/a")
    assert found.path == "folder/a"
    assert found.size == size
    assert found.sha256 == hashlib.sha256(content).hexdigest() == files.sha256(content)


def test_a_folder_is_listed_whole_and_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("z", ".hidden", "b/é", "b/a"):
        (tmp_path / name).write_bytes(b"")
    assert files.list_files(tmp_path) == [".hidden", "b/a", "b/é", "z"]
    assert [one.path for one in files.digest_folder(tmp_path)] == [".hidden", "b/a", "b/é", "z"]
    (tmp_path / "c").symlink_to("b")
    assert "c" in files.list_files(tmp_path)
    assert "c/a" not in files.list_files(tmp_path)
    with pytest.raises(VerificationError):
        files.digest_folder(tmp_path)


def test_a_folder_that_cannot_be_listed_is_no_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed").mkdir()
    scan = os.scandir

    def closed(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(errno.EACCES, "closed")
        return scan(path)

    monkeypatch.setattr(os, "scandir", closed)
    with pytest.raises(PermissionError):
        files.list_files(tmp_path)
    with pytest.raises(FileNotFoundError):
        files.list_files(tmp_path / "gone")


def test_a_tree_can_be_synced(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c").write_bytes(b"x")
    files.sync_tree(tmp_path)
    with pytest.raises(FileNotFoundError):
        files.sync_folder(tmp_path / "gone")
