"""Tokens on disk: the same rows as in memory, and a file that is not whole is never believed."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lextune.tasks.base import Encoded
from lextune.tasks.text import tokens
from lextune.tasks.text.tokens import kept_tokens, unnamed_tokens

LONGEST = 5


def encode(texts: Sequence[str]) -> Encoded:
    """One token a letter."""
    rows = [[ord(one) for one in text[:LONGEST]] or [0] for text in texts]
    offsets = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    truncated = sum(len(text) > LONGEST for text in texts)
    return Encoded(np.array(list(chain(*rows)), np.int32), offsets, 7, truncated, 9, pad_left=True)


def nothing(_: int) -> None:
    """An advance that nobody looks at."""


def same_rows(one: Encoded, other: Encoded) -> None:
    np.testing.assert_array_equal(one.ids, other.ids)
    np.testing.assert_array_equal(one.offsets, other.offsets)
    assert (one.ids.dtype, one.offsets.dtype) == (np.int32, np.int64)
    assert (one.pad_id, one.truncated, one.limit, one.pad_left) == (
        other.pad_id, other.truncated, other.limit, other.pad_left,
    )  # fmt: skip


blocks_of = st.lists(st.lists(st.text(max_size=9), min_size=1, max_size=4), max_size=6)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(blocks=blocks_of)
def test_blocks_on_disk_are_the_rows_in_memory(
    tmp_path_factory: pytest.TempPathFactory, blocks: list[list[str]]
) -> None:
    folder = tmp_path_factory.mktemp("tokens")
    whole = encode(list(chain(*blocks)))
    told: list[int] = []
    same_rows(unnamed_tokens(encode, blocks, told.append, folder), whole)
    assert list(folder.iterdir()) == []
    same_rows(kept_tokens(folder / "part", encode, blocks, told.append), whole)
    assert told == [len(block) for block in blocks] * 2
    same_rows(kept_tokens(folder / "part", encode, iter(()), told.append), whole)  # as it was kept


BLOCKS = [["one", "longer"], ["", "two"]]


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    path = tmp_path / "tokens" / "part"
    kept_tokens(path, encode, BLOCKS, nothing)
    return path


def test_every_changed_byte_is_seen_and_the_file_made_anew(kept: Path) -> None:
    whole = kept.read_bytes()
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1
        kept.write_bytes(changed)
        told: list[int] = []
        same_rows(kept_tokens(kept, encode, BLOCKS, told.append), encode(list(chain(*BLOCKS))))
        assert told == [2, 2]
        assert kept.read_bytes() == whole


@pytest.mark.parametrize("size", [0, 1, 39, 40, -1])
def test_a_file_that_was_cut_off_is_made_anew(kept: Path, size: int) -> None:
    whole = kept.read_bytes()
    kept.write_bytes(whole[:size])
    same_rows(kept_tokens(kept, encode, BLOCKS, nothing), encode(list(chain(*BLOCKS))))
    assert kept.read_bytes() == whole


def test_nobody_else_may_read_it_and_what_a_killed_process_left_goes(kept: Path) -> None:
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    half = kept.with_name(f".{kept.name}.1.tmp")
    half.write_bytes(b"half")
    kept_tokens(kept, encode, BLOCKS, nothing)
    assert list(kept.parent.iterdir()) == [kept]


def test_a_file_of_another_version_is_made_anew(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_SCHEMA", "lextune.tokens/v99")
    told: list[int] = []
    kept_tokens(kept, encode, BLOCKS, told.append)
    assert told


def in_windows(texts: Sequence[str]) -> Encoded:
    """Rows of two letters at most, each of which answers for itself."""
    rows = [
        (number, place)
        for number, text in enumerate(texts)
        for place in range(0, max(len(text), 1), 2)
    ]
    ids = [[ord(one) for one in texts[number][place : place + 2]] or [0] for number, place in rows]
    spans = [
        (place + at, place + at + 1)
        for (_, place), row in zip(rows, ids, strict=True)
        for at in range(len(row))
    ]
    offsets = np.cumsum([0, *map(len, ids)]).astype(np.int64)
    numbers = np.array([number for number, _ in rows], np.int64)
    return Encoded(
        np.array(list(chain(*ids)), np.int32), offsets, 7, 0, 2, pad_left=False, texts=numbers,
        spans=np.array(spans, np.int32).reshape(-1, 2),
    )  # fmt: skip


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(blocks=blocks_of)
def test_windows_and_spans_are_kept_too(
    tmp_path_factory: pytest.TempPathFactory, blocks: list[list[str]]
) -> None:
    folder = tmp_path_factory.mktemp("tokens")
    whole = in_windows(list(chain(*blocks)))
    told: list[int] = []
    for found in (
        unnamed_tokens(in_windows, blocks, told.append, folder),
        kept_tokens(folder / "part", in_windows, blocks, told.append),
    ):
        same_rows(found, whole)
        np.testing.assert_array_equal(found.texts, whole.texts)
        np.testing.assert_array_equal(found.spans, whole.spans)
        assert found.text_count == sum(map(len, blocks))
    assert told == [len(block) for block in blocks] * 2


def test_an_error_while_tokenising_leaves_no_file(tmp_path: Path) -> None:
    def broken(texts: Sequence[str]) -> Encoded:
        if "two" in texts:
            raise RuntimeError("broken")
        return encode(texts)

    with pytest.raises(RuntimeError, match="broken"):
        kept_tokens(tmp_path / "tokens" / "part", broken, BLOCKS, nothing)
    assert list((tmp_path / "tokens").iterdir()) == []


def test_blocks_are_not_read_far_ahead() -> None:
    read = 0

    def blocks():  # type: ignore[no-untyped-def]
        nonlocal read
        for _ in range(50):
            read += 1
            yield ["a"]

    done = 0

    def advance(rows: int) -> None:
        nonlocal done
        done += rows
        assert read <= done + 3

    assert len(unnamed_tokens(encode, blocks(), advance)) == 50
