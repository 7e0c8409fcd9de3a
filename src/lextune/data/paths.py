"""Says where the files lie that the cells of a table name, and keeps those that a cell holds itself; it opens no table."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lextune.data.formats import FILED, ReadContext, ReadOptions, Source


def file_columns(options: ReadOptions) -> tuple[str, ...]:
    """The columns whose cells are files: that of the image or the sound, and that of masks."""
    if options.input_kind not in FILED:
        return ()
    if options.label_kind == "mask" and options.label is not None:
        return options.text, options.label
    return (options.text,)


def located(
    values: Mapping[str, str | None], source: Source, options: ReadOptions
) -> Mapping[str, str | None]:
    """The cells of a row with paths as they are from here.

    A table names them from the folder that it lies in; where `options.audio` says so, sounds from there.
    """
    columns = file_columns(options)
    if not columns or source.path is None:
        return values
    folder = source.path.parent
    if options.input_kind == "audio" and options.audio is not None:
        folder = Path(options.audio)
    return {**values, **{name: _from(folder, values.get(name)) for name in columns}}


def kept_file(cell: Any, context: ReadContext) -> Any:
    """The path of a file that a cell holds as bytes, alone or as Hugging Face's `{bytes, path}`; others as they are.

    https://huggingface.co/docs/datasets/about_dataset_features#image-feature
    """
    data = cell.get("bytes") if isinstance(cell, dict) else cell
    if isinstance(data, bytes):
        return os.path.abspath(context.keep(data, ""))
    return cell.get("path") if isinstance(cell, dict) else cell


def _from(folder: Path, cell: str | None) -> str | None:
    if not cell or not cell.strip():
        return None
    if cell.lstrip().startswith("{"):
        return _mask_from(folder, cell)
    return str(folder / cell.strip())


def _mask_from(folder: Path, cell: str) -> str:
    """A mask with the classes of its values, as JSON; what is none is left to whoever reads labels."""
    try:
        found = json.loads(cell)
    except (ValueError, RecursionError):
        return cell
    if isinstance(found, dict) and isinstance(found.get("mask"), str):
        found["mask"] = str(folder / found["mask"])
        return json.dumps(found, ensure_ascii=False)
    return cell
