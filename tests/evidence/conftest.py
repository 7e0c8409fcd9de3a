"""A small release, complete and signed with a fixed key, and the trust in that key."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lextune.evidence.dossier import Dossier
from lextune.evidence.keys import Signer, Trust, add_trusted_key, load_trust
from lextune.evidence.releasing import sign_release
from lextune.evidence.statements import make_statement
from lextune.files import digest_file
from lextune.records import FileDigest, Statement

NOW = datetime.datetime(2026, 11, 25, 12, 0, 0, tzinfo=datetime.UTC)
MODEL = {
    "config.json": b'{"model_type": "bert"}\n',
    "model.safetensors": bytes(range(256)) * 4,
    "tokenizer.json": b"{}\n",
}


@pytest.fixture(autouse=True)
def _fixed_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lextune.evidence.statements.tool_version", lambda: "0.1.0")


def make_signer(seed: int) -> Signer:
    return Signer(Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


@pytest.fixture
def signer() -> Signer:
    return make_signer(1)


@pytest.fixture
def stranger() -> Signer:
    return make_signer(2)


@pytest.fixture
def trust(tmp_path: Path, signer: Signer) -> Trust:
    path = tmp_path / "trust.json"
    add_trusted_key(path, signer.public_pem, "the maker")
    return load_trust(path)


def dump(files: list[FileDigest]) -> list[dict[str, Any]]:
    return [file.model_dump(mode="json") for file in files]


def inside(file: FileDigest) -> list[FileDigest]:
    """A file of the dossier by its path in the release."""
    return [file.model_copy(update={"path": f"dossier/{file.path}"})]


def room_statements(model: list[FileDigest], dossier: Dossier) -> dict[str, Statement]:
    """One statement of every room that a release needs, by name, in order; writes the files they name."""
    pack = dossier.write_file("packs/house.yaml", b"id: house\n")
    verdict = dossier.write_file("verdict.json", b"{}\n")
    predictions = dossier.write_file("predictions/test.parquet", b"PAR1" * 8)
    base = FileDigest(path="model.safetensors", sha256="b" * 64, size=7)
    measured = {"name": "accuracy", "value": 0.9, "n": 100, "unit": "proportion"}
    evaluated = {"path": predictions.path, "sha256": predictions.sha256, "split": "test"}
    contents: dict[str, tuple[list[FileDigest], dict[str, Any]]] = {
        "config": (inside(pack), {"record": {"task": "sentiment"}}),
        "select": ([base], {"record": {"id": "base", "files": dump([base])}}),
        "prepare": ([], {"record": {"fingerprint": "f" * 64}}),
        "train": (model, {"record": {"method": "full", "files": dump(model)}}),
        "evaluate": (
            [*model, *inside(predictions)],
            {
                "record": {
                    "status": "complete",
                    "predictions": evaluated,
                    "measurements": [measured],
                }
            },
        ),
        "audit-calibration": (model, {"record": {"audit": "calibration"}}),
        "decide": (inside(verdict), {"record": {"outcome": "pass"}}),
    }
    return {
        name: make_statement(name.split("-")[0], subjects, predicate, now=NOW)
        for name, (subjects, predicate) in contents.items()
    }


def make_unsigned(folder: Path, signer: Signer, run: str = "run-a", leave_out: str = "") -> Dossier:
    folder.mkdir(parents=True)
    for name, data in MODEL.items():
        (folder / name).write_bytes(data)
    model = [digest_file(folder / name, name) for name in MODEL]
    (folder / "README.md").write_text("# model\n")
    (folder / "lextune.json").write_text(json.dumps({"schema": "lextune.model/v1"}) + "\n")
    dossier = Dossier.create(folder / "dossier", run, signer)
    for name, statement in room_statements(model, dossier).items():
        if name != leave_out:
            dossier.append(name, statement)
    return dossier


@pytest.fixture
def unsigned_release(tmp_path: Path, signer: Signer) -> Path:
    make_unsigned(tmp_path / "unsigned", signer)
    return tmp_path / "unsigned"


@pytest.fixture
def make_release(tmp_path: Path, signer: Signer) -> Callable[..., Path]:
    """`make_release(name, run, owner)` gives the path of a release that verifies."""

    def make(name: str = "release", run: str = "run-a", owner: Signer = signer) -> Path:
        folder = tmp_path / name
        make_unsigned(folder, owner, run)
        sign_release(folder, owner, {"record": {"name": "demo", "version": "1.0.0"}})
        return folder

    return make


@pytest.fixture
def release(make_release: Callable[..., Path]) -> Path:
    return make_release()


def tree_digest(folder: Path) -> str:
    """One digest of all names and bytes, to show that nothing was touched."""
    state = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        state.update(path.relative_to(folder).as_posix().encode())
        if path.is_file():
            state.update(path.read_bytes())
    return state.hexdigest()


@pytest.fixture
def snapshot() -> Callable[[Path], str]:
    return tree_digest


@pytest.fixture
def other_signers() -> Callable[[int], Signer]:
    return make_signer


@pytest.fixture
def unsigned_maker() -> Callable[..., Dossier]:
    return make_unsigned
