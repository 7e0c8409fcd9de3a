"""Makes a golden bundle by a real run: `python tests/evidence/make_golden_run.py tests/evidence/golden_runs/vN`.

Run it once for each version of the formats, from a checkout of that version, and never again into a folder
that is there: a bundle of an earlier version is worth something because nothing of today has touched it.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import tiny


def make(target: Path) -> None:
    """Train the tiny BERT on easy reviews, sign with a fixed key, keep the release and its trust file."""
    target.mkdir(parents=True)
    target = target.resolve()
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)  # so that the config names no folder of this machine
        try:
            os.environ["LEXTUNE_HOME"] = "home"
            _fixed_key(Path("home"))
            model, data = (
                tiny.write_tiny_bert(Path("model")),
                tiny.write_reviews(Path("reviews.csv")),
            )

            import lextune

            run = lextune.run(tiny.tiny_config(model, data), out="run")
            assert run.release is not None, run.blocked
            shutil.copytree(run.release, target / "release")
            shutil.copy("home/trust.json", target / "trust.json")
        finally:
            os.chdir(before)


def _fixed_key(home: Path) -> None:
    from lextune.evidence.keys import Signer, add_trusted_key

    private = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)
    (home / "keys").mkdir(mode=0o700, parents=True)
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (home / "keys/default.pem").write_bytes(pem)
    (home / "keys/default.pem").chmod(0o600)
    add_trusted_key(home / "trust.json", Signer(private).public_pem, "golden")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
