"""Says which command installs what serving needs; it imports none of it."""

from __future__ import annotations

import importlib.util

from lextune.errors import MissingExtraError, Problem

_NEEDED = ("fastapi", "uvicorn")


def require_serve_extra() -> None:
    """Check that the extra `serve` is installed, before any work.

    Raises:
        MissingExtraError: fastapi or uvicorn cannot be imported.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            Problem(
                f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed",
                'pip install "lextune[serve]"',
                "the extra `serve` brings the HTTP server",
            )
        )
