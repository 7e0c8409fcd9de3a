"""Reading files far larger than the memory it takes, in a process of its own whose peak is measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import ipc

#: Bytes of each file, and how much more memory reading it may take than reading a small one.
SIZE, MOST = 200 << 20, 80 << 20
WORD = "abcdefghij" * 10

READ = r"""
import re, sys
from lextune.data.findings import Findings
from lextune.data.formats import ReadContext, ReadOptions
from lextune.data.prepare import stream_rows

def peak(path):
    context = ReadContext(ReadOptions(label_kind="spans" if "conll" in path else "class"), Findings())
    rows = sum(1 for _ in stream_rows(path, context=context))
    assert not context.findings.has_errors(), context.findings.problems()
    # not ru_maxrss, which begins at the peak of the process that started this one
    status = open("/proc/self/status").read()
    return rows, int(re.search(r"VmHWM:\s+(\d+)", status)[1]) * 1024

_, small = peak(sys.argv[1])
rows, large = peak(sys.argv[2])
print(rows, large - small)
"""


def texts(size: int) -> Iterator[str]:
    for number in range(size // 1000):
        yield f"{number} " + WORD * 10


def write_lines(path: Path, lines: Iterator[str], head: str = "", tail: str = "") -> None:
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(head)
        stream.writelines(lines)
        stream.write(tail)


def write_csv(path: Path, size: int) -> None:
    write_lines(path, (f'"{text}",x\n' for text in texts(size)), "text,label\n")


def write_jsonl(path: Path, size: int) -> None:
    write_lines(path, (f'{{"text": "{text}", "label": "x"}}\n' for text in texts(size)))


def write_json(path: Path, size: int) -> None:
    items = (json.dumps({"text": text, "label": "x"}) + "," for text in texts(size))
    write_lines(path, items, "[", '{"text": "", "label": "x"}]')


def write_conll(path: Path, size: int) -> None:
    write_lines(path, (f"{WORD}\tB-X\n" * 10 + "\n" for _ in texts(size)))


def tables(size: int) -> Iterator[pa.Table]:
    block: list[str] = []
    for text in texts(size):
        block.append(text)
        if len(block) == 1000:
            yield pa.table({"text": block, "label": ["x"] * len(block)})
            block = []
    yield pa.table({"text": [*block, "z"], "label": ["x"] * (len(block) + 1)})


def write_parquet(path: Path, size: int) -> None:
    table = pa.concat_tables(tables(size))
    pq.write_table(table, path, compression="none", use_dictionary=False, row_group_size=10**9)


def write_arrow(path: Path, size: int) -> None:
    schema = pa.schema({"text": pa.string(), "label": pa.string()})
    with pa.OSFile(str(path), "wb") as sink, ipc.new_stream(sink, schema) as out:
        for table in tables(size):
            out.write_table(table)


WRITERS: dict[str, Callable[[Path, int], None]] = {
    "a.csv": write_csv, "a.jsonl": write_jsonl, "a.json": write_json, "a.conll": write_conll,
    "a.parquet": write_parquet, "a.arrow": write_arrow,
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc")
@pytest.mark.parametrize("name", WRITERS)
def test_memory_stays_flat(name: str, tmp_path: Path) -> None:
    small, large = tmp_path / f"small-{name}", tmp_path / f"large-{name}"
    WRITERS[name](small, 1 << 20)
    WRITERS[name](large, SIZE)
    assert large.stat().st_size > 0.9 * SIZE
    paths = {"PYTHONPATH": str(Path(__file__).resolve().parents[2] / "src"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", READ, str(small), str(large)], capture_output=True, text=True,
        env={**os.environ, **paths}, check=False,
    )  # fmt: skip
    large.unlink()
    assert done.returncode == 0, done.stderr
    rows, more = map(int, done.stdout.split())
    assert rows > 190_000
    print(f"{name}: {more / (1 << 20):.1f} MiB more")
    assert more < MOST
