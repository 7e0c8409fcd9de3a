"""Writes the page of a run that people look at: figures, confusion, and pictures of answers; it measures nothing.

It shows pictures of the data, so it stays in the run's folder and is part of neither dossier nor release.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lextune.extras import install_command, missing
from lextune.files import read_regular, sha256, write_atomic
from lextune.labels import read_boxes
from lextune.listener import Listener
from lextune.records import Evaluation

if TYPE_CHECKING:
    from lextune.evaluation.errors import Mistake
    from lextune.evaluation.kinds import Answers
    from lextune.evaluation.report.examples import Example
    from lextune.evaluation.report.page import Page, Picture
    from lextune.images import ImageInput
    from lextune.tasks.base import Task

#: The page in the run's folder.
REPORT = "report/index.html"
_WORST, _TYPICAL, _NOTES, _CONFUSED = 12, 6, 5, 10
#: The longer side of pictures: alone for classes, else beside each other. Boxes have letters on them.
_SIDES = {"class": 248, "boxes": 480, "mask": 256}
#: The metric of each class that is drawn.
_BY_CLASS = {"class": "recall", "boxes": "average_precision_50", "mask": "iou"}


def write_report(
    folder: Path, about: tuple[str, str], files: Mapping[str, bytes], table: Any,
    measured: tuple[Evaluation, Answers], listener: Listener,
) -> Path | None:  # fmt: skip
    """Write the page where rows are images; where its libraries are not there, tell how to install them.

    Whatever goes wrong with it is told and stops nothing: it is no evidence.

    Args:
        folder: Of the run.
        about: Name of the release with its version, and the run's id.
        files: Of the model.
        table: The rows that were predicted.
        measured: The evaluation and the answers it is of.
        listener: Told what goes on.

    Returns:
        The page, or None where there is none.
    """
    from lextune.tasks.base import tasks

    info = json.loads(files["lextune.json"])
    task = tasks.get(info["task"])
    if task.input_kind != "image":
        return None
    if missing("report"):
        listener.tell(f"no report page is written. Remedy: {install_command('report')}")
        return None
    from lextune.evaluation.report.page import make_page

    try:
        made = make_page(_page(about, _Shown(task, info, files, table, measured[1]), measured[0]))
        (folder / REPORT).parent.mkdir(exist_ok=True)
        write_atomic(folder / REPORT, made.encode())
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:
        listener.tell(f"no report page could be made: {type(error).__name__}")
        return None
    return folder / REPORT


def _page(about: tuple[str, str], shown: _Shown, evaluation: Evaluation) -> Page:
    from lextune.evaluation.errors import confusion
    from lextune.evaluation.report.examples import typical_examples, worst_examples
    from lextune.evaluation.report.page import Page

    answers, task = shown.answers, shown.task
    confused = confusion(answers, shown.score)
    charts, pairs = {}, list[tuple[str, str, int]]()
    if confused is not None:
        charts = _charts(confused, evaluation, answers.kind)
        pairs = _pairs(confused)
    return Page(
        name=about[0], task=task.name, run=about[1], rows=len(answers.ids),
        unanswered=int((~answers.finite).sum()), evaluation=evaluation, headline=task.metrics[0],
        charts=charts,
        worst=shown.pictures(worst_examples(answers, _WORST, shown.score)),
        typical=shown.pictures(typical_examples(answers, _TYPICAL, shown.score)),
        confused=pairs, unit=confused.unit if confused else "rows",
        score=shown.score if answers.kind == "boxes" else None,
    )  # fmt: skip


def _charts(confused: Any, evaluation: Evaluation, kind: str) -> dict[str, str]:
    from lextune.data.report.charts import confusion_map, draw, interval_bars

    metric = _BY_CLASS[kind]
    bars = [
        {
            "name": one.name.removeprefix(f"{metric}."),
            "value": one.value,
            "low": one.interval.low if one.interval else None,
            "high": one.interval.high if one.interval else None,
        }
        for one in evaluation.measurements
        if one.name.startswith(f"{metric}.") and one.group is None and one.value is not None
    ]
    titles = ("true 真实", "given 给出")
    specs = {
        "confusion": confusion_map(
            confused.classes, confused.counts.tolist(), titles, shares=confused.unit == "pixels"
        ),
        "classes": interval_bars(bars, metric.replace("_", " ")),
    }
    return {name: draw(spec) for name, spec in specs.items() if spec is not None}


def _pairs(confused: Any) -> list[tuple[str, str, int]]:
    """The most frequent confusions."""
    names = confused.classes
    found = [
        (names[true], names[given], count)
        for true, row in enumerate(confused.counts.tolist())
        for given, count in enumerate(row)
        if true != given and count
    ]
    return sorted(found, key=lambda one: -one[2])[:_CONFUSED]


class _Shown:
    """Draws rows of the part that was predicted.

    Attributes:
        answers: Of all rows.
        score: From which a box is taken for given.
    """

    def __init__(
        self, task: Task, info: Mapping[str, Any], files: Mapping[str, bytes], table: Any, answers: Any
    ) -> None:  # fmt: skip
        from lextune.data.inputs import Images
        from lextune.evaluation.errors import SCORE

        self.task, self.answers = task, answers
        self.score = float(info.get("settings", {}).get("score_threshold", SCORE))
        self._files, self._inputs = files, Images(table)

    def pictures(self, examples: Sequence[Example]) -> list[Picture]:
        """The pictures of some rows; one whose image is gone or changed has no view."""
        from lextune.evaluation.report.page import Picture

        masks = self._masks([one.row for one in examples])
        made = []
        for one in examples:
            given = self._inputs[one.row]
            data = _unchanged(given)
            views = () if data is None else self._views(one.row, data, given, masks.get(one.row))
            notes = [_note(mistake) for mistake in one.mistakes] or [self._right(one.row)]
            if len(notes) > _NOTES:
                notes = [*notes[:_NOTES], f"and {len(notes) - _NOTES} more"]
            made.append(
                Picture(tuple(views), tuple(filter(None, notes)), "/".join(Path(given.file).parts[-2:]))
            )  # fmt: skip
        return made

    def _masks(self, rows: Sequence[int]) -> dict[int, Any]:
        """What the model finds in some rows, of which the answers hold no pixels."""
        if self.answers.kind != "mask":
            return {}
        from lextune.models.loading import load_finished

        loaded, found = load_finished(self._files), {}
        for row in rows:
            found[row] = loaded.find([self._inputs[row]], 1)[0].values
        return found

    def _views(self, row: int, data: bytes, given: ImageInput, mask: Any) -> list[tuple[str, str]]:
        from lextune.evaluation.masks import read_truth
        from lextune.images import decode
        from lextune.tasks.vision.drawing import draw_boxes, draw_mask, sized

        pixels, classes, kind = decode(data), self.answers.classes, self.answers.kind
        if kind == "class":
            return [("", _uri(sized(pixels, _SIDES[kind])[0]))]
        side = _SIDES[kind]
        if kind == "boxes":
            found = [one for one in self.answers.found[row] or () if one.score >= self.score]
            drawn = [
                draw_boxes(pixels, read_boxes(given.label or "[]"), classes, side),
                draw_boxes(pixels, found, classes, side),
            ]
        else:
            masks = (read_truth(given, classes), mask)
            drawn = [draw_mask(pixels, values, classes, side) for values in masks]
        return list(zip(("truth 标注", "model 模型"), map(_uri, drawn), strict=True))

    def _right(self, row: int) -> str:
        """What is said of a row of which nothing is wrong, or nothing in particular."""
        if self.answers.kind == "class":
            given = int(self.answers.predicted[row])
            return f"{self.answers.classes[given]}, score {self.answers.scores[row, given]:.2f}"
        if self.answers.kind == "boxes":
            count = len(self.answers.labels[row])
            return f"all {count} objects found" if count > 1 else "the object was found"
        import numpy as np

        from lextune.evaluation.masks import overlap

        return f"mean IoU {float(np.nanmean(overlap(self.answers.counts[row]))):.2f}"


def _unchanged(given: ImageInput) -> bytes | None:
    try:
        data = read_regular(Path(given.file).resolve())
    except OSError:
        return None
    return data if sha256(data) == given.sha256 else None


def _note(one: Mistake) -> str:
    from lextune.evaluation.errors import BACKGROUND

    if one.truth is None:
        return f"mean IoU {1 - one.loss:.2f}"
    score = "" if one.score is None else f", score {one.score:.2f}"
    if one.given == BACKGROUND:
        return f"missed: {one.truth}"
    if one.truth == BACKGROUND:
        return f"nothing is there: {one.given}{score}"
    return f"true: {one.truth}; given: {one.given}{score}"


def _uri(image: Any) -> str:
    from lextune.tasks.vision.drawing import encoded

    return f"data:image/jpeg;base64,{base64.b64encode(encoded(image)).decode()}"
