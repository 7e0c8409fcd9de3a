"""Redacts the rows of a run as they are read, and counts what it did; it knows no file format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from lextune.config import DataConfig, RedactionConfig
from lextune.data.findings import Findings
from lextune.data.redaction.redactor import Redactor, make_redactor
from lextune.data.redaction.spans import move_cell

if TYPE_CHECKING:
    from lextune.data.formats import RawRow


class Redaction:
    """What `data.redact` asks for, under way.

    Args:
        config: The section.
        redactor: That it asks for.
    """

    def __init__(self, config: RedactionConfig, redactor: Redactor) -> None:
        self.config, self.redactor = config, redactor
        self.rows = self.changed_rows = self.dropped_spans = 0
        self.detections = Counter[str]()

    def redacted(
        self, rows: Iterable[RawRow], text: str, label: str, findings: Findings
    ) -> Iterator[RawRow]:
        """Rows with their text replaced and, where the label holds spans of it, the spans moved.

        Args:
            rows: As read.
            text: The column of the text.
            label: The column of the label.
            findings: Told of spans that cannot be moved.
        """
        for row in rows:
            self.rows += 1
            old = row.values.get(text) or ""
            made = self.redactor.redact(old)
            if not made.edits:
                yield row
                continue
            self.changed_rows += 1
            self.detections.update(edit.type for edit in made.edits)
            values = {**row.values, text: made.text or None}
            try:
                moved = move_cell(values.get(label), old, made)
            except ValueError as error:
                findings.add(
                    "broken_spans", "error", f"rows with spans that cannot be moved: {error}",
                    "mend the spans of these rows", row.where,
                )  # fmt: skip
                moved = None
            if moved is not None:
                values[label], dropped = moved
                self.dropped_spans += dropped
            yield row._replace(values=values)

    def tell(self, findings: Findings) -> None:
        """For the data report: what was replaced, by type."""
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in sorted(self.detections.items()))
        findings.add(
            "redacted", "info",
            f"of {self.rows:,} rows, those in which personal data was replaced ({self.config.method}): "
            f"{kinds or 'none was found'}",
            "none is needed; data.redact says how", count=self.changed_rows,
        )  # fmt: skip
        if self.dropped_spans:
            findings.add(
                "dropped_span", "warning", "spans of which redaction left nothing",
                "redact with mask, hash or pseudonym to keep them", count=self.dropped_spans, unit="spans",
            )  # fmt: skip

    def record(self) -> dict[str, Any]:
        """For `DatasetRef`."""
        return {
            "method": self.config.method,
            "types": list(self.config.types),
            "minimum_score": self.config.minimum_score,
            "rows": self.rows,
            "changed_rows": self.changed_rows,
            "detections": dict(sorted(self.detections.items())),
            "dropped_spans": self.dropped_spans,
        }


def make_redaction(config: DataConfig) -> Redaction | None:
    """What `data.redact` asks for; None where it is null.

    Raises:
        ConfigError: The method needs a secret and there is none, or there is no such type.
    """
    if config.redact is None:
        return None
    return Redaction(config.redact, make_redactor(config.redact))
