"""Bundles made by earlier versions verify forever, and the bytes of the formats never change.

Never make golden/v1 anew: a new format gets a folder of its own beside it.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from lextune.evidence.envelope import open_envelope, sign
from lextune.evidence.keys import Signer, Trust, load_trust
from lextune.evidence.ledger import Checkpoint, Entry, leaf_hash, root_hash, sign_checkpoint
from lextune.evidence.verifying import verify_folder

_GOLDEN = Path(__file__).parent / "golden"
_V1 = _GOLDEN / "v1/release/dossier"


@pytest.mark.parametrize("version", sorted(path.name for path in _GOLDEN.iterdir()))
def test_an_old_bundle_verifies(version: str) -> None:
    bundle = _GOLDEN / version
    evidence = verify_folder(bundle / "release", load_trust(bundle / "trust.json"))
    assert evidence.problems == ()
    assert evidence.run == "golden-1"
    assert len(evidence.statements) == 8


def test_the_same_statements_give_the_same_bytes(signer: Signer) -> None:
    lines, leaves = b"", []
    for index, path in enumerate(sorted((_V1 / "statements").iterdir())):
        data = path.read_bytes()
        assert sign(open_envelope(data, Trust.of(signer)), signer) == data
        leaves.append(leaf_hash(data))
        lines += Entry(index, leaves[-1], path.name).line()
    assert lines == (_V1 / "ledger.jsonl").read_bytes()
    checkpoint = Checkpoint("golden-1", len(leaves), root_hash(leaves))
    assert sign_checkpoint(checkpoint, signer) == (_V1 / "checkpoint.dsse.json").read_bytes()


def test_the_first_envelope_to_the_byte(signer: Signer) -> None:
    data = (_V1 / "statements/0001-config.dsse.json").read_bytes()
    payload = (
        b'{"_type":"https://in-toto.io/Statement/v1","predicate":{"created":"2026-11-25T12:00:00Z",'
        b'"measurements":[],"record":{"task":"sentiment"},"room":"config","run":"golden-1",'
        b'"status":"complete","tool":{"name":"lextune","version":"0.1.0"}},'
        b'"predicateType":"urn:lextune:predicate:config:v1","subject":[]}'
    )
    assert base64.b64decode(json.loads(data)["payload"]) == payload
    signature = json.loads(data)["signatures"][0]["sig"]
    assert data == (
        b'{"payload":"' + base64.b64encode(payload) + b'",'
        b'"payloadType":"application/vnd.in-toto+json",'
        b'"signatures":[{"keyid":"'
        + signer.keyid.encode()
        + b'","sig":"'
        + signature.encode()
        + b'"}]}'
    )


def test_the_signature_is_plain_ed25519_over_the_dsse_encoding(signer: Signer) -> None:
    """With nothing of lextune or of the DSSE library: what an auditor could write in any language."""
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    content = json.loads((_V1 / "statements/0001-config.dsse.json").read_bytes())
    body, kind = base64.b64decode(content["payload"]), content["payloadType"].encode()
    signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(body), body)
    public = load_pem_public_key(signer.public_pem.encode())
    public.verify(base64.b64decode(content["signatures"][0]["sig"]), signed)  # type: ignore[union-attr, call-arg, arg-type]
