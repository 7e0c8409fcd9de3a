"""Builds a model from bytes that were hashed: a pretrained one with a new head, or a finished one exactly; it reads no file."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lextune.errors import Problem, VerificationError
from lextune.tasks.base import NO_SETTINGS, Encoder, Finds, Scores, Task, tasks
from lextune.temperature import SCALING, TEMPERATURE, tempered

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

    from lextune.tasks.text.tagging import ScoredSpan


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to be called, with the function that encodes its texts.

    Attributes:
        max_length: Tokens at which a text is cut; never more than the model has positions for.
        settings: What the training rows decided about encoding.
        new_tensors: Names of the tensors that no file held: they were drawn, not pretrained.
    """

    task: Task
    model: torch.nn.Module
    classes: tuple[str, ...]
    max_length: int
    precision: str
    encode: Encoder
    settings: Mapping[str, str]
    new_tensors: frozenset[str] = frozenset()

    def scores(self, encoded: Any, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Probabilities of one batch of encoded rows, shape (items, outputs).

        Rows whose answer may be another in fp32 than in bf16 are computed again in fp32, so that the answer
        is as a rule that of fp32. Where the settings say so, they are at the temperature of the settings.
        """
        import numpy as np

        found = self._scores(encoded, rows, self.precision)
        if self.precision == "bf16":
            again = self._unsure_rows(encoded, rows, found)
            if again.any():
                within = np.isin(
                    self.task.items(encoded, rows), self.task.items(encoded, rows[again])
                )
                found[within] = self._scores(encoded, rows[again], "fp32")
        applied = applied_temperature(self.settings)
        return found if applied is None else tempered(found, applied).astype(np.float32)

    def find(
        self, inputs: Sequence[Any], batch_size: int, advance: Callable[[int], None] = lambda _: None
    ) -> list[Any]:  # fmt: skip
        """What is found in each input, by a model that finds: see `tasks.base.Finds`."""
        assert isinstance(self.task, Finds)
        found: list[Any] = self.task.find(self, inputs, batch_size, advance)
        return found

    def find_spans(
        self, texts: Sequence[str], batch_size: int, advance: Callable[[int], None] | None = None
    ) -> list[tuple[ScoredSpan, ...] | None]:
        """The spans in each text, of a model whose tokens answer; None where a score is not finite.

        Args:
            texts: Few enough to be in memory with a score for each tag of each token.
            batch_size: Windows in a forward pass.
            advance: Told of the windows of each pass.
        """
        import numpy as np

        from lextune.tasks.text.tagging import best_tags, spans_of

        encoded = self.encode(texts)
        assert encoded.spans is not None
        assert encoded.texts is not None
        everything = self.task.items(encoded, np.arange(len(encoded)))
        place = np.empty(len(encoded.ids), np.int64)
        place[everything] = np.arange(len(everything))
        width = len(self.task.outputs(self.classes))
        scores = np.full((len(everything), width), np.nan, np.float32)
        for rows in encoded.in_order(batch_size):
            scores[place[self.task.items(encoded, rows)]] = self.scores(encoded, rows)
            if advance is not None:
                advance(len(rows))
        owner = encoded.texts[np.searchsorted(encoded.offsets, everything, "right") - 1]
        ends = np.searchsorted(owner, np.arange(len(texts)), "right")
        tags, pieces = best_tags(scores, ends), encoded.spans[everything]
        chosen = scores[np.arange(len(tags)), tags]
        finite = np.asarray(np.isfinite(scores).all(axis=1))
        return [
            spans_of(pieces[a:b], tags[a:b], chosen[a:b], self.classes)
            if finite[a:b].all()
            else None
            for a, b in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True)
        ]

    def _unsure_rows(
        self, encoded: Any, rows: npt.NDArray[np.int64], found: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.bool_]:
        import numpy as np

        assert isinstance(self.task, Scores)
        unsure = self.task.unsure(found)
        if getattr(encoded, "spans", None) is None:
            return unsure
        items = self.task.items(encoded, rows)
        owners = np.searchsorted(encoded.offsets, items[unsure], "right") - 1
        return np.isin(rows, owners)

    def _scores(
        self, encoded: Any, rows: npt.NDArray[np.int64], precision: str
    ) -> npt.NDArray[np.float32]:
        import torch

        assert isinstance(self.task, Scores)
        device = next(self.model.parameters()).device
        batch = self.task.collate(encoded, rows).to(device)
        with (
            torch.inference_mode(),
            torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"),
        ):
            return self.task.decode(self.task.logits(self.model, batch))


def load_pretrained(
    files: Mapping[str, bytes], task: Task, classes: Sequence[str], *, max_length: int,
    dropout: float | None, settings: Mapping[str, str] = NO_SETTINGS,
) -> LoadedModel:  # fmt: skip
    """The pretrained model with a head for `classes`; initialisation follows torch's current seed."""
    limit = task.positions(files)
    max_length = max_length if limit is None else min(max_length, limit)
    encode = task.encoder(files, max_length, settings)
    model, new = task.build(files, classes, dropout=dropout, new_head=True, settings=settings)
    return LoadedModel(task, model, tuple(classes), max_length, "fp32", encode, settings, new)


def applied_temperature(settings: Mapping[str, str]) -> float | None:
    """The temperature that scores are given at; None where they stay as the model gives them.

    Raises:
        VerificationError: It is no number above 0.
    """
    if settings.get(SCALING) != "apply":
        return None
    try:
        value = float(settings[TEMPERATURE])
    except (KeyError, ValueError):
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise VerificationError(
            Problem(
                "lextune.json asks for a temperature, and names none above 0",
                "use the release as lextune wrote it",
            )
        )
    return value


def load_finished(files: Mapping[str, bytes]) -> LoadedModel:
    """A fine-tuned model from the files of its folder; no tensor may be missing.

    Raises:
        VerificationError: `lextune.json` is missing, damaged or of an unknown schema.
        ModelError: The weights or the tokenizer are not those of the model.
    """
    try:
        info = json.loads(files.get("lextune.json", b"{}"))
    except ValueError:
        info = None
    known = isinstance(info, dict) and info.get("schema") == "lextune.model/v1"
    if not known or not {"task", "classes", "max_length", "precision"} <= set(info):
        raise VerificationError(
            Problem(
                "lextune.json is missing, damaged or of a schema that this version does not know",
                "use the release as lextune wrote it, or a newer lextune",
            )
        )
    task = tasks.get(info["task"])
    classes, max_length = tuple(info["classes"]), int(info["max_length"])
    settings = dict(info.get("settings", {}))
    applied_temperature(settings)
    encode = task.encoder(files, max_length, settings)
    model, _ = task.build(files, classes, dropout=None, new_head=False, settings=settings)
    model.eval()
    task.fit(model, frozen_norms=True)
    return LoadedModel(task, model, classes, max_length, str(info["precision"]), encode, settings)
