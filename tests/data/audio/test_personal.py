"""What the data report says of people in sounds: metadata by kind, words in transcripts, and that a voice is one's own."""

from __future__ import annotations

import soundfile

from lextune.config import ColumnsConfig, DataConfig, PersonalDataConfig, QualityConfig
from lextune.data.checks import check_path
from lextune.data.personal.counting import measure_personal
from sounds import put, tone


def report(tmp_path, kind="transcript", **options):
    lines = ["audio,words"]
    for number in range(6):
        path = tmp_path / f"{number}.flac"
        if number < 2:
            with soundfile.SoundFile(path, "w", 16_000, 1, format="FLAC") as file:
                file.artist = "Ada Lovelace"
                file.write(tone(1.0, 200 + 30 * number))
        else:
            put(path, tone(1.0, 200 + 30 * number), kind="FLAC")
        said = "write to ada.lovelace@mail.example.org" if number == 3 else f"word {number % 2}"
        lines.append(f"{number}.flac,{said}")
    (tmp_path / "rows.csv").write_text("\n".join(lines) + "\n")
    config = DataConfig(
        train=(str(tmp_path / "rows.csv"),), columns=ColumnsConfig(label="words"),
        quality=QualityConfig(checks=()), personal_data=PersonalDataConfig(**options),
    )  # fmt: skip
    return check_path(config, kind=kind, inputs="audio")


def measured(found):
    return {(one.name, one.group): one for one in measure_personal(found.personal_data)}


def test_metadata_and_words_are_counted_and_not_shown(tmp_path):
    found = report(tmp_path)
    counted = found.personal_data
    assert (counted.rows, counted.found, counted.types["artist"]) == (6, 2, 2)
    assert counted.transcripts.found == 1
    values = measured(found)
    assert values["sound_metadata_rows", None].value == 2
    assert values["sound_metadata_rows", "kind=artist"].value == 2
    assert values["transcript_personal_data_rows", None].value == 1
    assert not any(word in found.model_dump_json() for word in ("Ada", "ada.", "mail.example"))


def test_voices_are_told_and_never_counted_as_none(tmp_path):
    found = report(tmp_path)
    told = {one.kind: one for one in found.problems}
    assert "a voice is personal data" in told["voices"].fact
    assert "5(1)(f)" in told["voices"].remedy
    for name in ("personal_data_rows", "sensitive_personal_data_rows"):
        assert measured(found)[name, None].value is None
        assert "voice" in measured(found)[name, None].problem


def test_classes_are_no_words(tmp_path):
    found = report(tmp_path, kind="class")
    assert found.personal_data.transcripts is None
    assert not any(name.startswith("transcript") for name, _ in measured(found))


def test_nobody_looks_where_nobody_should(tmp_path):
    assert report(tmp_path, report=False).personal_data is None
