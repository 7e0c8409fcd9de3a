from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lextune.errors import ConfigError, EnvironmentProblem, InsufficientError, VerificationError
from lextune.evidence import dossier as module
from lextune.evidence.dossier import Dossier
from lextune.evidence.envelope import sign
from lextune.evidence.keys import Signer
from lextune.evidence.statements import make_statement
from lextune.files import sha256
from lextune.records import Statement


def _statement(room: str = "config", **predicate: object) -> Statement:
    return make_statement(room, [], predicate)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run/dossier"


@pytest.fixture
def dossier(folder: Path, signer: Signer) -> Dossier:
    made = Dossier.create(folder, "run-a", signer)
    made.append("config", _statement())
    made.append("select", _statement("select"))
    return made


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "statements").iterdir())


def test_statements_come_back_in_order_with_the_digest_of_their_bytes(
    dossier: Dossier, folder: Path, signer: Signer
) -> None:
    digest = dossier.append("audit-calibration", _statement("audit"))
    names = ["0001-config.dsse.json", "0002-select.dsse.json", "0003-audit-calibration.dsse.json"]
    assert _names(folder) == names
    assert digest == sha256((folder / "statements" / names[2]).read_bytes())
    for found in (dossier, Dossier.open(folder, signer)):
        statements = found.statements()
        assert [one.predicate["room"] for _, one in statements] == ["config", "select", "audit"]
        assert {one.predicate["run"] for _, one in statements} == {"run-a"}
        assert statements[2][0] == digest
        assert found.mended == ()


@pytest.mark.parametrize("run_id", ["", "../x", "a b", "x" * 129, "ü", ".hidden"])
def test_a_run_id_that_is_no_plain_name_is_refused(
    folder: Path, signer: Signer, run_id: str
) -> None:
    with pytest.raises(ConfigError, match="no run id"):
        Dossier.create(folder, run_id, signer)


def test_a_dossier_is_never_written_over(dossier: Dossier, folder: Path, signer: Signer) -> None:
    with pytest.raises(ConfigError, match="a dossier already"):
        Dossier.create(folder, "run-b", signer)
    assert len(dossier.statements()) == 2


@pytest.mark.parametrize(
    "name", ["train", "config", "decide-", "decide-A", "decide/../x", "decidex"]
)
def test_a_name_that_is_not_the_room_is_refused(dossier: Dossier, name: str) -> None:
    with pytest.raises(ConfigError):
        dossier.append(name, _statement("decide"))
    assert len(dossier.statements()) == 2


def test_another_runs_statement_is_refused(dossier: Dossier) -> None:
    with pytest.raises(ConfigError, match="another run"):
        dossier.append("train", _statement("train", run="run-b"))


def test_a_released_dossier_is_closed(dossier: Dossier) -> None:
    dossier.append("release", _statement("release"))
    with pytest.raises(ConfigError, match="closed"):
        dossier.append("decide", _statement("decide"))


def test_nan_leaves_nothing_behind(dossier: Dossier, folder: Path) -> None:
    with pytest.raises(InsufficientError):
        dossier.append("train", _statement("train", loss=float("nan")))
    assert len(_names(folder)) == 2


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "/etc/x",
        "a/../b",
        "ledger.jsonl",
        "checkpoint.dsse.json",
        "statements/x",
        "",
        "a\\b",
    ],
)
def test_a_file_cannot_leave_the_dossier_or_pass_for_a_statement(
    dossier: Dossier, name: str
) -> None:
    with pytest.raises(ConfigError):
        dossier.write_file(name, b"x")


def test_a_file_is_written_and_digested(dossier: Dossier, folder: Path) -> None:
    digest = dossier.write_file("packs/a.yaml", b"id: a\n")
    assert (folder / "packs/a.yaml").read_bytes() == b"id: a\n"
    assert (digest.path, digest.sha256, digest.size) == ("packs/a.yaml", sha256(b"id: a\n"), 6)


def test_another_key_cannot_open_the_dossier(
    dossier: Dossier, folder: Path, stranger: Signer
) -> None:
    with pytest.raises(VerificationError, match="unknown signer"):
        Dossier.open(folder, stranger)


_KILLED = """
import os, signal, sys
from pathlib import Path
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from lextune.evidence import dossier as module
from lextune.evidence.keys import Signer
from lextune.evidence.statements import make_statement

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

owner = Signer(Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32))
dossier = module.Dossier.open(Path(sys.argv[1]), owner)
if sys.argv[2] == "ledger":
    module._append_bytes = die
elif sys.argv[2] == "checkpoint":
    module.Dossier._write_checkpoint = die
else:
    os.replace = die
dossier.append("prepare", make_statement("prepare", [], {}))
"""


@pytest.mark.parametrize(("moment", "kept"), [("statement", 2), ("ledger", 3), ("checkpoint", 3)])
def test_kill_9_at_any_step_is_mended(
    dossier: Dossier, folder: Path, signer: Signer, moment: str, kept: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, str(folder), moment],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert done.returncode == -9
    opened = Dossier.open(folder, signer)
    assert opened.mended
    assert len(opened.statements()) == kept
    assert not list(folder.rglob(".*"))
    again = Dossier.open(folder, signer)
    assert again.mended == ()
    again.append("train", _statement("train"))
    assert len(again.statements()) == kept + 1


