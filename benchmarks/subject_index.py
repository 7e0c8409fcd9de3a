"""How long the index of people takes for many rows, how large it is, and how fast one person is found.

python benchmarks/subject_index.py --rows 1000000
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from lextune.pipeline import peak_memory
from lextune.store.subjects import FILE, SubjectEntry, SubjectStore


def entries(rows: int, people: int) -> Iterator[SubjectEntry]:
    """Rows as `prepare` names them."""
    for n in range(rows):
        yield SubjectEntry(
            "train", f"user-{n % people}", f"{n:016x}-1", f"reviews.csv:{n + 2} (record {n + 1})"
        )


def main() -> None:
    """Index twice (the second time in place of the first), then look up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--people", type=int, default=100_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, SubjectStore(Path(folder), bytes(32)) as store:
        seconds, cpu = [], []
        for _ in range(2):
            start, worked = time.perf_counter(), time.process_time()
            store.replace("run", entries(given.rows, given.people))
            seconds.append(time.perf_counter() - start)
            cpu.append(time.process_time() - worked)
        found = []
        for person in range(0, given.people, max(1, given.people // 200)):
            start = time.perf_counter()
            assert len(store.find(f"user-{person}")) >= given.rows // given.people
            found.append(time.perf_counter() - start)
        document = {
            "rows": given.rows,
            "people": given.people,
            "index_seconds": round(seconds[0], 2),
            "index_again_seconds": round(seconds[1], 2),
            "cpu_seconds": [round(one, 2) for one in cpu],
            "rows_per_second": round(given.rows / seconds[0]),
            "find_milliseconds": {
                "median": round(statistics.median(found) * 1000, 2),
                "largest": round(max(found) * 1000, 2),
                "n": len(found),
            },
            "bytes_per_row": round((Path(folder) / FILE).stat().st_size / given.rows, 1),
            "peak_memory_mb": round(peak_memory() / 1e6),
        }
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
