"""What is wrong with what a row holds: a cell, or a file that is to be an image or a sound; it opens none."""

from __future__ import annotations

_LFS = b"version https://git-lfs.github.com/spec/"


class UnfitError(ValueError):
    """What cannot be read as what it should be.

    Attributes:
        kind: The word of the finding.
        fact: What is the case, as a finding of rows says it; it holds nothing of the row.
        remedy: What to do.
    """

    def __init__(self, kind: str, fact: str, remedy: str) -> None:
        self.kind, self.fact, self.remedy = kind, fact, remedy
        super().__init__(fact)


class UnfitFileError(UnfitError):
    """A file that cannot be read as what it should be."""


def refuse_no_file(head: bytes, noun: str, error: type[UnfitFileError]) -> None:
    """Refuse what holds nothing, and what only points to a file.

    Args:
        head: The first 64 bytes or more.
        noun: What it should be: `image`, `sound`.
        error: What is raised.

    Raises:
        UnfitFileError: It is empty, or a pointer of Git LFS.
    """
    if not head:
        raise error(f"empty_{noun}", f"{noun}s in files of no bytes", "copy the file again")
    if head.startswith(_LFS):
        raise error(
            "lfs_pointer", f"files that only point to {noun}s, as Git LFS leaves them",
            f"fetch the {noun}s with `git lfs pull`, or download them",
        )  # fmt: skip
