"""Small files of our own, written the way that each test needs them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

Pair = tuple[str, str]


class Writer:
    """Writes the same (text, label) rows in any format under one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def bytes(self, name: str, data: bytes) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return str(path)

    def csv(self, rows: Sequence[Pair], name: str = "rows.csv") -> str:
        stream = io.StringIO()
        writer = csv.writer(
            stream, delimiter="\t" if name.endswith(".tsv") else ",", quoting=csv.QUOTE_ALL
        )
        writer.writerows([("text", "label"), *rows])
        return self.bytes(name, stream.getvalue().encode())

    def jsonl(self, rows: Sequence[Pair], name: str = "rows.jsonl") -> str:
        text = "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows)
        return self.bytes(name, text.encode())

    def json(self, rows: Sequence[Pair], name: str = "rows.json") -> str:
        items = [{"label": label, "text": text} for text, label in rows]
        return self.bytes(name, json.dumps(items, indent=2, ensure_ascii=False).encode())

    def parquet(self, rows: Sequence[Pair], name: str = "rows.parquet") -> str:
        table = pa.table({"text": [row[0] for row in rows], "label": [row[1] for row in rows]})
        path = self.folder / name
        pq.write_table(table, path, row_group_size=3)
        return str(path)

    def tree(self, rows: Sequence[Pair], name: str = "tree") -> str:
        for number, (text, label) in enumerate(rows):
            self.bytes(f"{name}/{label}/{number}.txt", text.encode())
        return str(self.folder / name)

    def all(self) -> dict[str, Callable[[Sequence[Pair]], str]]:
        return {
            "csv": self.csv,
            "tsv": lambda rows: self.csv(rows, "rows.tsv"),
            "jsonl": self.jsonl,
            "json": self.json,
            "parquet": self.parquet,
            "tree": self.tree,
        }


@pytest.fixture
def write(tmp_path: Path) -> Writer:
    return Writer(tmp_path)
