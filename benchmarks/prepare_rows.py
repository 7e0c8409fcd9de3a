"""Time and memory to make a million rows ready for training, beside `datasets.map` with the same fast tokenizer.

    python benchmarks/prepare_rows.py --shared ../shared

Writes rows sampled from IMDb (each with its number behind the text, so that none is a copy) as JSONL to a
temporary folder. Then, in turn and each in a process of its own:

- `lextune`: what a run does before its first step. Reads, checks (duplicates, conflicts, leakage, classes),
  splits and fingerprints the rows, and tokenises all three parts into mapped files;
- `map`: `datasets.load_dataset`, then `.map(tokenizer, batched=True)`; no checks, no split;
- `map x2`: the same with `num_proc=2`.

All cut at 512 tokens with the tokenizer of all-MiniLM-L6-v2, which is loaded before the clock starts. Memory is the
highest sum over the process and its children: of what it holds itself (RssAnon), and with pages of mapped
files (RSS).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from machine import describe
from side_by_side import model_folder

_LENGTH = 512
_NAMES = ("lextune", "map", "map x2")


def write_rows(imdb: Path, target: Path, rows: int) -> None:
    """Reviews drawn with replacement, one JSON object a line."""
    found = []
    with tarfile.open(imdb / "aclImdb_train25000_test23000.tar.xz") as archive:
        for member in archive:
            label = Path(member.name).parent.name
            stream = archive.extractfile(member) if label in ("pos", "neg") else None
            if stream is not None:
                found.append((stream.read().decode(), label))
    draw = random.Random(42)
    with open(target, "w", encoding="utf-8") as file:
        for number in range(rows):
            text, label = draw.choice(found)
            file.write(json.dumps({"text": f"{text} {number}", "label": label}) + "\n")


class Clock:
    """Wall time of the two steps and of both, and the processor time of this process and its children."""

    def __init__(self) -> None:
        self._cpu, self._start = sum(os.times()[:4]), time.perf_counter()

    def read(self) -> None:
        """The rows are read."""
        self._read = time.perf_counter()

    def end(self) -> dict[str, float]:
        """They are tokenised; all in seconds."""
        end = time.perf_counter()
        return {
            "read": self._read - self._start, "tokenise": end - self._read, "all": end - self._start,
            "cpu": sum(os.times()[:4]) - self._cpu,
        }  # fmt: skip


def run_lextune(data: Path, work: Path) -> dict[str, float]:
    """Prepare and tokenise as `lextune run` does."""
    from lextune.config import DataConfig
    from lextune.data.columns import Texts
    from lextune.data.prepare import prepare
    from lextune.tasks.text.tokenizing import make_encoder
    from lextune.tasks.text.tokens import kept_tokens

    names = ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
    files = {name: (model_folder() / name).read_bytes() for name in names}
    encode = make_encoder(files, _LENGTH)
    clock = Clock()
    prepared = prepare(DataConfig(train=(str(data),)), scratch=work)
    clock.read()
    parts = [
        kept_tokens(work / "tokens" / name, encode, Texts(table["text"]).blocks(), lambda _: None)
        for name, table in prepared.parts.items()
    ]
    return {**clock.end(), "tokens": sum(len(part.ids) for part in parts)}


def run_map(data: Path, work: Path, processes: int | None) -> dict[str, float]:
    """Load and map as the tutorials of `datasets` do."""
    import datasets
    import pyarrow.compute as pc
    from transformers import AutoTokenizer

    datasets.disable_progress_bars()
    tokenizer = AutoTokenizer.from_pretrained(model_folder())
    clock = Clock()
    loaded = datasets.load_dataset(
        "json", data_files=str(data), split="train", cache_dir=str(work / "cache")
    )
    clock.read()
    mapped = loaded.map(
        lambda batch: tokenizer(batch["text"], truncation=True, max_length=_LENGTH),
        batched=True, remove_columns=["text"], num_proc=processes,
    )  # fmt: skip
    found = clock.end()
    tokens = pc.sum(pc.list_value_length(mapped.data.column("input_ids"))).as_py()
    return {**found, "tokens": tokens}


def _memory(pid: int) -> tuple[int, int]:
    """RssAnon and RSS of a process and its children, in kB."""
    anonymous = everything = 0
    try:
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name == "RssAnon":
                anonymous = int(value.split()[0])
            elif name == "VmRSS":
                everything = int(value.split()[0])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    except (FileNotFoundError, ProcessLookupError):
        children = []
    below = [_memory(int(child)) for child in children]
    return anonymous + sum(a for a, _ in below), everything + sum(b for _, b in below)


def measured(name: str, data: Path, work: Path) -> dict[str, float]:
    """In the child: one way, with its peaks in MB; `base` is what the process held before."""
    if name == "lextune":
        import lextune.data.prepare
        import lextune.tasks.text.tokenizing  # noqa: F401
    else:
        import datasets  # noqa: F401
    base, _ = _memory(os.getpid())
    peaks, over = [base, 0], threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            peaks[:] = map(max, peaks, _memory(os.getpid()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        found = run_lextune(data, work) if name == "lextune" else run_map(
            data, work, 2 if name == "map x2" else None)  # fmt: skip
    finally:
        over.set()
        watcher.join()
    return {**found, "base": base / 1e3, "anonymous": peaks[0] / 1e3, "rss": peaks[1] / 1e3}


def child(name: str, data: Path) -> dict[str, float]:
    """One way in a fresh process, with a folder of its own that is removed afterwards."""
    with tempfile.TemporaryDirectory(dir=data.parent) as work:
        command = [sys.executable, __file__, "--child", name, "--data", str(data), "--work", work]
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": work}
        out = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment)
    found: dict[str, float] = json.loads(out.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    for name in ("--child", "--data", "--work"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measured(options.child, Path(options.data), Path(options.work))))
        return
    imdb = options.shared / "data/sentiment/imdb"
    if not imdb.is_dir():
        sys.exit(f"there is no {imdb}: give --shared, the folder of real data")
    print(describe("lextune", "datasets", "tokenizers", "transformers", "pyarrow", "numpy"))
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        data = Path(folder) / "rows.jsonl"
        write_rows(imdb, data, options.rows)
        print(f"{options.rows:,} rows, {data.stat().st_size / 1e6:,.0f} MB of JSONL")
        found: dict[str, list[dict[str, Any]]] = {name: [] for name in _NAMES}
        for _ in range(options.runs):
            for name in _NAMES:
                one = child(name, data)
                found[name].append(one)
                print(
                    f"{name:8} read {one['read']:.1f} s, tokenise {one['tokenise']:.1f} s, all {one['all']:.1f} s, "
                    f"processor {one['cpu']:.1f} s, "
                    f"{one['tokens']:,} tokens, RssAnon {one['anonymous']:,.0f} MB ({one['base']:,.0f} before), "
                    f"RSS {one['rss']:,.0f} MB", flush=True,
                )  # fmt: skip
    for name in _NAMES[1:]:
        for key in ("tokenise", "all"):
            ours, theirs = (
                statistics.median(one[key] for one in found[way]) for way in ("lextune", name)
            )
            print(f"{key}: {name} takes {theirs / ours:.2f} times lextune's (medians {theirs:.1f} s, {ours:.1f} s)")  # fmt: skip


if __name__ == "__main__":
    main()
