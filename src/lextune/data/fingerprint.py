"""Names rows and whole data sets by their content, so that no row order and no file format changes a name."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence


def normalise(text: str) -> str:
    """The text as duplicates are compared: compatibility forms, case and white space made one (NFKC, casefold)."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def normal_digest(text: str) -> bytes:
    """16 bytes that equal texts share after `normalise`."""
    return hashlib.sha256(normalise(text).encode("utf-8", "surrogatepass")).digest()[:16]


def row_digest(text: str, label: str, groups: Mapping[str, str | None]) -> str:
    """Hex SHA-256 of a row's canonical form: the JSON array [text, label, [[group column, value], ...]], columns sorted."""
    row = json.dumps(
        [text, label, sorted(groups.items(), key=lambda item: item[0])],
        ensure_ascii=False,
        separators=(",", ":"),
    )
    return hashlib.sha256(row.encode("utf-8", "surrogatepass")).hexdigest()


def row_ids(digests: Sequence[str]) -> list[str]:
    """The first 16 hex digits of each digest and `-k` for its k-th copy: the same set of ids in any order of rows."""
    copies: Counter[str] = Counter()
    ids = []
    for digest in digests:
        short = digest[:16]
        copies[short] += 1
        ids.append(f"{short}-{copies[short]}")
    return ids


def fingerprint(digests: Iterable[str]) -> str:
    """Hex SHA-256 over the sorted row digests, one a line: a multiset of rows has one fingerprint."""
    state = hashlib.sha256()
    for digest in sorted(digests):
        state.update(f"{digest}\n".encode("ascii"))
    return state.hexdigest()
