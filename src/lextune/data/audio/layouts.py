"""Says how folders of sounds with transcripts are laid out, and which sound belongs to a name; it reads no row."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from lextune.audio import SUFFIXES
from lextune.data.formats import ReadContext, Source

#: The table and the folder of LJSpeech, and of those who followed it.
LJ_TABLE, LJ_FOLDERS = "metadata.csv", ("wavs", "wav")
#: The files of Kaldi's data folders.
KALDI_SOUNDS = "wav.scp"
#: Suffixes of transcripts that lie beside their sounds.
TRANSCRIPTS = (".txt", ".lab")
#: Files that are looked at to say how a folder is laid out.
_LOOKED_AT = 1000


def is_ljspeech(path: Path) -> bool:
    """A folder with LJSpeech's table, or that table: `id|text|normalised text` without a header, sounds in `wavs`."""
    table = lj_table(path)
    if table.name != LJ_TABLE or not table.is_file():
        return False
    if not any((table.parent / name).is_dir() for name in LJ_FOLDERS):
        return False
    with open(table, "rb") as stream:
        first = stream.readline(1 << 16)
    cells = first.decode("utf-8-sig", "replace").rstrip("\r\n").split("|")
    return len(cells) in (2, 3) and lj_sound(table, cells[0]) is not None


def lj_table(path: Path) -> Path:
    """The table of a folder of LJSpeech's layout, or the path itself where it is no folder."""
    return path / LJ_TABLE if path.is_dir() else path


def lj_sound(table: Path, name: str) -> Path | None:
    """The sound of an id."""
    if not name or os.sep in name:
        return None
    places = (table.parent / folder for folder in LJ_FOLDERS)
    stems = [place / name for place in places]
    tries = (
        [stem, *(stem.with_name(stem.name + suffix) for suffix in sorted(SUFFIXES))]
        for stem in stems
    )
    return next((one for one in itertools.chain(*tries) if one.is_file()), None)


def is_kaldi(path: Path) -> bool:
    """A data folder of Kaldi."""
    return (path / KALDI_SOUNDS).is_file()


def has_transcripts(folder: Path) -> bool:
    """Whether the first sounds below a folder, for the most part, have a transcript beside them."""
    sounds = list(itertools.islice((one for one in _walk(folder) if _is_sound(one)), _LOOKED_AT))
    return bool(sounds) and 2 * sum(map(bool, map(transcript_of, sounds))) > len(sounds)


def transcript_of(sound: Path) -> Path | None:
    """The transcript beside a sound."""
    return next(
        (one for suffix in TRANSCRIPTS if (one := sound.with_suffix(suffix)).is_file()), None
    )


def sounds_below(folder: Path) -> Iterator[Path]:
    """The sounds below a folder by their names, sorted; hidden ones are passed over."""
    return (one for one in _walk(folder) if _is_sound(one))


def _is_sound(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def _walk(folder: Path) -> Iterator[Path]:
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(base, name) for name in sorted(names) if not name.startswith("."))


def lacks_columns(known: Iterable[str], source: Source, context: ReadContext) -> bool:
    """Report wanted columns that a layout without a header does not have; True when one is missing."""
    from lextune.data.formats import missing_columns

    options = context.options
    names = [options.text, *([] if options.label is None else [options.label]), *known]
    return missing_columns(list(dict.fromkeys(names)), source, context)
