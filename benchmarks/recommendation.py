"""Recommendation beside the usual recommenders on MovieLens 100K: each user's last film, ranked among all unseen ones.

    python benchmarks/recommendation.py --shared ../shared [--release RUN/release/NAME] [--peer-python PYTHON]

lextune runs examples/recommendation.yaml on u.data, or a release of such a run is given. Its answers are ranked here
from the release alone, on the histories and with the ranks of `peers/recommendation.py` of the shared folder, whose
recipes run unchanged in processes of their own; from these the ranks of each user are taken, so that differences are
paired by user. Recipes that need the package `implicit` are left out, with a word, where it is not installed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
from machine import describe

from lextune.evidence.keys import load_trust
from lextune.histories import Event, HistoryInput
from lextune.models.loading import load_finished
from lextune.release import read_release

REPOSITORY = Path(__file__).resolve().parents[1]
_COMMAND = "import sys; from lextune.cli import main; sys.exit(main(sys.argv[1:]))"
RECIPES = ("popularity", "item_knn", "als")
#: Runs a peer as it is, and writes the rank of each user's last item, in the order of the users.
_PEER = """
import json, os, runpy, sys
path, out = sys.argv[1:3]
sys.argv = [path, *sys.argv[3:]]
sys.path.insert(0, os.path.dirname(path))
found = runpy.run_path(path)
json.dump({str(user + 1): rank for user, rank in zip(found["test"], found["ranks"])}, open(out, "w"))
"""
_DRAWS = 2000
Ranks = dict[str, int]
Floats = npt.NDArray[np.float64]


def run_example(data: Path, out: Path, more: list[str]) -> Path:
    """The release of a run of the example."""
    settings = [word for one in (f"data.train={data}", *more) for word in ("--set", one)]
    example = str(REPOSITORY / "examples" / "recommendation.yaml")
    command = [sys.executable, "-c", _COMMAND, "run", example, "--out", str(out), "--json"]
    start = time.perf_counter()
    done = subprocess.run([*command, *settings], stdout=subprocess.PIPE, check=False)
    found = json.loads(done.stdout)
    print(f"lextune run: {time.perf_counter() - start:.0f} s, verdict {found['verdict']}")
    if found["release"] is None:
        sys.exit("the run was refused: see its report")
    return Path(found["release"])


def our_ranks(release: Path, log: Path) -> Ranks:
    """The rank of each user's last item among those not in the history, ties against; by the release alone."""
    loaded = load_finished(read_release(release, load_trust(None)).files)
    rows = np.loadtxt(log, dtype=np.int64)
    rows = rows[np.lexsort((np.arange(len(rows)), rows[:, 3], rows[:, 0]))]
    users = np.split(rows, np.flatnonzero(np.diff(rows[:, 0])) + 1)
    asked = [
        HistoryInput(tuple(Event(str(item), float(time)) for _, item, _, time in user[:-1]))
        for user in users
    ]
    number = {name: place for place, name in enumerate(loaded.classes)}
    ranks = {}
    for user, found in zip(users, loaded.find(asked, 32), strict=True):
        wanted = number.get(str(user[-1, 1]))
        scores = found.scores
        rank = len(number) if wanted is None else int((scores >= scores[wanted]).sum()) - 1
        ranks[str(user[0, 0])] = rank
    return ranks


def peer_ranks(python: str, shared: Path, recipe: str, folder: Path) -> Ranks | None:
    """What the peer's recipe ranks; None where it does not run."""
    out = folder / f"{recipe}.json"
    script = str(shared / "peers" / "recommendation.py")
    data = shared / "data" / "recommendation" / "movielens_100k"
    command = [python, "-c", _PEER, script, str(out), "--data", str(data), "--recipe", recipe]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:]
        print(f"{recipe}: left out, it does not run ({' '.join(last)}); it may need `pip install implicit`")  # fmt: skip
        return None
    found: Ranks = json.loads(out.read_bytes())
    return found


def figures(ranks: Ranks, users: list[str]) -> Floats:
    """Hit and gain in the first 10 of each user, shape (users, 2)."""
    found = np.array([ranks[user] for user in users])
    return np.stack([found < 10, np.where(found < 10, 1 / np.log2(found + 2), 0.0)], 1).astype(
        float
    )


def limits(values: Floats) -> list[str]:
    """Mean and 95 % percentile bootstrap over users, of each column."""
    draw = np.random.default_rng(0)
    means = np.stack(
        [values[draw.integers(len(values), size=len(values))].mean(0) for _ in range(_DRAWS)]
    )
    low, high = np.quantile(means, [0.025, 0.975], axis=0)
    return [
        f"{mean:+.4f} ({a:+.4f} to {b:+.4f})"
        for mean, a, b in zip(values.mean(0), low, high, strict=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=REPOSITORY.parent / "shared")
    parser.add_argument("--release", type=Path, help="of a run that was made before")
    parser.add_argument(
        "--peer-python", default=sys.executable, help="an interpreter with implicit"
    )
    parser.add_argument(
        "--set", action="append", default=[], help="over the example, as NAME=VALUE"
    )
    given = parser.parse_args()
    print(describe())
    log = given.shared.resolve() / "data" / "recommendation" / "movielens_100k" / "u.data"
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        release = given.release or run_example(log, work / "run", given.set)
        ours = our_ranks(release, log)
        users = sorted(ours, key=int)
        mine = figures(ours, users)
        print(
            f"users {len(users)}; columns: hit rate at 10, NDCG at 10, each with its 95 % interval"
        )
        print(f"{'lextune':24}", *limits(mine))
        for recipe in RECIPES:
            ranks = peer_ranks(given.peer_python, given.shared.resolve(), recipe, work)
            if ranks is None:
                continue
            theirs = figures(ranks, users)
            print(f"{recipe:24}", *limits(theirs))
            print(f"{'lextune minus ' + recipe:24}", *limits(mine - theirs))


if __name__ == "__main__":
    main()
