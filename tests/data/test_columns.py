"""Columns: what goes in comes out, in blocks too, from a file that nobody can find and that no memory holds."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lextune.config import DataConfig
from lextune.data import columns
from lextune.data.columns import NameList, Spool, Texts, same
from lextune.data.prepare import prepare
from lextune.errors import EnvironmentProblem

texts_of = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=40)
usual = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def spooled(texts, folder=None):
    with Spool(folder) as spool:
        for text in texts:
            spool.add(text)
        return spool.column()


@usual
@given(texts=texts_of, data=st.data())
def test_texts_come_back_in_any_order_and_in_blocks(texts, data, monkeypatch):
    monkeypatch.setattr(columns, "BLOCK_ROWS", data.draw(st.integers(1, 9)))
    monkeypatch.setattr(columns, "BLOCK_BYTES", data.draw(st.integers(0, 40)))
    column = spooled(texts)
    assert (len(column), list(column)) == (len(texts), texts)
    rows = data.draw(st.lists(st.integers(0, len(texts) - 1))) if texts else []
    taken = column.take(np.array(rows, np.int64))
    wanted = [texts[row] for row in rows]
    assert list(taken) == taken[:] == wanted == [taken[i] for i in range(len(rows))]
    for block in taken.blocks():
        assert 1 <= len(block) <= columns.BLOCK_ROWS
        size = sum(len(text.encode()) for text in block)
        assert len(block) == 1 or size <= columns.BLOCK_BYTES
    with Spool() as spool:
        spool.add("first")
        spool.extend(taken)
        assert list(spool.column()) == ["first", *wanted]


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())]
)
def test_columns_of_arrow_are_texts_too(kind):
    pieces = [pa.array(["a", "b"], pa.string()), pa.array(["", "好"], pa.string())]
    assert list(Texts(pa.chunked_array(pieces).cast(kind))) == ["a", "b", "", "好"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_the_texts_of_prepared_data_lie_in_a_file_without_a_name(write, tmp_path):
    rows = [(f"{word} text number {n}", word) for word in ("pos", "neg") for n in range(50)]
    path, scratch = write.csv(rows), tmp_path / "scratch"
    scratch.mkdir()
    prepared = prepare(DataConfig(train=(path,)), scratch=scratch)
    assert list(scratch.iterdir()) == []
    address = prepared.parts["train"]["text"].chunk(0).buffers()[2].address
    for line in Path("/proc/self/maps").read_text().splitlines():
        low, high = (int(one, 16) for one in line.split()[0].split("-"))
        if low <= address < high:
            assert line.endswith("(deleted)")
            assert str(scratch) in line
            return
    raise AssertionError("the texts are not mapped")


def test_a_full_disk_is_told_with_a_remedy(tmp_path, monkeypatch):
    with Spool(tmp_path) as spool:
        spool.add("text")

        class Full:
            def write(self, data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patched:
            patched.setattr(spool, "_file", Full())
            with pytest.raises(EnvironmentProblem, match="no space left"):
                spool.column()


@given(values=st.lists(st.sampled_from(["b", "a", "", None])))
def test_names_are_numbers_that_mean_the_same(values):
    made = NameList()
    for value in values:
        made.add(value)
    column = made.column()
    assert [column[row] for row in range(len(column))] == column.array().to_pylist() == values
    assert column.counts() == {
        name: values.count(name) for name in ("", "a", "b") if name in values
    }
    known = column.numbered({"a": 7, "": 3}).tolist()
    assert known == [{"a": 7, "": 3}.get(value, -1) for value in values]
    taken = column.take(np.arange(len(values))[::-1])
    assert [taken[row] for row in range(len(values))] == values[::-1]


@given(keys=st.lists(st.lists(st.binary(min_size=2, max_size=2)), min_size=1, max_size=3))
def test_equal_keys_have_equal_numbers_in_all_columns(keys):
    numbers = same(*(np.array(one, "S2") for one in keys))
    assert [len(one) for one in numbers] == [len(one) for one in keys]
    pairs = {
        (n, k)
        for ns, ks in zip(numbers, keys, strict=True)
        for n, k in zip(ns.tolist(), ks, strict=True)
    }
    assert len(pairs) == len({n for n, _ in pairs}) == len({k for _, k in pairs})


_GROWTH = """
import sys, threading
from pathlib import Path
from lextune.config import DataConfig, QualityConfig
from lextune.data.prepare import prepare
import numpy, pyarrow.parquet

def held():
    status = Path("/proc/self/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) / 1e3

before, highest, over = held(), 0.0, threading.Event()

def watch():
    global highest
    while not over.wait(0.02):
        highest = max(highest, held())

threading.Thread(target=watch).start()
try:
    prepared = prepare(DataConfig(train=(sys.argv[1],), quality=QualityConfig(checks=())), scratch=Path(sys.argv[2]))
finally:
    over.set()
assert sum(table.num_rows for table in prepared.parts.values()) == 200_000
print(highest - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_rows_take_far_less_memory_than_their_texts(tmp_path):
    """All first checks included: 400 MB of texts in less than half of that, while they are read, checked and cut."""
    path = tmp_path / "rows.jsonl"
    filler = "word " * 400
    with open(path, "w") as file:
        for n in range(200_000):
            file.write(f'{{"text": "{n} {filler}", "label": "{n % 2}"}}\n')
    command = [sys.executable, "-c", _GROWTH, str(path), str(tmp_path)]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert float(out) < 180
