"""Writes the page of a run that people look at: verdict, figures, audits, and pictures of answers; it measures nothing.

It may show pictures and sounds of the data, so it stays in the run's folder and is part of neither dossier nor release.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lextune.extras import install_command, missing
from lextune.files import read_regular, sha256, write_atomic
from lextune.labels import InputKind, read_boxes
from lextune.listener import Listener
from lextune.pipeline_report_audits import Judged, audited, privacy_of
from lextune.records import Evaluation

if TYPE_CHECKING:
    from lextune.audio import AudioInput
    from lextune.evaluation.errors import Mistake
    from lextune.evaluation.kinds import Answers
    from lextune.evaluation.report.examples import Example
    from lextune.evaluation.report.page import Page, Picture
    from lextune.evidence.documents.base import Language
    from lextune.evidence.keys import Trust
    from lextune.images import ImageInput
    from lextune.tasks.base import Task

#: The page in the run's folder.
REPORT = "report/index.html"
#: The same for a terminal.
REPORT_TEXT = "report/index.txt"
#: The decision as pages.
VERDICT_PAGES: Mapping[Language, str] = {
    "en": "report/verdict.html",
    "zh": "report/verdict.zh.html",
}
_WORST, _TYPICAL, _NOTES, _CONFUSED, _GROUPS = 12, 6, 5, 10, 3
#: The longer side of pictures: alone for classes, else beside each other. Boxes have letters on them.
_SIDES = {"class": 248, "boxes": 480, "mask": 256}
#: The metric of each class that is drawn.
_BY_CLASS = {"class": "recall", "boxes": "average_precision_50", "mask": "iou"}
#: The audit that looks at what scores are worth.
_RELIABLE = "calibration"
#: What rows are, in English and Chinese.
_NOUNS: Mapping[InputKind, tuple[str, str]] = {
    "image": ("images", "图片"), "audio": ("sounds", "录音"), "history": ("users", "用户"), "record": ("rows", "记录"),
    "text": ("texts", "文本"),
}  # fmt: skip
#: Metrics of which less is better, by how the names of their differences begin.
_FALLING = ("wer_minus_", "cer_minus_")
#: A sound that is shown has at most so many seconds.
_HEARD = 60.0


def write_report(
    folder: Path, about: tuple[str, str], files: Mapping[str, bytes], table: Any,
    measured: tuple[Evaluation, Answers | None], listener: Listener, judged: Judged | None = None,
) -> Path | None:  # fmt: skip
    """Write the report: as text, and as a page; where its libraries are not there, tell how to install them.

    The page shows images and sounds of the data. Of texts, histories and records it shows no row: they tell of somebody.

    Whatever goes wrong with it is told and stops nothing: it is no evidence.

    Args:
        folder: Of the run.
        about: Name of the release with its version, and the run's id.
        files: Of the model.
        table: The rows that were predicted.
        measured: The evaluation and the answers it is of; None where it crashed.
        listener: Told what goes on.
        judged: Verdict and audits.

    Returns:
        The page, or the text where there is no page; None where there is neither.
    """
    from lextune.evaluation.report.page import make_page
    from lextune.evaluation.report.text import make_text
    from lextune.tasks.base import tasks

    info = json.loads(files["lextune.json"])
    task = tasks.get(info["task"])
    evaluation, answers = measured
    written = None
    try:
        (folder / REPORT).parent.mkdir(exist_ok=True)
        for name in (REPORT, REPORT_TEXT):  # of an attempt before this one
            (folder / name).unlink(missing_ok=True)
        shown = _Nothing(task, answers)
        if answers is not None and not missing("report"):
            shown = _shown(task, info, files, table, answers)
        page = _page(about, shown, evaluation, len(table), judged or Judged())
        write_atomic(folder / REPORT_TEXT, make_text(page).encode())
        written = folder / REPORT_TEXT
        if missing("report"):
            listener.tell(f"no report page is written. Remedy: {install_command('report')}")
            return written
        write_atomic(folder / REPORT, make_page(page).encode())
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:
        listener.tell(f"no report page could be made: {type(error).__name__}")
        return written
    return folder / REPORT


def write_verdict(folder: Path, trust: Trust, listener: Listener) -> None:
    """Write the decision as a page in English and one in Chinese, over those of an attempt before this one.

    Whatever goes wrong with them is told and stops nothing: what counts is the signed statement.

    Args:
        folder: Of the run, with the decision in its dossier.
        trust: Whom the user trusts.
        listener: Told what goes wrong.
    """
    from lextune.evidence.documents.base import documents
    from lextune.evidence.documents.writing.laying import lay_out, prepare
    from lextune.release import view_dossier

    try:
        (folder / REPORT).parent.mkdir(exist_ok=True)
        for language, name in VERDICT_PAGES.items():
            view = view_dossier(folder, trust, language)
            written = prepare(documents.get("verdict"), view, language)
            write_atomic(folder / name, lay_out(written, "html")[""])
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:
        listener.tell(f"no page of the decision could be made: {type(error).__name__}")


def _shown(
    task: Task, info: Mapping[str, Any], files: Mapping[str, bytes], table: Any, answers: Any
) -> _Nothing:  # fmt: skip
    if task.input_kind == "image":
        return _Shown(task, info, files, table, answers)
    return _Heard(task, answers, table) if task.input_kind == "audio" else _Nothing(task, answers)


def _page(
    about: tuple[str, str], shown: _Nothing, evaluation: Evaluation, rows: int, judged: Judged
) -> Page:
    from lextune.evaluation.errors import confusion
    from lextune.evaluation.report.examples import typical_examples, worst_examples
    from lextune.evaluation.report.page import Page

    answers, task = shown.answers, shown.task
    crashed = answers is None
    confused = None if crashed else confusion(answers, shown.score)
    headline = _headline(task.metrics, evaluation)
    beaten, undecided = _standing(evaluation)
    specs = {} if crashed else _specs(answers, task, evaluation, headline)
    pairs = list[tuple[str, str, int]]()
    if confused is not None:
        specs |= _class_specs(confused, evaluation, answers.kind)
        pairs = _pairs(confused)
    sections = audited(judged.audits)
    if any(one.result.audit == _RELIABLE and one.figures for one in sections):
        specs.pop("reliability", None)  # that audit draws it with its intervals
    worst = [] if crashed else worst_examples(answers, _WORST, shown.score)
    typical = [] if crashed else typical_examples(answers, _TYPICAL, shown.score)
    return Page(
        name=about[0], task=task.name, run=about[1], rows=rows,
        unanswered=0 if crashed else int((~answers.finite).sum()),
        evaluation=evaluation, headline=headline, charts=_drawn(specs),
        worst=shown.pictures(worst), typical=shown.pictures(typical),
        confused=pairs, unit=confused.unit if confused else "",
        score=shown.score if not crashed and answers.kind == "boxes" else None,
        noun=_NOUNS[task.input_kind],
        rows_shown=not crashed and task.input_kind in ("image", "audio"),
        beaten=beaten, undecided=undecided, verdict=judged.verdict, uses=judged.uses,
        audits=sections, privacy=privacy_of(judged.privacy),
        class_metric="" if confused is None else _BY_CLASS[answers.kind],
    )  # fmt: skip


def _headline(names: Sequence[str], evaluation: Evaluation) -> str:
    """The first metric that applies, or simply the first."""
    whole = {one.name for one in evaluation.measurements if one.group is None and one.value is not None}  # fmt: skip
    return next((name for name in names if name in whole), names[0])


def _standing(evaluation: Evaluation) -> tuple[list[str], list[str]]:
    """The baselines that are clearly better than the model, and those that are not clearly worse."""
    beaten, undecided = [], []
    for one in evaluation.measurements:
        metric, minus, name = one.name.partition("_minus_")
        if not minus or one.group is not None or name not in evaluation.baselines:
            continue
        falling = one.name.startswith(_FALLING)
        if one.interval is None:
            undecided.append(f"{name} ({metric})")
        elif one.interval.low > 0 if falling else one.interval.high < 0:
            beaten.append(f"{name} ({metric})")
        elif one.interval.high >= 0 if falling else one.interval.low <= 0:
            undecided.append(f"{name} ({metric})")
    return beaten, undecided


def _specs(answers: Any, task: Task, evaluation: Evaluation, headline: str) -> dict[str, Any]:
    """Charts that do not depend on classes: the headline beside the baselines, by group, and what scores are worth."""
    import numpy as np

    from lextune.evaluation.report.charts import bars, reliability

    title = headline.replace("_", " ")
    named = [
        (name, one)
        for name, some in {"model 模型": evaluation.measurements, **evaluation.baselines}.items()
        for one in some
        if one.name == headline and one.group is None
    ]
    specs = {"baselines": bars(named, title)} if len(named) > 1 else {}
    by_group: dict[str, list[tuple[str, Any]]] = {}
    for one in evaluation.measurements:
        if one.group is not None and one.value is not None:
            by_group.setdefault(one.name, []).append((one.group, one))
    for name, some in [*by_group.items()][:_GROUPS]:
        specs[f"group {name}"] = bars(some, name.replace("_", " "))
    if task.label_kind == "class" and task.input_kind != "image":
        known = answers.finite
        specs["reliability"] = reliability(answers.scores[known].max(axis=1), answers.right[known])
    if task.input_kind == "record" and len(answers.classes) == 2:
        from lextune.evaluation.costs import cost_curve
        from lextune.evaluation.report.charts import cost_lines

        rows = np.flatnonzero(answers.finite)
        curve = cost_curve(answers.labels[rows], answers.scores[rows, 1])
        specs["costs"] = cost_lines({"model 模型": curve})
    return specs


def _drawn(specs: Mapping[str, Any]) -> dict[str, str]:
    from lextune.data.report.charts import draw

    if missing("report"):
        return {}
    return {name: draw(spec) for name, spec in specs.items() if spec is not None}


def _class_specs(confused: Any, evaluation: Evaluation, kind: str) -> dict[str, Any]:
    from lextune.data.report.charts import confusion_map, interval_bars

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
    return {
        "confusion": confusion_map(
            confused.classes, confused.counts.tolist(), titles, shares=confused.unit == "pixels"
        ),
        "classes": interval_bars(bars, metric.replace("_", " ")),
    }


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


class _Nothing:
    """Shows no row.

    Attributes:
        task: Of the model.
        answers: Of all rows.
        score: From which a box is taken for given.
    """

    score: float = 0.5

    def __init__(self, task: Task, answers: Any) -> None:
        self.task, self.answers = task, answers

    def pictures(self, examples: Sequence[Example]) -> list[Picture]:  # noqa: ARG002
        """None."""
        return []


class _Heard(_Nothing):
    """Plays rows of the part that was predicted, and quotes what is said in them."""

    def __init__(self, task: Task, answers: Any, table: Any) -> None:
        from lextune.data.inputs import Sounds

        super().__init__(task, answers)
        self._inputs = Sounds(table)

    def pictures(self, examples: Sequence[Example]) -> list[Picture]:
        """The sounds of some rows; one whose file is gone or changed has no player."""
        from lextune.evaluation.report.page import Picture

        made = []
        for one in examples:
            given = self._inputs[one.row]
            data = _unchanged(given)
            views = () if data is None else (("", _sound_uri(data, given)),)
            name = "/".join(Path(given.file).parts[-2:])
            piece = f" {given.start:g}–{'' if given.stop is None else f'{given.stop:g}'} s"
            whole = not given.start and given.stop is None
            notes = self._notes(one)
            made.append(Picture(views, notes, name + ("" if whole else piece), sound=True))
        return made

    def _notes(self, example: Example) -> tuple[str, ...]:
        answers, row = self.answers, example.row
        if answers.kind == "class":
            right = f"{answers.classes[int(answers.predicted[row])]}, score {answers.scores[row].max():.2f}"
            return tuple(_note(one) for one in example.mistakes) or (right,)
        counts = answers.characters if answers.unspaced else answers.words
        errors, said = int(counts[row, :3].sum()), int(counts[row, 3])
        unit = "characters" if answers.unspaced else "words"
        texts = answers.labels[row], answers.found[row].text or "(nothing)"
        score = answers.found[row].score
        return (
            f"said 原文: {texts[0]}",
            f"heard 识别: {texts[1]}",
            f"{errors} errors in {said} {unit}, score {score:.2f}",
        )


def _sound_uri(data: bytes, given: AudioInput) -> str:
    """What the model heard, as FLAC: one channel, cut where it is very long."""
    import io

    from lextune.audio import RATE, read_input
    from lextune.extras import need

    wave = read_input(given._replace(data=data))[: round(_HEARD * RATE)]
    stream = io.BytesIO()
    need("audio", "soundfile").write(stream, wave, RATE, format="FLAC", subtype="PCM_16")
    return f"data:audio/flac;base64,{base64.b64encode(stream.getvalue()).decode()}"


class _Shown(_Nothing):
    """Draws rows of the part that was predicted."""

    def __init__(
        self, task: Task, info: Mapping[str, Any], files: Mapping[str, bytes], table: Any, answers: Any
    ) -> None:  # fmt: skip
        from lextune.data.inputs import Images
        from lextune.evaluation.errors import SCORE

        super().__init__(task, answers)
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


def _unchanged(given: ImageInput | AudioInput) -> bytes | None:
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
