"""Finds the files that a config's words mean: paths, globs, packages, data sets on disk and on a hub; it opens none of them."""

from __future__ import annotations

import glob
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

from lextune import distributions
from lextune.data.catalogue import pinned_digest
from lextune.data.dataset_folders import (
    PATTERNS,
    SplitFiles,
    find_split,
    inside_dataset,
    is_dataset_folder,
    missing_files,
)
from lextune.data.findings import Findings
from lextune.data.formats import ReadContext, Source
from lextune.errors import DataError, Problem
from lextune.extras import need
from lextune.hub import NoSnapshotError, find_snapshot

_HUB = re.compile(
    r"hub:(?P<id>\w[\w.-]*/\w[\w.-]*)(@(?P<revision>[\w.-]+))?(/(?P<config>[\w.-]+))?(:(?P<split>[\w.-]+))?"
)


def find_sources(given: tuple[str, ...], context: ReadContext) -> list[Source]:
    """The files and folders that a config's words mean; `-` is standard input.

    Raises:
        DataError: A data set has no such split, or is neither in the hub's cache nor reachable.
        MissingExtraError: A distribution is not installed.
        VerificationError: A distribution's file is not the recorded or pinned one.
    """
    found: list[Source] = []
    for word in given:
        if not word:
            context.findings.add(
                "no_source", "error", "the path is empty", "write the path of a file or folder", unit="sources"
            )  # fmt: skip
        elif word == "-":
            found.append(Source("standard input", stream=sys.stdin.buffer))
        elif word.startswith("pypi:"):
            found.append(_from_distribution(word, context))
        elif word.startswith("hub:"):
            found += _from_hub(word, context)
        elif os.path.exists(word) or not glob.has_magic(word):
            found += _from_path(word, context)
        else:
            found += _from_glob(word, context.findings)
    return found


def _from_distribution(word: str, context: ReadContext) -> Source:
    package, path = distributions.split_source(word)
    pin = context.options.pins.get(word) or context.options.pins.get(path) or pinned_digest(word)
    return Source(word, data=distributions.read_file(package, path, pin))


def _from_path(word: str, context: ReadContext) -> list[Source]:
    """The path itself; a folder of `datasets`, or a split below one, means the files of the split."""
    path = Path(word)
    if context.options.format is None:
        if os.path.isdir(path) and is_dataset_folder(path):
            return _files(find_split(path, [], _below(path)), path, word.rstrip("/"), context)
        above = None if os.path.exists(path) else inside_dataset(path)
        if above is not None:
            folder, words = above
            return _files(find_split(folder, words, _below(folder)), folder, str(folder), context)
    return [Source(word, path=path)]


def _below(folder: Path) -> Callable[[str, str], str]:
    return lambda config, split: "/".join(part for part in (str(folder), config, split) if part)


def _from_hub(word: str, context: ReadContext) -> list[Source]:
    match = _HUB.fullmatch(word)
    if match is None:
        context.findings.add(
            "no_source", "error", f"{word!r} names no data set of a hub",
            "write hub:OWNER/NAME, or hub:OWNER/NAME@REVISION/CONFIGURATION:SPLIT", word, unit="sources",
        )  # fmt: skip
        return []
    need("text", "huggingface_hub")
    hub_id, revision = match["id"], match["revision"] or "main"
    words = [part for part in (match["config"], match["split"]) if part]
    start = f"hub:{hub_id}" + (f"@{match['revision']}" if match["revision"] else "")

    def shown(config: str, split: str) -> str:
        return f"{start}/{config}:{split}" if config else f"{start}:{split}"

    def lacking(folder: Path) -> list[str]:
        try:
            return missing_files(list(find_split(folder, words, shown).files))
        except DataError as error:
            return [error.problems[0].fact]

    try:
        folder, _ = find_snapshot(
            hub_id, revision, PATTERNS, lacking, lambda _: None, repo_type="dataset"
        )
    except NoSnapshotError as error:
        raise DataError(_not_had(hub_id, revision, str(error))) from error
    commit = folder.name
    if revision != commit:
        context.findings.add(
            "revision", "info", f"{start} was read at its commit {commit}",
            f"write hub:{hub_id}@{commit} to keep to it", word, unit="sources",
        )  # fmt: skip
    split = find_split(folder, words, shown)
    return _files(split, folder, f"hub:{hub_id}@{commit}", context)


def _not_had(hub_id: str, revision: str, reason: str) -> Problem:
    from huggingface_hub import constants

    return Problem(
        f"the data set {hub_id!r} at {revision!r} is neither in the cache {constants.HF_HUB_CACHE} nor reachable",
        "check the name, go online once, or download its files and give their paths",
        reason,
    )


def _files(split: SplitFiles, folder: Path, name: str, context: ReadContext) -> list[Source]:
    """A source for each file of a split, under the folder's name."""
    context.findings.add(
        "split", "info", f"the split {split.split!r} of the data set was read",
        "none is needed", name, unit="sources",
    )  # fmt: skip
    return [
        Source(
            f"{name}/{path.relative_to(folder).as_posix()}",
            path=path,
            class_names=split.class_names,
        )
        for path in split.files
    ]


def _from_glob(word: str, findings: Findings) -> list[Source]:
    paths = sorted(glob.glob(word, recursive=True))
    if not paths:
        findings.add(
            "no_source", "error", f"no file matches {word!r}", "check the pattern and the folder you are in",
            word, unit="sources",
        )  # fmt: skip
    return [Source(path, path=Path(path)) for path in paths]
