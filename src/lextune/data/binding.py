"""Holds data to what was checked: rows as read to a data report, tables to the fingerprints of a reference; it knows no model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lextune.config import DataConfig
from lextune.data.columns import Texts
from lextune.data.dataset import Rows
from lextune.data.fingerprint import fingerprint, row_digest
from lextune.errors import DataError, Problem, VerificationError
from lextune.files import read_regular, sha256
from lextune.records import Split

if TYPE_CHECKING:
    import pyarrow as pa


def check_against_report(config: DataConfig, parts: Mapping[str, Rows]) -> dict[str, str]:
    """Refuse rows, as they were read, that are not those of the config's data report.

    Returns:
        The report's `file` and `sha256`; empty where the config names none.

    Raises:
        DataError: The report cannot be read, or is none.
        VerificationError: It is not the pinned one, or it speaks of other data; each part that differs is named.
    """
    name = config.report
    if name is None:
        if config.report_sha256 is not None:
            raise DataError(
                Problem(
                    "data.report_sha256 pins a report, but data.report names none",
                    "set data.report",
                )
            )
        return {}
    try:
        data = read_regular(Path(name))
    except OSError as error:
        raise DataError(
            Problem(
                "the data report cannot be read", "check data.report", str(error.strerror), name
            )
        ) from error
    digest = sha256(data)
    if config.report_sha256 not in {None, digest}:
        raise VerificationError(
            Problem("the data report is not the pinned one", "check data.report_sha256, or check the data again", where=name)
        )  # fmt: skip
    checked = _fingerprints(data, name)
    problems = [
        Problem(
            f"the rows of {part} are not those that were checked",
            "check the data again with `lextune data check ... --out`, with the same columns, filters and labels",
            "training on other data than was checked is refused",
            name,
        )
        for part in dict.fromkeys([*parts, *checked])
        if part not in parts or checked.get(part) != fingerprint(parts[part].digests)
    ]
    if problems:
        raise VerificationError(problems)
    return {"file": name, "sha256": digest}


def _fingerprints(data: bytes, name: str) -> dict[str, Any]:
    try:
        found = json.loads(data)["fingerprints"]
    except (ValueError, KeyError, TypeError):
        found = None
    if not isinstance(found, dict) or not found:
        raise DataError(
            Problem("the data report names no fingerprints", "write it with `lextune data check ... --out FILE`", where=name)
        )  # fmt: skip
    return found


def check_tables(tables: Mapping[str, pa.Table], splits: Mapping[str, Split]) -> None:
    """Refuse tables whose rows are not those that `prepare` checked and stated.

    Args:
        tables: As `dataset.Rows.table` makes them, by part.
        splits: What was stated of each part.

    Raises:
        VerificationError: A part's rows or their fingerprint differ.
    """
    problems = [
        Problem(
            f"the rows of {name} are not those that were checked",
            "run again from the config",
            "they were changed between the checks and their use",
        )
        for name, table in tables.items()
        if len(table) != splits[name].rows or table_fingerprint(table) != splits[name].fingerprint
    ]
    if problems:
        raise VerificationError(problems)


def table_fingerprint(table: pa.Table) -> str:
    """The fingerprint of a table's rows, taken from what stands in it; a block of rows in memory at a time."""
    groups = [name for name in table.column_names if name.startswith("group.")]
    digests = bytearray()
    done = 0
    for texts in Texts(table["text"]).blocks():
        part = table.select(["label", *groups]).slice(done, len(texts))
        labels = part["label"].to_pylist()
        columns = {name.removeprefix("group."): part[name].to_pylist() for name in groups}
        for row, (text, label) in enumerate(zip(texts, labels, strict=True)):
            digests += row_digest(
                text, label or "", {name: cells[row] for name, cells in columns.items()}
            )
        done += len(texts)
    return fingerprint(np.frombuffer(digests, "S32"))
