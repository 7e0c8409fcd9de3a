"""Makes small tables of shop visits whose outcome can be learnt, for tests; it knows no test."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

MONTHS = ("Feb", "May", "Nov")


def draw_visits(count: int, seed: int = 0, *, events: bool = False) -> list[dict[str, Any]]:
    """Rows of numbers, categories, a date, missing cells and, if asked for, events; `bought` depends on two of them."""
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        pages, month = draw.randint(0, 40), draw.choice(MONTHS)
        value = None if draw.random() < 0.1 else round(draw.random() * 30, 2)
        bought = pages > 25 or (month == "Nov" and (value or 0) > 10)
        row = {
            "pages": pages, "value": value, "month": month, "weekend": draw.random() < 0.3,
            "day": f"2026-{1 + number % 12:02}-{1 + number % 28:02}", "bought": "yes" if bought else "no",
        }  # fmt: skip
        if events:
            clicks = [
                {"what": draw.choice(["view", "cart"]), "time": 10.0 * i} for i in range(pages % 5)
            ]
            row["clicks"] = clicks
        rows.append(row)
    return rows


def write_csv(path: Path, rows: list[dict[str, Any]]) -> Path:
    """As a spreadsheet writes them: an empty cell where nothing is known."""
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    """One object a line."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
