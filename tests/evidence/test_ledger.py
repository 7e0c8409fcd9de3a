"""Vectors: google/certificate-transparency, merkletree/merkle_tree_test.cc (8 leaves, roots, paths, proofs)."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lextune.errors import VerificationError
from lextune.evidence.canonical import canonical
from lextune.evidence.envelope import sign_payload
from lextune.evidence.keys import Signer, Trust
from lextune.evidence.ledger import (
    CHECKPOINT_TYPE,
    Checkpoint,
    Entry,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    open_checkpoint,
    parse_ledger,
    root_hash,
    sign_checkpoint,
    verify_consistency,
    verify_inclusion,
)

_INPUTS = (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
)  # fmt: skip
_ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
_A = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
_B = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
_C = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
_D = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
_E = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
_F = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
_LEAVES = [leaf_hash(bytes.fromhex(one)) for one in _INPUTS]


def _hex(proof: list[bytes]) -> list[str]:
    return [step.hex() for step in proof]


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert root_hash([]).hex() == hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize("size", range(1, 9))
def test_the_published_roots(size: int) -> None:
    assert root_hash(_LEAVES[:size]).hex() == _ROOTS[size - 1]


@pytest.mark.parametrize(
    ("index", "size", "path"),
    [
        (0, 8, [_A, _B, _C]),
        (5, 8, [_D, _E, _ROOTS[3]]),
        (2, 3, [_ROOTS[1]]),
        (1, 5, [_ROOTS[0], _B, _D]),
    ],
)
def test_the_published_inclusion_proofs(index: int, size: int, path: list[str]) -> None:
    assert _hex(inclusion_proof(index, _LEAVES[:size])) == path


@pytest.mark.parametrize(
    ("first", "second", "proof"),
    [(1, 1, []), (1, 8, [_A, _B, _C]), (6, 8, [_F, _E, _ROOTS[3]]), (2, 5, [_B, _D])],
)
def test_the_published_consistency_proofs(first: int, second: int, proof: list[str]) -> None:
    assert _hex(consistency_proof(first, _LEAVES[:second])) == proof


_trees = st.lists(st.binary(max_size=4), min_size=1, max_size=40)


def _flip(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


@given(_trees, st.data())
def test_a_leaf_proves_itself_and_nothing_else(contents: list[bytes], data: st.DataObject) -> None:
    leaves = [leaf_hash(one) for one in contents]
    index = data.draw(st.integers(0, len(leaves) - 1))
    proof, root, size = inclusion_proof(index, leaves), root_hash(leaves), len(leaves)
    assert verify_inclusion(leaves[index], index, size, proof, root)
    assert not verify_inclusion(_flip(leaves[index]), index, size, proof, root)
    assert not verify_inclusion(leaves[index], index, size, proof, _flip(root))
    assert not verify_inclusion(leaves[index], index, size, [*proof, root], root)
    assert not verify_inclusion(leaves[index], size, size, proof, root)
    if proof:
        changed = data.draw(st.integers(0, len(proof) - 1))
        bad = [_flip(step) if place == changed else step for place, step in enumerate(proof)]
        assert not verify_inclusion(leaves[index], index, size, bad, root)
        assert not verify_inclusion(leaves[index], index, size, proof[:-1], root)


@given(_trees, st.data())
def test_a_prefix_proves_itself_and_a_rewritten_one_does_not(
    contents: list[bytes], data: st.DataObject
) -> None:
    leaves = [leaf_hash(one) for one in contents]
    first, second = data.draw(st.integers(1, len(leaves))), len(leaves)
    proof = consistency_proof(first, leaves)
    old, new = root_hash(leaves[:first]), root_hash(leaves)
    assert verify_consistency(first, second, old, new, proof)
    assert not verify_consistency(first, second, _flip(old), new, proof)
    assert not verify_consistency(first, second, old, _flip(new), proof)
    assert not verify_consistency(first, second, old, new, [*proof, new])
    assert not verify_consistency(second + 1, second, old, new, proof)
    if proof:
        assert not verify_consistency(first, second, old, new, proof[:-1])
        changed = data.draw(st.integers(0, len(proof) - 1))
        bad = [_flip(step) if place == changed else step for place, step in enumerate(proof)]
        assert not verify_consistency(first, second, old, new, bad)


@pytest.mark.parametrize("index", [-1, 8])
def test_there_is_no_proof_of_a_leaf_that_is_not_there(index: int) -> None:
    with pytest.raises(IndexError):
        inclusion_proof(index, _LEAVES)


@pytest.mark.parametrize("first", [0, 9])
def test_there_is_no_proof_of_a_prefix_that_is_not_there(first: int) -> None:
    with pytest.raises(IndexError):
        consistency_proof(first, _LEAVES)


_ENTRIES = [
    Entry(0, _LEAVES[0], "0001-config.dsse.json"),
    Entry(1, _LEAVES[1], "0002-audit-a_b.c.dsse.json"),
]
_TEXT = b"".join(entry.line() for entry in _ENTRIES)


def test_a_ledger_is_read_back() -> None:
    assert parse_ledger(_TEXT) == (_ENTRIES, len(_TEXT))
    assert parse_ledger(b"") == ([], 0)


@pytest.mark.parametrize(
    "line",
    [
        _ENTRIES[1].line().rstrip(b"\n"),
        _ENTRIES[1].line().replace(b"\n", b"\r\n"),
        _ENTRIES[1].line().replace(b":1,", b": 1,"),
        _ENTRIES[1].line().replace(b":1,", b":true,"),
        _ENTRIES[1].line().replace(b":1,", b":2,"),
        _ENTRIES[1].line().replace(b"0002", b"0003"),
        _ENTRIES[1].line().replace(b"0002-", b"../0002-"),
        _ENTRIES[1].line().replace(b"{", b'{"index":1,', 1),
        _ENTRIES[1].line().replace(b"96", b"9G", 1),
        b"\n",
        b"garbage\n",
    ],
)
def test_a_line_that_is_not_exactly_right_ends_the_ledger(line: bytes) -> None:
    first = _ENTRIES[0].line()
    assert line != _ENTRIES[1].line()
    assert parse_ledger(first + line) == (_ENTRIES[:1], len(first))


def test_a_checkpoint_is_read_back(signer: Signer, trust: Trust) -> None:
    checkpoint = Checkpoint("run-a", 2, root_hash(_LEAVES[:2]))
    found, signers = open_checkpoint(sign_checkpoint(checkpoint, signer), trust)
    assert found == checkpoint
    assert [key.keyid for key in signers] == [signer.keyid]


@pytest.mark.parametrize(
    "content",
    [
        {"origin": "r", "root": "00", "size": 1},
        {"origin": "r", "root": "a" * 64, "size": -1},
        {"origin": "r", "root": "a" * 64, "size": True},
        {"origin": "r", "root": "a" * 64, "size": 1, "extra": 1},
        {"origin": 1, "root": "a" * 64, "size": 1},
        [],
    ],
)
def test_a_signed_payload_that_is_no_checkpoint_is_refused(
    signer: Signer, trust: Trust, content: object
) -> None:
    with pytest.raises(VerificationError, match="no checkpoint"):
        open_checkpoint(sign_payload(canonical(content), CHECKPOINT_TYPE, signer), trust)


def test_a_statement_is_no_checkpoint(signer: Signer, trust: Trust) -> None:
    content = canonical({"origin": "r", "root": "a" * 64, "size": 1})
    with pytest.raises(VerificationError, match="payload type"):
        open_checkpoint(sign_payload(content, "application/vnd.in-toto+json", signer), trust)
