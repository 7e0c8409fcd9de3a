"""Reads folders of sounds: a folder for each class, or a table that names the files; it opens no sound."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lextune.audio import SUFFIXES
from lextune.data.audio.layouts import has_transcripts, is_kaldi, is_ljspeech
from lextune.data.file_folders import FileKind, folder_table, is_file_folder, read_file_folder
from lextune.data.formats import RawRow, ReadContext, ReadOptions, Source, data_format

_SOUNDS = FileKind(
    noun="sound",
    suffixes=SUFFIXES,
    unread=frozenset(
        {".m4a", ".aac", ".wma", ".amr", ".aif", ".aiff", ".au", ".sph", ".webm", ".mp4", ".mka", ".caf", ".3gp"}
    ),
    examples=".wav, .flac",
)  # fmt: skip


def _is_audio_folder(path: Path, options: ReadOptions) -> bool:
    return is_file_folder(path, options, _SOUNDS) and not is_ljspeech(path) and not is_kaldi(path)


@data_format("audio_folder", recognise=_is_audio_folder, inputs="audio")
def read_audio_folder(source: Source, context: ReadContext) -> Iterator[RawRow]:
    """One row per sound, as `file_folders.read_file_folder` has it (Hugging Face's audiofolder)."""
    yield from read_file_folder(source, context, _SOUNDS)


def holds_sounds(path: Path) -> bool:
    """Whether a path is a sound, or a folder whose files are sounds or transcripts beside them, by names and layout."""
    return (
        _SOUNDS.holds(path)
        or is_ljspeech(path)
        or is_kaldi(path)
        or (path.is_dir() and has_transcripts(path))
    )


def holds_transcripts(path: Path) -> bool:
    """Whether sounds come with the words that are said, as the layout shows; a table's columns are not read."""
    return (
        is_ljspeech(path)
        or is_kaldi(path)
        or (path.is_dir() and (folder_table(path) is not None or has_transcripts(path)))
    )
