"""Reads Kaldi's data folders: `wav.scp`, `text`, `utt2spk` and `segments`; it runs none of the commands they may hold.

Layout: https://kaldi-asr.org/doc/data_prep.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lextune.data.audio.layouts import KALDI_SOUNDS, is_kaldi, lacks_columns
from lextune.data.audio.looking import START, STOP
from lextune.data.audio.speakers import SPEAKERS
from lextune.data.encodings import tell_undecoded
from lextune.data.formats import RawRow, ReadContext, ReadOptions, Source, data_format
from lextune.data.opening import lines, open_text

_UTTERANCE, _SPEAKER = "utterance", SPEAKERS[0]


def _recognise(path: Path, options: ReadOptions) -> bool:  # noqa: ARG001
    return is_kaldi(path)


@data_format("kaldi", recognise=_recognise, inputs="audio")
def read_kaldi(source: Source, context: ReadContext) -> Iterator[RawRow]:
    """One row per utterance: of `segments` where there is one, else of `wav.scp`.

    The label is that of `text`, the column `speaker` that of `utt2spk`. Paths are taken from `data.audio`, else from
    the folder. A line of `wav.scp` that is a command (it ends in a bar) is refused.
    """
    root = source.path
    if root is None or not is_kaldi(root):
        context.findings.add(
            "no_source", "error", f"there is no folder with {KALDI_SOUNDS}", "check the path", source.name,
            unit="sources",
        )  # fmt: skip
        return
    if lacks_columns((_UTTERANCE, _SPEAKER), source, context):
        return
    options = context.options
    sounds = dict(_sounds(root, source, context))
    texts = dict(_pairs("text", root, source, context)) if options.label is not None else {}
    speakers = dict(_pairs("utt2spk", root, source, context))
    unused = set(texts)
    for name, sound, start, stop, where in _utterances(root, source, context):
        unused.discard(name)
        if sound not in sounds:
            context.skip(
                "missing_sound", f"utterances of a sound that {KALDI_SOUNDS} does not name, or that is a command there",
                f"write its path into {KALDI_SOUNDS}, or remove the utterance", where,
            )  # fmt: skip
            continue
        values: dict[str, str | None] = {
            _UTTERANCE: name, _SPEAKER: speakers.get(name), START: start, STOP: stop,
        }  # fmt: skip
        if options.label is not None:
            values[options.label] = texts.get(name)
        values[options.text] = sounds[sound]
        yield RawRow(values, where)
    if unused:
        context.findings.add(
            "ignored_row", "warning", "lines of text belong to no utterance and were not read",
            f"name their sounds in {KALDI_SOUNDS} or segments, or remove them", f"{source.name.rstrip('/')}/text",
            count=len(unused), unit="lines",
        )  # fmt: skip


def _sounds(root: Path, source: Source, context: ReadContext) -> Iterator[tuple[str, str]]:
    """Names of sounds with their paths."""
    folder = root if context.options.audio is None else Path(context.options.audio)
    for name, rest, where in _lines(KALDI_SOUNDS, root, source, context):
        if rest.endswith("|"):
            context.skip(
                "command", f"lines of {KALDI_SOUNDS} that are commands, which are never run",
                "run them yourself, save what they give as WAV or FLAC, and write its path there", where,
            )  # fmt: skip
            continue
        yield name, str(folder / rest)


def _pairs(
    file: str, root: Path, source: Source, context: ReadContext
) -> Iterator[tuple[str, str]]:
    """Names with what is said of them; none where there is no such file."""
    if (root / file).is_file():
        for name, rest, _ in _lines(file, root, source, context):
            yield name, rest


def _utterances(
    root: Path, source: Source, context: ReadContext
) -> Iterator[tuple[str, str, str | None, str | None, str]]:
    """Names, their sounds, and from where to where they last; with their places."""
    if not (root / "segments").is_file():
        for name, _, where in _lines(KALDI_SOUNDS, root, source, context, again=True):
            yield name, name, None, None, where
        return
    for name, rest, where in _lines("segments", root, source, context):
        cells = rest.split()
        if len(cells) not in (3, 4):  # the fourth is a channel, of which the mean is heard
            context.skip(
                "ragged_row", "lines of segments that are not utterance, sound, start and end",
                "write them so", where,
            )  # fmt: skip
            continue
        stop = None if cells[2] == "-1" else cells[2]
        yield name, cells[0], cells[1], stop, where


def _lines(
    file: str, root: Path, source: Source, context: ReadContext, *, again: bool = False
) -> Iterator[tuple[str, str, str]]:
    """The first word of each line, the rest, and the place; `again` where the file was read and told of before."""
    place = Source(f"{source.name.rstrip('/')}/{file}", path=root / file)
    known = len(context.files)
    with open_text(place, context) as stream:
        for line in lines(stream, context):
            where = f"{place.name}:{context.line}"
            if context.not_text(where) or not line.strip():
                continue
            name, _, rest = line.strip("\r\n").strip().partition(" ")
            if not rest:
                name, _, rest = line.strip().partition("\t")
            yield name, rest.strip(), where
    tell_undecoded(context)
    if again:
        del context.files[known:]
