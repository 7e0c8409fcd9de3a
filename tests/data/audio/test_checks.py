"""What `data check` finds in sounds, their transcripts and their speakers, before anything is learnt from them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from lextune.audio import read_input
from lextune.config import ColumnsConfig, DataConfig, QualityConfig, SplitConfig
from lextune.data.checks import check_path
from lextune.data.inputs import inputs_of
from lextune.data.prepare import load_labelled, prepare
from lextune.errors import ConfigError, DataError
from sounds import put, tone, written

COLUMNS = ColumnsConfig(label="words")


class Folder:
    """A table of sounds, made row by row."""

    def __init__(self, path, header="audio,words"):
        self.path, self.lines = path, [header]

    def add(self, words, samples=None, *more, **options):
        name = f"{len(self.lines)}.wav"
        put(self.path / name, samples, **options)
        self.lines.append(",".join([name, words, *more]))
        return name

    def config(self, **options):
        table = self.path / "rows.csv"
        table.write_text("\n".join(self.lines) + "\n")
        options = {
            "train": (str(table),),
            "columns": COLUMNS,
            "quality": QualityConfig(checks=()),
            **options,
        }
        return DataConfig(**options)

    def check(self, **options):
        return check_path(self.config(**options), kind="transcript", inputs="audio")


@pytest.fixture
def folder(tmp_path):
    made = Folder(tmp_path)
    for words in ("one", "two", "three"):
        made.add(words, tone(1.0, 300 + 50 * len(made.lines)))
    return made


def told(report):
    return {one.kind: one for one in report.problems}


def test_whole_sounds_are_rows(folder):
    report = folder.check()
    assert report.errors() == ()
    assert report.rows == 3
    assert report.classes == {"train": {}}
    assert set(told(report)) == {"unknown_speakers", "voices"}


# TRAPS: huggingface/datasets#4467
def test_the_word_null_is_said_and_an_empty_cell_is_missing(folder):
    folder.add("null", tone(1.0, 700))
    folder.add("nan", tone(1.0, 800))
    prepared = prepare(folder.config(), kind="transcript", inputs="audio")
    said = {word for table in prepared.parts.values() for word in table["label"].to_pylist()}
    assert {"null", "nan"} <= said
    folder.add("", tone(1.0, 900))
    missing = told(folder.check())["missing_label"]
    assert (missing.severity, missing.count) == ("error", 1)
    assert missing.rows[0].endswith("rows.csv:7 (record 6)")


# TRAPS: SeanNaren/deepspeech.pytorch#272
def test_silence_and_headers_without_sound_are_found(folder):
    folder.add("three", np.zeros(3 * 16_000, np.float32))
    folder.add("four", np.zeros(0, np.float32))
    folder.add("five", tone(0.05))
    found = told(folder.check())
    for kind in ("silent_sound", "no_frames", "short_sound"):
        assert (found[kind].severity, found[kind].count) == ("error", 1), kind
    with pytest.raises(DataError) as error:
        prepare(folder.config(), kind="transcript", inputs="audio")
    assert error.value.exit_code == 2
    report = folder.check(unreadable=0.6)
    assert (report.errors(), report.rows, report.unreadable) == ((), 3, 3)


# TRAPS: huggingface/community-events#57
def test_a_sound_of_31_seconds_is_told_with_its_seconds(folder):
    folder.add(" ".join(["word"] * 60), tone(31.0))
    found = told(folder.check())["long_sound"]
    assert (found.severity, found.count) == ("warning", 1)
    assert "the longest lasts 31.0 s" in found.fact
    assert "cut them at silences" in found.remedy
    folder.add("said", tone(1.0, 900))
    tables = prepare(folder.config(), kind="transcript", inputs="audio").parts.values()
    assert max(second for table in tables for second in table["seconds"].to_pylist()) == 31.0


def test_files_that_are_no_sounds_are_told_apart(folder):
    for name, data in (
        ("a.wav", b""),
        ("b.wav", b"RIFF"),
        ("c.wav", b"version https://git-lfs.github.com/spec/v1\n"),
    ):
        (folder.path / name).write_bytes(data)
        folder.lines.append(f"{name},word")
    folder.lines += ["gone.wav,word", ",word"]
    kinds = {one.kind for one in folder.check().errors()}
    assert kinds == {
        "empty_sound",
        "not_a_sound",
        "lfs_pointer",
        "unreadable_sound",
        "missing_sound",
    }


def test_quiet_clipped_repeated_and_misnamed_sounds_are_told(folder):
    folder.add("loud", np.clip(tone(1.0, 111, level=3.0), -1, 1))
    folder.add("soft", tone(1.0, 222, level=5e-4))
    folder.add("three", tone(1.0, 450))
    folder.add("other", tone(1.0, 300 + 50))
    folder.add("flac", tone(1.0, 999), kind="FLAC")
    found = told(folder.check())
    assert {"quiet_sound", "clipped_sound", "conflicting_labels", "sound_suffix"} <= set(found)
    assert found["clipped_sound"].rows == (f"{folder.path}/rows.csv:5 (record 4)",)
    assert found["duplicate"].count == 1
    assert "repeat the sound and label" in found["duplicate"].fact


def test_a_transcript_far_from_its_sound_is_told(tmp_path):
    folder = Folder(tmp_path)
    for number in range(20):
        folder.add("a dozen signs", tone(1.0, 200 + 7 * number))
    folder.add("x", tone(5.0, 900))
    folder.add("a" * 45, tone(1.0, 950))
    found = told(folder.check())["odd_transcript"]
    assert (found.severity, found.count) == ("warning", 2)
    assert "aaa" not in found.model_dump_json()


def test_pieces_of_one_file_are_rows_of_their_own(tmp_path):
    put(tmp_path / "hour.wav", np.concatenate([tone(1.0, 300), tone(1.0, 600), tone(1.0, 900)]))
    folder = Folder(tmp_path, "audio,words,start,stop")
    folder.lines += ["hour.wav,one,0,1", "hour.wav,two,1.0,2.0", "hour.wav,three,2,"]
    prepared = prepare(folder.config(), kind="transcript", inputs="audio")
    rows = [row for table in prepared.parts.values() for row in inputs_of(table, "audio")]
    assert {(row.label, row.start, row.stop) for row in rows} == {
        ("one", 0.0, 1.0), ("two", 1.0, 2.0), ("three", 2.0, None),
    }  # fmt: skip
    assert len({row.sha256 for row in rows}) == 1
    assert told(prepared.report)["pieces"].count == 3
    folder.lines += ["hour.wav,four,2,9", "hour.wav,five,soon,9", "hour.wav,six,-1,2"]
    found = told(folder.check())
    assert found["piece_outside"].count == 1
    assert found["bad_piece"].count == 2


def test_the_folder_of_the_sounds_may_be_another(folder, tmp_path):
    table = tmp_path / "lists" / "rows.jsonl"
    table.parent.mkdir()
    table.write_text('{"path": "1.wav", "said": "one"}\n{"path": "2.wav", "said": "two"}\n')
    columns = ColumnsConfig(audio="path", label="said")
    for audio, errors in ((str(tmp_path), 0), (None, 1)):
        config = folder.config(train=(str(table),), columns=columns, audio=audio)
        report = check_path(config, kind="transcript", inputs="audio")
        assert len(report.errors()) == errors


def test_sounds_inside_a_parquet_file_are_rows(tmp_path):
    rows = {
        "audio": [{"bytes": written(tone(1.0, 300)), "path": None}, {"bytes": written(tone(2.0, 500)), "path": "b.wav"}],
        "words": ["one", "null"],
        "speaker_id": [7, 8],
        "start": [0.0, 0.5],
    }  # fmt: skip
    path = tmp_path / "rows.parquet"
    parquet.write_table(pa.table(rows), path)
    config = DataConfig(train=(str(path),), columns=COLUMNS)
    found = load_labelled(config.train, config, kind="transcript", inputs="audio").table
    assert sorted(zip(found["label"].to_pylist(), found["seconds"].to_pylist(), strict=True)) == [
        ("null", 1.5), ("one", 1.0),
    ]  # fmt: skip
    assert len(read_input(inputs_of(found, "audio")[0])) in (16_000, 24_000)


def spoken(tmp_path, column="speaker", speakers="aabbccdd", start=0):
    folder = Folder(tmp_path, f"audio,words,{column}")
    for number, speaker in enumerate(speakers, start):
        folder.add(f"word {number}", tone(1.0, 200 + 11 * number), speaker)
    return folder


def measured(prepared):
    return {
        one.name: one
        for one in prepared.measurements
        if "speaker" in one.name or "group" in one.name
    }


# TRAPS: speechbrain/speechbrain#1415
@pytest.mark.parametrize(
    ("column", "named"), [("speaker", None), ("speaker_id", None), ("who", "who")]
)
def test_a_speaker_is_in_one_part_where_a_column_says_who_speaks(column, named, tmp_path):
    columns = ColumnsConfig(label="words", speaker=named)
    folder = spoken(tmp_path, column)
    prepared = prepare(folder.config(columns=columns), kind="transcript", inputs="audio")
    said = [set(table["label"].to_pylist()) for table in prepared.parts.values()]
    for first in range(0, 8, 2):
        assert any({f"word {first}", f"word {first + 1}"} <= words for words in said)
    assert measured(prepared)["shared_speaker_test_rows"].value == 0
    assert "unknown_speakers" not in told(prepared.report)


def test_without_a_column_nobody_knows_who_speaks(folder):
    prepared = prepare(folder.config(), kind="transcript", inputs="audio")
    found = measured(prepared)
    assert set(found) == {"shared_speaker_test_rows"}
    assert found["shared_speaker_test_rows"].value is None
    assert "who speaks" in found["shared_speaker_test_rows"].problem
    assert told(prepared.report)["unknown_speakers"].severity == "warning"


# TRAPS: speechbrain/speechbrain#1415
def test_given_parts_that_share_a_speaker_are_counted_and_told(tmp_path):
    train = spoken(tmp_path / "train", speakers="aabbcc")
    test = spoken(tmp_path / "test", speakers="ad", start=100)
    test.config()
    config = train.config(test=(str(tmp_path / "test" / "rows.csv"),))
    prepared = prepare(config, kind="transcript", inputs="audio")
    assert measured(prepared)["shared_speaker_test_rows"].value == 1
    assert told(prepared.report)["shared_test_groups"].severity == "warning"


def test_a_random_split_over_speakers_warns_and_is_counted(tmp_path):
    folder = spoken(tmp_path, speakers="a" * 10 + "b" * 10)
    config = folder.config(split=SplitConfig(method="random"))
    prepared = prepare(config, kind="transcript", inputs="audio")
    assert told(prepared.report)["random_over_speakers"].severity == "warning"
    assert measured(prepared)["shared_speaker_test_rows"].value > 0


def test_one_speaker_cannot_be_cut(tmp_path):
    folder = spoken(tmp_path, speakers="aaaaaa")
    with pytest.raises(DataError, match="one speaker") as error:
        prepare(folder.config(), kind="transcript", inputs="audio")
    assert "data.split.method: random" in str(error.value)


def test_other_data_needs_no_speakers(tmp_path):
    folder = spoken(tmp_path)
    found = load_labelled(folder.config().train, folder.config(), kind="transcript", inputs="audio")
    assert found.table.num_rows == 8


def test_a_named_speaker_must_be_there(folder):
    columns = ColumnsConfig(label="words", speaker="who")
    found = told(folder.check(columns=columns))["missing_column"]
    assert "data.columns.speaker" in found.remedy


def test_sounds_are_not_redacted(folder):
    with pytest.raises(ConfigError, match="rows are sounds"):
        folder.check(redact={"method": "mask"})


def test_the_order_of_rows_is_nothing(tmp_path):
    folder = spoken(tmp_path)
    first = prepare(folder.config(), kind="transcript", inputs="audio")
    folder.lines[1:] = folder.lines[:0:-1]
    again = prepare(folder.config(), kind="transcript", inputs="audio")
    assert first.ref.fingerprint == again.ref.fingerprint
    for name, table in first.parts.items():
        assert table.drop_columns("where").equals(again.parts[name].drop_columns("where"))
