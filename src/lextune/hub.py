"""Finds snapshots of a hub's repositories, in the cache first; it knows neither models nor data sets."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path


class NoSnapshotError(Exception):
    """A snapshot is neither in the cache nor reachable; the message says why."""


class _Gate:
    """Whether it was lextune, and not its user, that took this process offline."""

    closed_by_us = False


def go_offline() -> None:
    """Keep huggingface_hub and transformers from opening a socket for the rest of this process.

    Only `find_snapshot` may, for what a config names, unless the user had said offline before.
    """
    constants = sys.modules.get("huggingface_hub.constants")
    said = os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")
    if not said and not getattr(constants, "HF_HUB_OFFLINE", False):
        _Gate.closed_by_us = True
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    if constants is not None:
        constants.HF_HUB_OFFLINE = True  # type: ignore[attr-defined]


@contextlib.contextmanager
def _online() -> Iterator[None]:
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = False
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def cached_snapshot(
    hub_id: str, revision: str, patterns: Sequence[str], repo_type: str = "model"
) -> Path | None:
    """The snapshot in the hub's cache, whole or not."""
    import huggingface_hub
    from huggingface_hub import errors

    found: str | None
    try:
        found = huggingface_hub.snapshot_download(
            hub_id, revision=revision, allow_patterns=list(patterns), local_files_only=True,
            repo_type=repo_type,
        )  # fmt: skip
    except errors.LocalEntryNotFoundError as error:
        # an interrupted download says where its part is
        found = getattr(error, "snapshot_path", None)
    return Path(found) if found else None


def find_snapshot(
    hub_id: str,
    revision: str,
    patterns: Sequence[str],
    lacking: Callable[[Path], list[str]],
    notify: Callable[[str], None],
    repo_type: str = "model",
) -> tuple[Path, bool]:
    """The snapshot of a repository: from the cache where that is whole, else downloaded unless this process is offline.

    Args:
        hub_id: OWNER/NAME.
        revision: A commit, a branch or a tag.
        patterns: Of the files that may be there; no other is downloaded.
        lacking: What a snapshot must have and has not.
        notify: Told before a download.
        repo_type: `model` or `dataset`.

    Returns:
        Its folder, whose name is its commit, and whether the process was offline.

    Raises:
        NoSnapshotError: It is neither in the cache nor reachable.
    """
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import huggingface_hub
    from huggingface_hub import constants, errors

    offline = bool(constants.HF_HUB_OFFLINE) and not _Gate.closed_by_us
    try:
        folder = cached_snapshot(hub_id, revision, patterns, repo_type)
        if not offline and (folder is None or lacking(folder)):
            notify(f"downloading {hub_id} at {revision}")
            with _online():
                folder = Path(
                    huggingface_hub.snapshot_download(
                        hub_id,
                        revision=revision,
                        allow_patterns=list(patterns),
                        repo_type=repo_type,
                    )
                )
    except (errors.HfHubHTTPError, errors.HFValidationError, OSError) as error:
        raise NoSnapshotError(type(error).__name__) from error
    if folder is None:
        raise NoSnapshotError("this process is offline")
    return folder, offline