def test_a_torn_last_line_is_mended(dossier: Dossier, folder: Path, signer: Signer) -> None:
    before = (folder / "checkpoint.dsse.json").read_bytes()
    dossier.append("prepare", _statement("prepare"))
    whole = (folder / "ledger.jsonl").read_bytes()
    (folder / "ledger.jsonl").write_bytes(whole[:-20])
    (folder / "checkpoint.dsse.json").write_bytes(before)
    opened = Dossier.open(folder, signer)
    assert "removed the torn last line of the ledger" in opened.mended
    assert (folder / "ledger.jsonl").read_bytes() == whole
    assert len(opened.statements()) == 3


def _truncate_ledger(folder: Path) -> None:
    data = (folder / "ledger.jsonl").read_bytes()
    (folder / "ledger.jsonl").write_bytes(data[: data.index(b"\n") + 1])


def _remove_last(folder: Path) -> None:
    _truncate_ledger(folder)
    (folder / "statements/0002-select.dsse.json").unlink()


def _tear(folder: Path) -> None:
    data = (folder / "ledger.jsonl").read_bytes()
    (folder / "ledger.jsonl").write_bytes(data[:-5])


def _edit(folder: Path) -> None:
    path = folder / "statements/0001-config.dsse.json"
    path.write_bytes(path.read_bytes() + b" ")


def _add_two(folder: Path) -> None:
    for name in ("0003-prepare", "0004-train"):
        (folder / f"statements/{name}.dsse.json").write_bytes(b"{}")


def _add_far(folder: Path) -> None:
    (folder / "statements/0009-decide.dsse.json").write_bytes(b"{}")


def _add_forged(folder: Path) -> None:
    (folder / "statements/0003-prepare.dsse.json").write_bytes(b"{}")


def _garbage_lines(folder: Path) -> None:
    with (folder / "ledger.jsonl").open("ab") as stream:
        stream.write(b"one\ntwo\n")


@pytest.mark.parametrize(
    "damage",
    [
        _truncate_ledger, _remove_last, _tear, _edit, _add_two, _add_far, _add_forged, _garbage_lines,
        lambda folder: (folder / "checkpoint.dsse.json").unlink(),
        lambda folder: (folder / "ledger.jsonl").unlink(),
        lambda folder: (folder / "statements/0001-config.dsse.json").unlink(),
    ],
)  # fmt: skip
def test_what_the_checkpoint_covers_is_never_mended(
    dossier: Dossier,
    folder: Path,
    signer: Signer,
    snapshot: Callable[[Path], str],
    damage: Callable[[Path], None],
) -> None:
    damage(folder)
    before = snapshot(folder)
    with pytest.raises(VerificationError):
        Dossier.open(folder, signer)
    with pytest.raises(VerificationError):
        dossier.append("prepare", _statement("prepare"))
    assert snapshot(folder) == before


@pytest.mark.parametrize("own_key", [False, True])
def test_a_statement_of_another_key_or_run_is_not_taken_for_a_crash(
    dossier: Dossier, folder: Path, signer: Signer, stranger: Signer, own_key: bool
) -> None:
    run = "run-b" if own_key else "run-a"
    forged = sign(_statement("prepare", run=run), signer if own_key else stranger)
    (folder / "statements/0003-prepare.dsse.json").write_bytes(forged)
    with pytest.raises(VerificationError, match="another run" if own_key else "unknown signer"):
        Dossier.open(folder, signer)


def test_a_full_disk_leaves_the_dossier_as_it_was(
    dossier: Dossier, folder: Path, monkeypatch: pytest.MonkeyPatch, snapshot: Callable[[Path], str]
) -> None:
    def full(path: Path, data: bytes) -> None:
        with path.open("ab") as stream:
            stream.write(data[:7])
        with module.files.disk_problems(path):
            raise OSError(28, "No space left on device")

    before = snapshot(folder)
    with monkeypatch.context() as patch:
        patch.setattr(module, "_append_bytes", full)
        with pytest.raises(EnvironmentProblem, match="no space left"):
            dossier.append("prepare", _statement("prepare"))
    assert snapshot(folder) == before
    dossier.append("prepare", _statement("prepare"))
    assert len(dossier.statements()) == 3


def test_an_error_after_the_checkpoint_was_written_keeps_the_statement(
    dossier: Dossier, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Dossier._write_checkpoint

    def interrupted(self: Dossier, entries: list[module.Entry]) -> None:
        real(self, entries)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Dossier, "_write_checkpoint", interrupted)
        with pytest.raises(KeyboardInterrupt):
            dossier.append("prepare", _statement("prepare"))
    assert len(dossier.statements()) == 3


def test_two_writers_share_one_ledger(dossier: Dossier, folder: Path, signer: Signer) -> None:
    other = Dossier.open(folder, signer)
    other.append("prepare", _statement("prepare"))
    dossier.append("train", _statement("train"))
    assert [one.predicate["room"] for _, one in other.statements()][2:] == ["prepare", "train"]
