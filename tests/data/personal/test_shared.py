"""What is found on real sets stays above floors; the figures themselves are of benchmarks/personal_data.py."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from lextune.data.personal.detector import Detector

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"


@pytest.fixture(scope="module")
def gold() -> ModuleType:
    """The benchmark's own reading of the sets."""
    spec = importlib.util.spec_from_file_location(
        "personal_data_gold", BENCHMARKS / "personal_data_gold.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["personal_data_gold"] = module
    spec.loader.exec_module(module)
    return module


def shares(gold: ModuleType, items: list, score: float) -> tuple[float, float]:  # type: ignore[type-arg]
    """Recall and precision on the odd rows, by code points, at least half of a span."""

    def half(start: int, end: int, spans: list[tuple[int, int]]) -> bool:
        places = {i for first, last in spans for i in range(max(start, first), min(end, last))}
        return 2 * len(places) >= end - start

    detector = Detector(minimum_score=score)
    found, needed, right, made = 0, 0, 0, 0
    for item in items[1::2]:
        hits = detector.detect(item.text)
        for one in (one for one in item.gold if one.needed):
            needed += 1
            found += half(
                one.start,
                one.end,
                [(h.start, h.end) for h in hits if h.type in gold.RIGHT[one.type]],
            )
        for hit in hits:
            made += 1
            right += half(
                hit.start,
                hit.end,
                [(g.start, g.end) for g in item.gold if hit.type in gold.RIGHT[g.type]],
            )
    return found / needed, right / made


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "recall", "precision"), [("synth", 0.80, 0.85), ("zh", 0.95, 0.95), ("en", 0.95, 0.93)]
)
def test_recall_and_precision_on_rows_that_nobody_looked_at(
    gold: ModuleType, shared: Path, name: str, recall: float, precision: float
) -> None:
    items = gold.presidio_synth(shared) if name == "synth" else gold.multipriv(shared, name)
    found = shares(gold, items, 0.35)
    assert found[0] >= recall
    assert found[1] >= precision


@pytest.mark.shared
def test_reviews_hold_little(shared: Path) -> None:
    """Hotel reviews are nobody's file: what is found there is mostly an error."""
    import csv

    path = (
        shared
        / "data"
        / "text_classification"
        / "chnsenticorp_htl_all"
        / "ChnSentiCorp_htl_all.csv"
    )
    with open(path, encoding="utf-8") as file:
        texts = [row["review"] for row in csv.DictReader(file)][:1000]
    numbers = {
        "CREDIT_CARD",
        "CN_BANK_CARD",
        "CN_RESIDENT_ID",
        "IBAN_CODE",
        "US_SSN",
        "CREDENTIAL",
        "CN_PASSPORT",
    }
    found = [one.type for hits in Detector().detect_many(texts) for one in hits]
    assert not numbers & set(found)
    assert found.count("PERSON") < 30
