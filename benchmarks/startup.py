"""How long the light commands take as whole processes, and that they load no torch; how soon a run makes its first step.

    python benchmarks/startup.py --release runs/quickstart-1.0.0/release/quickstart-1.0.0

Prints every repetition and the median of `lextune --help` and `lextune verify RELEASE`; then of `lextune quickstart`
from its start to the first step in its log, beside a process that only imports what training needs.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import describe
from side_by_side import environment

LEXTUNE = str(Path(sys.executable).with_name("lextune"))


def seconds(command: list[str], runs: int) -> list[float]:
    """Wall time of each run, after one that is not counted."""
    found = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        found.append(time.perf_counter() - start)
    return found[1:]


def first_step(runs: int) -> list[float]:
    """Seconds from the start of `lextune quickstart` to the first line of its training's log."""
    found = []
    for _ in range(runs + 1):
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "run"
            start = time.perf_counter()
            with subprocess.Popen(
                [LEXTUNE, "quickstart", "--out", str(out)],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment(LEXTUNE_HOME=f"{folder}/home"),
            ) as process:  # fmt: skip
                log = out / "trainer_log.jsonl"
                while not (log.exists() and log.stat().st_size):
                    if process.poll() is not None:
                        sys.exit(
                            f"lextune quickstart ended with {process.returncode} before a step"
                        )
                    time.sleep(0.02)
                found.append(time.perf_counter() - start)
                process.kill()
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
        found = seconds([LEXTUNE, *verb], options.runs)
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
    imports = "import torch, transformers.modeling_utils, transformers.generation.utils"
    for name, found in (
        ("quickstart's first step", first_step(options.runs)),
        ("imports alone", seconds([sys.executable, "-c", imports], options.runs)),
    ):
        runs = " ".join(f"{one:.2f}" for one in found)
        print(f"{name}: median {statistics.median(found):.2f} s ({runs})", flush=True)


if __name__ == "__main__":
    main()
