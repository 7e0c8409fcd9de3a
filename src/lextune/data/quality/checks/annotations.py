"""Says what boxes and masks are like: how many, how small, how much is void, what stands twice; it gives no verdict."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from lextune.data.checks import tell_rows
from lextune.data.dataset import Rows
from lextune.data.findings import Findings
from lextune.data.quality.base import QualityInput, quality_checks
from lextune.data.quality.results import QualityResult
from lextune.data.quality.sampling import sample
from lextune.labels import read_boxes, read_mask
from lextune.masks import VOID, load_mask
from lextune.records import Measurement

#: A box of fewer pixels is small in COCO's evaluation.
SMALL_AREA = 32**2
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


@quality_checks.register("annotations")
def boxes_and_masks(given: QualityInput, findings: Findings) -> QualityResult:
    """Boxes by image, size and class, repeated ones, and images without any; pixels by class, and those that are void.

    All boxes are looked at, and the masks of at most `max_rows` images of each part.
    """
    kind = given.parts["train"].kind
    if kind not in ("boxes", "mask"):
        return QualityResult(
            check="annotations",
            status="not_applicable",
            reason="labels are neither boxes nor masks",
        )
    measurements: list[Measurement] = []
    details: dict[str, Any] = {}
    for name, rows in given.parts.items():
        if not len(rows):
            continue
        if kind == "boxes":
            found, details[name] = _boxes(name, rows, findings)
        else:
            taken = rows.take(sample(rows.ids, given.config.max_rows, given.config.seed))
            found, details[name] = _masks(taken)
        measurements += [one.model_copy(update={"group": f"part={name}"}) for one in found]
    return QualityResult(
        check="annotations",
        parameters={
            "small_area": SMALL_AREA, "max_rows": given.config.max_rows, "seed": given.config.seed
        },
        measurements=tuple(measurements),
        details=details,
    )  # fmt: skip


def _boxes(name: str, rows: Rows, findings: Findings) -> tuple[list[Measurement], dict[str, Any]]:
    each = [read_boxes(rows.labels[row] or "[]") for row in range(len(rows))]
    counts = np.array([len(boxes) for boxes in each])
    boxes = [box for one in each for box in one]
    areas = np.array([(box.x2 - box.x1) * (box.y2 - box.y1) for box in boxes])
    repeated = np.array([len(set(one)) < len(one) for one in each])
    tell_rows(findings, "repeated_boxes", "warning", f"images of {name} with a box that stands twice",
          "remove one: the second is a missed object in every measurement", rows, np.flatnonzero(repeated))  # fmt: skip
    found = [
        Measurement.exact("mean_boxes_per_image", float(counts.mean()), n=len(rows), unit="boxes"),
        _share("empty_image_share", int((counts == 0).sum()), len(rows)),
        _share("small_box_share", int((areas < SMALL_AREA).sum()), len(boxes)),
        _share("crowd_box_share", sum(box.crowd for box in boxes), len(boxes)),
    ]
    details = {
        "boxes": len(boxes),
        "boxes_per_image": _quantiles(counts),
        "side": _quantiles(np.sqrt(areas)),
        "boxes_by_class": dict(sorted(Counter(box.type for box in boxes).items())),
    }
    return found, details


def _masks(rows: Rows) -> tuple[list[Measurement], dict[str, Any]]:
    assert rows.images is not None
    pixels: Counter[str] = Counter()
    void = total = 0
    for row, path in enumerate(rows.images.masks):
        mask = read_mask(rows.labels[row] or "")
        counts = np.bincount(load_mask(Path(path).read_bytes(), mask).ravel(), minlength=VOID + 1)
        void += int(counts[VOID])
        total += int(counts.sum())
        for at, name in enumerate(mask.classes.values()):
            pixels[name] += int(counts[at])
    found = [
        Measurement.exact("void_pixel_share", void / total, n=total, unit="proportion"),
        Measurement.exact(
            "rarest_class_pixel_share", min(pixels.values(), default=0) / total, n=total, unit="proportion"
        ),
    ]  # fmt: skip
    shares = {name: count / total for name, count in sorted(pixels.items())}
    return found, {"images": len(rows), "pixel_share_by_class": shares}


def _share(name: str, count: int, n: int) -> Measurement:
    if not n:
        return Measurement(
            name=name, value=None, n=0, unit="proportion", problem="there are no boxes"
        )
    return Measurement.exact(name, count / n, n=n, unit="proportion")


def _quantiles(values: Any) -> dict[str, float]:
    if not len(values):
        return {}
    found = np.quantile(values, QUANTILES, method="inverted_cdf")
    return {f"{q:g}": round(float(one), 2) for q, one in zip(QUANTILES, found, strict=True)}
