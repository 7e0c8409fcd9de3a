"""Files are written whole or not at all, and read only as what they are."""

from __future__ import annotations

import errno
import hashlib
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


def test_what_a_stream_holds_appears_only_when_all_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with files.open_atomic(path) as stream:
        stream.write(b"new")
        stream.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    with pytest.raises(TypeError), files.open_atomic(path) as stream:
        stream.writelines([b"half", None])  # type: ignore[list-item]
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_a_failure_of_the_caller_is_not_told_as_one_of_the_disk(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), files.open_atomic(tmp_path / "a"):
        (tmp_path / "input").read_bytes()
    assert os.listdir(tmp_path) == []


def test_a_disk_that_is_full_at_the_last_buffer_is_told(tmp_path: Path) -> None:
    import resource
    import signal

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        with pytest.raises(EnvironmentProblem, match="no space left"):
            files.write_atomic(tmp_path / "a", b"x" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "fact"),
    [("gone/a", "folder is missing"), ("file/a", "folder"), ("folder", "a folder")],
)
@pytest.mark.parametrize("opened", [files.open_atomic, files.open_output])
def test_a_place_that_cannot_hold_a_file_is_told_before_anything_is_written(
    tmp_path: Path, opened: Callable[..., Any], name: str, fact: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(EnvironmentProblem, match=fact), opened(tmp_path / name):
        pytest.fail("it opened")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


def test_a_pipe_is_never_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(EnvironmentProblem, match="not a regular file"):
        files.write_atomic(pipe, b"new")
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with files.open_output(pipe) as stream:
            stream.write(b"answer")
        assert os.read(reader, 100) == b"answer"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.lstat().st_mode)
    assert os.listdir(tmp_path) == ["pipe"]


@pytest.mark.parametrize("there", [True, False])
def test_an_answer_goes_through_a_link_to_what_it_names(tmp_path: Path, there: bool) -> None:
    (tmp_path / "folder").mkdir()
    if there:
        (tmp_path / "folder/a").write_bytes(b"old")
    (tmp_path / "link").symlink_to("folder/a")
    with files.open_output(tmp_path / "link") as stream:
        stream.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "folder/a").read_bytes() == b"new"
    assert os.listdir(tmp_path / "folder") == ["a"]


@pytest.mark.parametrize(
    ("number", "fact", "remedy"),
    [
        (errno.ENOSPC, "no space left", "--resume"),
        (errno.EDQUOT, "no space left", "--resume"),
        (errno.EACCES, "may not be written", "--out"),
        (errno.EROFS, "may not be written", "permissions"),
        (errno.ENOENT, "folder is missing", "make the folder"),
        (errno.ENOTDIR, "folder is missing", "make the folder"),
        (errno.EISDIR, "is a folder", "another name"),
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


def test_what_killed_processes_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    kept = [".a.tmp", ".old/b", "a.1.tmp", "run.json"]
    halves = [".old/.b.22.tmp", ".run.json.4711.tmp"]
    (tmp_path / ".old").mkdir()
    for name in kept + halves:
        (tmp_path / name).write_bytes(b"half")
    assert files.remove_unfinished(tmp_path) == halves
    assert files.list_files(tmp_path) == kept
    with files.open_atomic(tmp_path / "whole") as stream:
        stream.write(b"half")
        [name] = [name for name in files.list_files(tmp_path) if "whole" in name]
        assert files.UNFINISHED.fullmatch(name)  # what a kill here would leave
    assert files.remove_unfinished(tmp_path) == []


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


def test_the_home_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEXTUNE_HOME", "/somewhere")
    assert files.home_folder() == Path("/somewhere")
    monkeypatch.setenv("LEXTUNE_HOME", "")
    assert files.home_folder() == Path.home() / ".lextune"
