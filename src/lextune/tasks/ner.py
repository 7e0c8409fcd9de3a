"""The task ner: named entities as spans of a text, by tags of its tokens; it knows no run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from lextune.config import RunConfig
from lextune.labels import LabelKind, read_spans
from lextune.tasks.base import NO_SETTINGS, Encoded, Encoder, Files, tasks
from lextune.tasks.pretrained import ProblemType
from lextune.tasks.text.task import SoftmaxTask

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from lextune.tasks.text.tagging import ScoredSpan
    from lextune.tasks.text.windows import Unit


class NamedEntityRecognition(SoftmaxTask):
    """Token classification in IOB2: long texts in overlapping windows, no I without its B."""

    label_kind: ClassVar[LabelKind] = "spans"
    problem_type: ClassVar[ProblemType | None] = None
    pipeline_tag: ClassVar[str] = "token-classification"
    metrics: tuple[str, ...] = ("entity_f1", "entity_precision", "entity_recall")
    baselines: tuple[str, ...] = ("dictionary",)

    def settings(
        self, config: RunConfig, inputs: Iterable[str], labels: Iterable[str]  # noqa: ARG002
    ) -> dict[str, str]:  # fmt: skip
        """`unit`: whether entities keep to white space, as in text that was joined from words."""
        from lextune.tasks.text.windows import choose_unit

        return {"unit": choose_unit(inputs, (read_spans(label) for label in labels))}

    def encoder(
        self, files: Files, max_length: int, settings: Mapping[str, str] = NO_SETTINGS
    ) -> Encoder:
        """Texts to windows of at most `max_length` tokens; no text is cut."""
        from lextune.tasks.text.windows import make_window_encoder

        return make_window_encoder(files, max_length, cast("Unit", settings.get("unit", "word")))

    def outputs(self, classes: Sequence[str]) -> tuple[str, ...]:
        """O, and B and I of each type."""
        from lextune.tasks.text.tagging import tag_names

        return tag_names(classes)

    def numbers(
        self, labels: Sequence[str], classes: Sequence[str], encoded: Encoded | None
    ) -> npt.NDArray[np.int64]:
        """The number of each token's tag, shape (tokens,); `UNTAUGHT` where a token answers for nothing."""
        import numpy as np

        from lextune.tasks.text.tagging import UNTAUGHT, tags_of

        assert encoded is not None
        assert encoded.spans is not None
        assert encoded.texts is not None
        found = np.full(len(encoded.ids), UNTAUGHT, np.int64)
        firsts = np.searchsorted(encoded.texts, np.arange(len(labels) + 1))
        begins = encoded.offsets[firsts]
        for label, begin, end in zip(
            labels, begins[:-1].tolist(), begins[1:].tolist(), strict=True
        ):
            pieces = encoded.spans[begin:end]
            answers = pieces[:, 1] > 0
            found[begin:end][answers] = tags_of(pieces[answers], read_spans(label), classes)
        return found

    def find(
        self, loaded: Any, inputs: Sequence[str], batch_size: int, advance: Callable[[int], None]
    ) -> list[tuple[ScoredSpan, ...] | None]:  # fmt: skip
        """The spans of each text; None where a score is not finite."""
        found: list[tuple[ScoredSpan, ...] | None] = loaded.find_spans(inputs, batch_size)
        advance(len(inputs))
        return found

    def items(self, encoded: Encoded, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The tokens that answer for a piece of their text."""
        from lextune.tasks.text.packing import TextBatch

        return TextBatch(encoded, rows).answering


tasks.register("ner")(NamedEntityRecognition("ner"))
