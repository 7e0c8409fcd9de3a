"""Imports what the extra `data` brings, or says how to install it; it knows no format."""

from __future__ import annotations

import importlib
from typing import Any

from lextune.errors import MissingExtraError, Problem


def need(module: str) -> Any:
    """The module.

    Raises:
        MissingExtraError: It is not installed; the remedy is the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            Problem(
                f"reading data needs {module.partition('.')[0]}, which is not installed",
                "pip install 'lextune[data]'",
            )
        ) from error
