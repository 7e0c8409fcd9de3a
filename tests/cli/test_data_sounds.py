"""`lextune data check` on sounds: the layout says which task reads them, and what cannot be learnt from ends with 2."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lextune.cli import main
from sounds import put, tone


def check(capsys, *arguments):
    code = main(["data", "check", *map(str, arguments), "--json"])
    out, err = capsys.readouterr()
    return code, json.loads(out) if out else {}, err


@pytest.fixture
def spoken(tmp_path):
    for number in range(4):
        path = put(tmp_path / f"{number}.wav", tone(1.0, 200 + 50 * number))
        path.with_suffix(".txt").write_text(f"word {number}")
    return tmp_path


def test_sounds_with_words_are_known_by_their_layout(spoken, capsys):
    code, found, err = check(capsys, spoken)
    assert "holds sounds: read as for --task speech_to_text" in err
    assert (code, found["rows"]) == (0, 4)


def test_folders_of_sounds_are_classes(tmp_path, capsys):
    for name in ("joy/a.wav", "joy/b.wav", "fear/c.wav", "fear/d.wav"):
        put(tmp_path / name)
    code, found, err = check(capsys, tmp_path)
    assert "--task speech_emotion" in err
    assert found["classes"] == {"train": {"fear": 2, "joy": 2}}
    assert code == 0


# TRAPS: SeanNaren/deepspeech.pytorch#272
def test_silence_ends_with_2(spoken, capsys):
    path = put(spoken / "9.wav", np.zeros(48_000, np.float32))
    path.with_suffix(".txt").write_text("nothing")
    code, found, _ = check(capsys, spoken)
    assert code == 2
    (error,) = [one for one in found["problems"] if one["severity"] == "error"]
    assert (error["kind"], error["rows"]) == ("silent_sound", [f"{spoken}/9.wav"])


def test_what_names_no_class_is_counted_by_part(spoken, capsys):
    assert main(["data", "check", str(spoken)]) == 0
    shown = capsys.readouterr().out
    assert "train" in shown
    assert "class" not in shown.split("Quality")[0]
