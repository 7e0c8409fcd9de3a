"""Reads sounds with a transcript beside each, in a text file of the same stem; it opens no sound."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lextune.data.audio.layouts import has_transcripts, lacks_columns, sounds_below, transcript_of
from lextune.data.encodings import DETECT, Sampler, choose_encoding, not_decodable
from lextune.data.file_folders import Listing
from lextune.data.formats import RawRow, ReadContext, ReadOptions, Source, data_format

_LARGEST = 1 << 20


def _recognise(path: Path, options: ReadOptions) -> bool:
    wanted = options.label is not None and options.label_kind == "transcript"
    return wanted and path.is_dir() and has_transcripts(path)


@data_format("audio_transcripts", recognise=_recognise, inputs="audio")
def read_audio_transcripts(source: Source, context: ReadContext) -> Iterator[RawRow]:
    """One row per sound below the folder; its label is all of `NAME.txt` or `NAME.lab`, but the line end.

    A sound without a transcript is a row without a label, which is an error.
    """
    root = source.path
    if root is None or not root.is_dir():
        context.findings.add(
            "no_source", "error", "this is not a folder", "give a folder, or set data.format to the file's",
            source.name, unit="sources",
        )  # fmt: skip
        return
    if lacks_columns((), source, context):
        return
    listing = Listing()
    options = context.options
    for sound in sounds_below(root):
        name = sound.relative_to(root).as_posix()
        where = f"{source.name.rstrip('/')}/{name}"
        values: dict[str, str | None] = {options.text: str(sound)}
        beside = transcript_of(sound) if options.label is not None else None
        for path in filter(None, (sound, beside)):
            listing.add(path, path.relative_to(root).as_posix())
        if options.label is not None:
            values[options.label] = (
                None if beside is None else _text(beside, where, source, context)
            )
        yield RawRow(values, where)
    listing.record(source, context)


def _text(path: Path, where: str, source: Source, context: ReadContext) -> str | None:
    """What a transcript says; None after telling why it cannot be read."""
    with open(path, "rb") as stream:
        data = stream.read(_LARGEST)
    known = Sampler()
    if context.options.encoding == DETECT:
        known.feed(data, last=True)
    codec, told = choose_encoding(data[:4096], where, context, known)
    context.encodings[source.name] = told
    try:
        return data.decode(codec).strip("\r\n") or None
    except UnicodeDecodeError as error:
        context.leave_out(where)
        not_decodable(where, error, context, skipped=True)
        return None
