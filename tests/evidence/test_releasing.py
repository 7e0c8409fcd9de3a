from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lextune.errors import ConfigError, VerificationError
from lextune.evidence.dossier import Dossier
from lextune.evidence.keys import Signer, Trust
from lextune.evidence.releasing import sign_release
from lextune.evidence.verifying import verify_folder


def test_a_signed_release_verifies(unsigned_release: Path, signer: Signer, trust: Trust) -> None:
    digest = sign_release(unsigned_release, signer, {"record": {"name": "demo"}})
    evidence = verify_folder(unsigned_release, trust).require()
    found, statement = evidence.statements[-1]
    assert found == digest
    assert statement.predicate["record"] == {"name": "demo"}
    covered = {item.name for item in statement.subject}
    assert covered == set(evidence.files) - {
        "dossier/ledger.jsonl",
        "dossier/checkpoint.dsse.json",
        "dossier/statements/0008-release.dsse.json",
    }


def _swap(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"other weights")


def _add(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"pickle")


def _remove(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def _predict_again(folder: Path) -> None:
    (folder / "dossier/predictions/test.parquet").write_bytes(b"better ones")


def _link(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder.parent / "weights")
    (folder / "model.safetensors").symlink_to(folder.parent / "weights")


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "dossier/pipe")


def _swap_pack(folder: Path) -> None:
    (folder / "dossier/packs/house.yaml").write_bytes(b"id: mild\n")


def _swap_verdict(folder: Path) -> None:
    (folder / "dossier/verdict.json").write_bytes(b'{"outcome":"pass"}\n')


def _drop_verdict(folder: Path) -> None:
    (folder / "dossier/verdict.json").unlink()


def _add_to_dossier(folder: Path) -> None:
    (folder / "dossier/data_report.json").write_bytes(b"{}\n")


def _case(folder: Path) -> None:
    (folder / "dossier/VERDICT.json").write_bytes(b"{}\n")


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        (_swap, "'model.safetensors' is not the file that was trained"),
        (_add, "'pytorch_model.bin' lies beside the model"),
        (_remove, "'tokenizer.json' is not in the release"),
        (_predict_again, "test.parquet' is not the file that was evaluated"),
        (_link, "'model.safetensors' is a symbolic link"),
        (_pipe, "'dossier/pipe' is a named pipe"),
        (_case, "only in case"),
        (_swap_pack, "'dossier/packs/house.yaml' is not the file that the room 'config' left"),
        (_swap_verdict, "'dossier/verdict.json' is not the file that the room 'decide' left"),
        (_drop_verdict, "'dossier/verdict.json' is not the file that the room 'decide' left"),
        (
            _add_to_dossier,
            "'dossier/data_report.json' lies in the dossier but no statement made it",
        ),
    ],
)
def test_what_changed_before_signing_is_not_signed(
    unsigned_release: Path,
    signer: Signer,
    snapshot: Callable[[Path], str],
    change: Callable[[Path], None],
    fact: str,
) -> None:
    change(unsigned_release)
    before = snapshot(unsigned_release)
    with pytest.raises(VerificationError) as caught:
        sign_release(unsigned_release, signer, {})
    assert fact in str(caught.value)
    assert snapshot(unsigned_release) == before


@pytest.mark.parametrize("room", ["config", "select", "prepare", "train", "evaluate", "decide"])
def test_a_run_without_a_room_is_not_signed(
    tmp_path: Path, signer: Signer, unsigned_maker: Callable[..., Dossier], room: str
) -> None:
    unsigned_maker(tmp_path / "gap", signer, leave_out=room)
    with pytest.raises(VerificationError, match=f"no statement of the room '{room}'"):
        sign_release(tmp_path / "gap", signer, {})


def test_a_release_is_signed_once(release: Path, signer: Signer) -> None:
    with pytest.raises((ConfigError, VerificationError)):
        sign_release(release, signer, {})


def test_another_key_cannot_release_the_run(unsigned_release: Path, stranger: Signer) -> None:
    with pytest.raises(VerificationError, match="unknown signer"):
        sign_release(unsigned_release, stranger, {})
