"""Names rows and whole data sets by their content, so that no row order and no file format changes a name."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping

import numpy as np

from lextune.data.columns import Keys

#: A JSON string with signs as they are; as `json.dumps(..., ensure_ascii=False)`, which takes twice the time for a row.
_quoted = json.encoder.encode_basestring
_BLOCK = 1 << 16


def normalise(text: str) -> str:
    """The text as duplicates are compared: compatibility forms, case and white space made one (NFKC, casefold)."""
    same = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()
    if (
        "  " not in same and same.isprintable()
    ):  # its only white space is single spaces: nothing to do
        return same.strip()
    return " ".join(same.split())


def normal_digest(text: str) -> bytes:
    """16 bytes that equal texts share after `normalise`."""
    return hashlib.sha256(normalise(text).encode("utf-8", "surrogatepass")).digest()[:16]


def row_digest(text: str, label: str, groups: Mapping[str, str | None]) -> bytes:
    """SHA-256 of a row's canonical form: the JSON array [text, label, [[group column, value], ...]], columns sorted."""
    cells = ",".join(
        f"[{_quoted(name)},{'null' if value is None else _quoted(value)}]"
        for name, value in sorted(groups.items(), key=lambda item: item[0])
    )
    row = f"[{_quoted(text)},{_quoted(label)},[{cells}]]"
    return hashlib.sha256(row.encode("utf-8", "surrogatepass")).digest()


def row_ids(digests: Keys) -> Keys:
    """The first 16 hex digits of each digest and `-k` for its k-th copy: the same set of ids in any order of rows.

    Args:
        digests: 32 bytes a row, shape (rows,).
    """
    if not len(digests):
        return np.zeros(0, "S18")
    heads = np.ascontiguousarray(digests).view("S8").reshape(-1, 4)[:, 0]
    order = np.argsort(heads, kind="stable")
    new = np.concatenate([[True], heads[order[1:]] != heads[order[:-1]]])
    firsts = np.flatnonzero(new)
    copy = np.empty(len(order), np.int64)
    copy[order] = np.arange(1, len(order) + 1) - firsts[np.cumsum(new) - 1]
    names = np.frombuffer(heads.tobytes().hex().encode(), "S16")
    numbers = copy.astype(f"S{len(str(copy.max()))}")
    return np.strings.add(np.strings.add(names, b"-"), numbers)


def fingerprint(digests: Keys) -> str:
    """Hex SHA-256 over the sorted row digests in hex, one a line: a multiset of rows has one fingerprint.

    Args:
        digests: 32 bytes a row, shape (rows,).
    """
    state = hashlib.sha256()
    ordered = np.sort(digests)
    for start in range(0, len(ordered), _BLOCK):
        lines = ordered[start : start + _BLOCK].tobytes().hex("\n", 32)
        state.update(f"{lines}\n".encode("ascii"))
    return state.hexdigest()
