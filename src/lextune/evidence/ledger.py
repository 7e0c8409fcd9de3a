"""An append-only Merkle ledger with proofs and signed checkpoints; it knows nothing of what the leaves say.

RFC 9162, section 2.1 (https://www.rfc-editor.org/rfc/rfc9162#section-2.1): leaf hash = SHA-256(0x00 || data),
interior hash = SHA-256(0x01 || left || right), the left subtree being the largest complete one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lextune.errors import Problem, VerificationError
from lextune.evidence.canonical import canonical, load_json
from lextune.evidence.envelope import open_payload, sign_payload
from lextune.evidence.keys import Signer, Trust, TrustedKey

CHECKPOINT_TYPE = "application/vnd.lextune.checkpoint+json"
#: Twelve digits at most: no ledger has more lines, and Python refuses to read numbers of thousands.
STATEMENT_FILE = re.compile(r"([0-9]{4,12})-([a-z0-9]+(?:[._-][a-z0-9]+)*)\.dsse\.json")
_HEX = re.compile(r"[0-9a-f]{64}")


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf: prefix 0x00, so that no interior node can be shown as a leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an interior node: prefix 0x01."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_hash(leaves: Sequence[bytes]) -> bytes:
    """The Merkle tree hash over leaf hashes; of an empty tree, SHA-256 of nothing."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = _split(len(leaves))
    return node_hash(root_hash(leaves[:split]), root_hash(leaves[split:]))


def inclusion_proof(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """The audit path of leaf `index` in the tree over `leaves` (section 2.1.3.1).

    Raises:
        IndexError: There is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(f"no leaf {index} among {len(leaves)}")
    if len(leaves) == 1:
        return []
    split = _split(len(leaves))
    if index < split:
        return [*inclusion_proof(index, leaves[:split]), root_hash(leaves[split:])]
    return [*inclusion_proof(index - split, leaves[split:]), root_hash(leaves[:split])]


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Whether `proof` shows `leaf` at `index` in the tree of `size` leaves with this root (2.1.3.2)."""
    if not 0 <= index < size:
        return False
    position, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            found = node_hash(step, found)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            found = node_hash(found, step)
        position, last = position >> 1, last >> 1
    return last == 0 and found == root


def consistency_proof(first: int, leaves: Sequence[bytes]) -> list[bytes]:
    """The proof that the tree over the first `first` leaves is a prefix of the whole (2.1.4.1).

    Raises:
        IndexError: `first` is not between 1 and the number of leaves.
    """
    if not 1 <= first <= len(leaves):
        raise IndexError(f"no prefix of {first} leaves among {len(leaves)}")
    return _subproof(first, leaves, True)


def verify_consistency(
    first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether `proof` shows that the first tree is a prefix of the second (2.1.4.2)."""
    if not 1 <= first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    path = list(proof) if first & (first - 1) else [first_root, *proof]
    if not path:
        return False
    position, last = first - 1, second - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            new = node_hash(new, step)
        position, last = position >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


def _split(size: int) -> int:
    return 1 << ((size - 1).bit_length() - 1)


def _subproof(first: int, leaves: Sequence[bytes], whole: bool) -> list[bytes]:
    if first == len(leaves):
        return [] if whole else [root_hash(leaves)]
    split = _split(len(leaves))
    if first <= split:
        return [*_subproof(first, leaves[:split], whole), root_hash(leaves[split:])]
    return [*_subproof(first - split, leaves[split:], False), root_hash(leaves[:split])]


@dataclass(frozen=True)
class Entry:
    """One line of the ledger: position from 0, leaf hash of the exact envelope bytes, name of the file."""

    index: int
    leaf: bytes
    statement: str

    def line(self) -> bytes:
        """The line as it stands in the file, with its newline."""
        content = {"index": self.index, "leaf": self.leaf.hex(), "statement": self.statement}
        return canonical(content) + b"\n"


@dataclass(frozen=True)
class Checkpoint:
    """What the owner of a ledger signs: whose it is (run id), how long, and its root."""

    origin: str
    size: int
    root: bytes


def parse_ledger(data: bytes) -> tuple[list[Entry], int]:
    """The entries of a ledger file and the number of bytes they take.

    The rest, if any, is not a valid continuation: a torn last line after a crash, or tampering. The caller
    decides which, by the last checkpoint.
    """
    entries: list[Entry] = []
    used = 0
    for line in data.splitlines(keepends=True):
        entry = _entry(line, len(entries))
        if entry is None:
            break
        entries.append(entry)
        used += len(line)
    return entries, used


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> bytes:
    """The canonical JSON bytes of the signed checkpoint."""
    content = {
        "origin": checkpoint.origin,
        "root": checkpoint.root.hex(),
        "size": checkpoint.size,
    }
    return sign_payload(canonical(content), CHECKPOINT_TYPE, signer)


def open_checkpoint(
    data: bytes, trust: Trust, where: str = ""
) -> tuple[Checkpoint, tuple[TrustedKey, ...]]:
    """The checkpoint that a trusted key signed, and who signed it.

    Raises:
        VerificationError: As `open_payload`, the payload is no checkpoint, or it carries a signature that
            proves nothing: no hash covers the checkpoint's own bytes, so none may stand there unread.
    """
    opened = open_payload(data, CHECKPOINT_TYPE, trust, where)
    if opened.passed_over:
        raise VerificationError(
            Problem(
                f"the checkpoint carries a signature of {opened.passed_over[0]} that proves nothing",
                "get the release again from who made it",
                "the key is not trusted or has expired, and nothing covers what was added here",
                where,
            )
        )
    content: Any = load_json(
        opened.payload, f"{where}: the checkpoint" if where else "the checkpoint"
    )
    valid = (
        isinstance(content, dict)
        and set(content) == {"origin", "root", "size"}
        and isinstance(content["origin"], str)
        and isinstance(content["root"], str)
        and _HEX.fullmatch(content["root"]) is not None
        and type(content["size"]) is int
        and content["size"] >= 0
    )
    if not valid:
        raise VerificationError(
            Problem("this is no checkpoint of a ledger", "get the release again", where=where)
        )
    root = bytes.fromhex(content["root"])
    return Checkpoint(content["origin"], content["size"], root), opened.signers


def _entry(line: bytes, index: int) -> Entry | None:
    try:
        content = load_json(line, "the line")
    except VerificationError:
        return None
    if not isinstance(content, dict) or set(content) != {"index", "leaf", "statement"}:
        return None
    leaf, name = content["leaf"], content["statement"]
    if not isinstance(leaf, str) or not isinstance(name, str) or content["index"] != index:
        return None
    match = STATEMENT_FILE.fullmatch(name)
    if not _HEX.fullmatch(leaf) or match is None or int(match[1]) != index + 1:
        return None
    entry = Entry(index, bytes.fromhex(leaf), name)
    return entry if entry.line() == line else None
