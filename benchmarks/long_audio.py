"""Predicts an hour of speech with a released model: seconds of computing for a second of sound, and peak memory.

    python benchmarks/long_audio.py RELEASE --sounds ../shared/data/speech_to_text/lj_text_reread/wavs [--minutes 60]

The recordings of a folder are read one after the other, and from the beginning again, into one file; then
`lextune predict` transcribes it in a process of its own.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from machine import describe
from side_by_side import environment, measured, run

from lextune.audio import read_audio

_RATE = 16_000
_CODE = """
import json, sys, time
from lextune.cli import main
start = time.perf_counter()
code = main(["predict", *sys.argv[1:3], "-o", sys.argv[3]])
print(json.dumps({"seconds": time.perf_counter() - start, "code": code}))
sys.exit(code)
"""


def write_sound(target: Path, folder: Path, minutes: float) -> float:
    """One file with so many minutes of the folder's recordings; gives its seconds."""
    clips = [read_audio(path.read_bytes()) for path in sorted(folder.glob("*.wav"))]
    wanted, written, number = int(minutes * 60 * _RATE), 0, 0
    with soundfile.SoundFile(target, "w", _RATE, 1, "PCM_16") as file:
        while written < wanted:
            clip = clips[number % len(clips)][: wanted - written]
            file.write(np.clip(clip, -1, 1))
            written, number = written + len(clip), number + 1
    return written / _RATE


def main() -> None:
    """Read the command line, and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("release", type=Path)
    parser.add_argument("--sounds", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60)
    options = parser.parse_args()
    print(describe("torch", "transformers", "soundfile", "soxr"), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        sound, out = Path(folder, "speech.wav"), Path(folder, "out.jsonl")
        seconds = write_sound(sound, options.sounds, options.minutes)
        command = [sys.executable, "-c", _CODE, str(options.release), str(sound), str(out)]
        found = run(measured(command), environment())
        used = float(found.row["seconds"])
        print(
            f"{seconds:.0f} s of sound in {used:.0f} s: {used / seconds:.3f} of real time, "
            f"peak {found.peak_gb:.2f} GB, {out.stat().st_size:,} bytes of answers"
        )


if __name__ == "__main__":
    main()
