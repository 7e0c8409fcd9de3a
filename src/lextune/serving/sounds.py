"""Takes sounds as files or bytes for prediction, and says why one cannot be read; it knows no model.

Nothing of a sound or its path stands in what it says.
"""

from __future__ import annotations

import io
import os
import wave
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lextune.audio import RATE, AudioInput, UnfitAudioError, sound_info
from lextune.errors import DataError, Problem, VerificationError
from lextune.files import read_regular

#: A sound in memory, or the path of its file.
AnySound = bytes | str | os.PathLike[str]
#: A file of more seconds is heard block after block, never as a whole.
WHOLE_SECONDS = 30.0
_AGAIN = "save it again as WAV or FLAC"


def sound_input(given: AnySound, *, stream: bool = False) -> AudioInput | Problem:
    """The sound with its bytes, or why there are none.

    Args:
        given: The sound, or its path.
        stream: Whether a long file is left where it is: the answer then names the file, and holds no bytes.
    """
    if isinstance(given, bytes):
        return AudioInput("", "", data=given)
    if not os.fspath(given):
        return Problem("no sound", "name a file")
    path = Path(given).resolve()
    try:
        if stream and path.is_file():
            seconds = sound_info(path).seconds
            if seconds is None or seconds > WHOLE_SECONDS:
                return AudioInput(str(path), "")
        return AudioInput("", "", data=read_regular(path))
    except UnfitAudioError as error:
        return unfit(error)
    except OSError as error:
        why = error.strerror or type(error).__name__
        return Problem("cannot be read", "check the path", why.lower())
    except VerificationError:
        return Problem("cannot be read", "name a file", "it is no file")


def fault(given: AudioInput, encode: Callable[[Sequence[Any]], Any]) -> Problem | None:
    """Why a model cannot take a sound; None where it can.

    Args:
        given: With its bytes; a file that is heard in blocks tells by itself.
        encode: The model's own.
    """
    if given.data is None:
        return None
    try:
        sound_info(given.data)
        encode([given])
    except UnfitAudioError as error:
        return unfit(error)
    except DataError as error:
        # what it says of one row may hold the row's path, but never its reason
        return Problem("cannot be read", _AGAIN, error.problems[0].reason or "damaged sound")
    return None


def unfit(error: UnfitAudioError) -> Problem:
    """What is told of one sound of which a finding would tell of many."""
    remedy = {
        "lfs_pointer": "fetch the sound with `git lfs pull`",
        "sound_too_long": "cut it into pieces",
    }.get(error.kind, _AGAIN)
    return Problem("cannot be read", remedy, error.kind.replace("_", " "))


def silence(seconds: float = 1.0) -> bytes:
    """A WAV file in which nothing is heard."""
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(bytes(2 * round(seconds * RATE)))
    return stream.getvalue()


def seconds_of(data: bytes) -> float | None:
    """Seconds of a sound as its header says; None where it does not.

    Raises:
        UnfitAudioError: It is no sound.
    """
    return sound_info(data).seconds
