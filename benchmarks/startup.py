"""How long the light commands take as whole processes, and that they load no torch.

    python benchmarks/startup.py --release runs/quickstart-1.0.0/release/quickstart-1.0.0

Prints every repetition and the median of `lextune --help` and `lextune verify RELEASE`.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

from machine import describe


def seconds(command: list[str], runs: int) -> list[float]:
    """Wall time of each run, after one that is not counted."""
    found = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        found.append(time.perf_counter() - start)
    return found[1:]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--release", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    size = sum(path.stat().st_size for path in options.release.rglob("*") if path.is_file())
    print(describe("lextune", "typer", "pydantic"))
    for name, arguments in (
        ("--help", []),
        (f"verify of {size / 1e6:.0f} MB", [str(options.release)]),
    ):
        verb = ["--help"] if not arguments else ["verify", *arguments]
        found = seconds([str(Path(sys.executable).with_name("lextune")), *verb], options.runs)
        code = (
            f"import sys; from lextune.cli import main; main({verb!r}); "
            "sys.exit('torch' in sys.modules)"
        )
        loaded = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
        runs = " ".join(f"{one:.3f}" for one in found)
        print(
            f"{name}: median {statistics.median(found):.3f} s ({runs}), "
            f"torch loaded: {'yes' if loaded.returncode else 'no'}"
        )


if __name__ == "__main__":
    main()
