"""Folders of sounds as others lay them out: each is known by what lies in it, and gives the rows that it means."""

from __future__ import annotations

import pytest

from lextune.config import ColumnsConfig, DataConfig, QualityConfig
from lextune.data.checks import check_path
from lextune.data.dataset import load_rows, read_options
from lextune.data.findings import Findings
from lextune.data.formats import ReadContext, ReadOptions, Source
from lextune.data.opening import format_name
from sounds import put


def read(path, kind="transcript", findings=None, **options):
    """(name of the file, label, seconds) of each row, and what was found."""
    config = DataConfig(train=(str(path),), **options)
    context = ReadContext(read_options(config, kind, "audio"), findings or Findings())
    rows = load_rows(config.train, config, context)
    assert rows.sounds is not None
    names = [file.rsplit("/", 1)[-1] for file in rows.sounds.files]
    labels = [rows.labels[row] for row in range(len(rows))]
    return list(zip(names, labels, strict=True)), rows, context


def named(path, kind="transcript", label="label"):
    options = ReadOptions(label=label, label_kind=kind, input_kind="audio")
    return format_name(Source(str(path), path), Findings(), options)


def kinds(context):
    return {one.kind: one for one in context.findings.problems()}


class TestAudioFolder:
    def test_the_first_folder_is_the_class(self, tmp_path):
        for name in ("anger/a.wav", "anger/more/b.flac", "joy/c.ogg"):
            put(
                tmp_path / name,
                kind={"wav": "WAV", "lac": "FLAC", "ogg": "OGG"}[name[-3:]],
                coding=None,
            )
        (tmp_path / "joy" / "notes.txt").write_text("x")
        found, _, context = read(tmp_path, "class")
        assert found == [("a.wav", "anger"), ("b.flac", "anger"), ("c.ogg", "joy")]
        assert "not sound files" in kinds(context)["ignored_file"].fact
        assert named(tmp_path, "class") == "audio_folder"

    @pytest.mark.parametrize("table", ["metadata.csv", "metadata.jsonl"])
    def test_a_table_names_the_files(self, table, tmp_path):
        put(tmp_path / "data" / "a.wav")
        put(tmp_path / "b.wav")
        put(tmp_path / "c.wav")
        lines = {
            "metadata.csv": "file_name,transcription,speaker\ndata/a.wav,one,s1\nb.wav,null,s2\n",
            "metadata.jsonl": '{"file_name": "data/a.wav", "transcription": "one", "speaker": "s1"}\n'
            '{"file_name": "b.wav", "transcription": "null", "speaker": "s2"}\n',
        }
        (tmp_path / table).write_text(lines[table])
        found, rows, context = read(tmp_path, columns=ColumnsConfig(label="transcription"))
        assert found == [("a.wav", "one"), ("b.wav", "null")]
        assert rows.bonds["speaker"].counts() == {"s1": 1, "s2": 1}
        assert kinds(context)["ignored_file"].count == 1
        assert named(tmp_path) == "audio_folder"

    def test_one_sound_without_a_label(self, tmp_path):
        path = put(tmp_path / "a.mp3", kind="MP3", coding=None)
        assert named(path, label=None) == "audio_folder"

    def test_sounds_that_are_not_read_are_told(self, tmp_path):
        put(tmp_path / "a" / "a.wav")
        (tmp_path / "b").mkdir()
        (tmp_path / "b" / "b.m4a").write_bytes(b"\0\0\0\x18ftypM4A " + bytes(40))
        _, _, context = read(tmp_path, "class")
        assert kinds(context)["not_a_sound"].severity == "error"

    def test_a_folder_that_nobody_knows_is_refused(self, tmp_path):
        put(tmp_path / "a.wav")
        findings = Findings()
        options = ReadOptions(label_kind="transcript", input_kind="audio")
        assert format_name(Source(str(tmp_path), tmp_path), findings, options) is None
        (problem,) = findings.problems()
        assert "kaldi, ljspeech" in problem.remedy
        assert "image_folder" not in problem.remedy


class TestLjspeech:
    @pytest.fixture
    def folder(self, tmp_path):
        put(tmp_path / "wavs" / "LJ1-01.wav")
        put(tmp_path / "wavs" / "LJ1-02.flac", kind="FLAC")
        put(tmp_path / "wavs" / "LJ1-03.wav")
        lines = ['LJ1-01|He said "no" in 1900|He said "no" in nineteen hundred', "LJ1-02|Twice.", "LJ1-03|null|null"]  # fmt: skip
        (tmp_path / "metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return tmp_path

    def test_the_normalised_text_is_the_label(self, folder):
        found, rows, context = read(folder)
        assert found == [
            ("LJ1-01.wav", 'He said "no" in nineteen hundred'), ("LJ1-02.flac", "Twice."), ("LJ1-03.wav", "null"),
        ]  # fmt: skip
        assert not context.findings.has_errors()
        assert rows.places[1].endswith("metadata.csv:2")
        assert [one.path for one in context.files] == [f"{folder}/metadata.csv"]

    def test_the_text_as_written_can_be_the_label(self, folder):
        found, _, _ = read(folder, columns=ColumnsConfig(label="text"))
        assert found[0][1] == 'He said "no" in 1900'

    def test_it_is_known_by_folder_and_table(self, folder):
        assert named(folder) == named(folder / "metadata.csv") == "ljspeech"
        (folder / "metadata.csv").write_text("file_name|transcription\na.wav|one\n")
        assert named(folder) == "audio_folder"

    def test_lines_that_are_none_and_sounds_that_are_gone_are_errors(self, folder):
        with open(folder / "metadata.csv", "a") as stream:
            stream.write("LJ1-04|a|b|c\nLJ1-05|gone\n../LJ1-06|up\n")
        _, _, context = read(folder)
        assert kinds(context)["ragged_row"].count == 1
        assert kinds(context)["unreadable_sound"].count == 2


class TestKaldi:
    @pytest.fixture
    def folder(self, tmp_path):
        put(tmp_path / "a.wav")
        put(tmp_path / "b.wav")
        (tmp_path / "wav.scp").write_text(f"u1 {tmp_path}/a.wav\nu2 b.wav\n")
        (tmp_path / "text").write_text("u1 YES NO\nu2 null\n")
        (tmp_path / "utt2spk").write_text("u1 s1\nu2 s2\n")
        return tmp_path

    def test_utterances_have_texts_and_speakers(self, folder):
        found, rows, context = read(folder)
        assert found == [("a.wav", "YES NO"), ("b.wav", "null")]
        assert rows.bonds["speaker"].counts() == {"s1": 1, "s2": 1}
        assert {one.path.rsplit("/", 1)[-1] for one in context.files} == {
            "wav.scp",
            "text",
            "utt2spk",
        }
        assert len(context.files) == 3
        assert named(folder) == "kaldi"

    def test_segments_are_pieces(self, folder):
        (folder / "segments").write_text("p1 u1 0.0 0.5\np2 u1 0.5 -1\n")
        (folder / "text").write_text("p1 YES\np2 NO\n")
        found, rows, _ = read(folder)
        assert [label for _, label in found] == ["YES", "NO"]
        assert rows.sounds.seconds.tolist() == [0.5, 0.5]
        assert rows.sounds.stops.array().to_pylist() == ["0.5", ""]

    def test_a_command_is_never_run(self, folder):
        mark = folder / "ran"
        (folder / "wav.scp").write_text(f"u1 touch {mark}; cat a.wav |\nu2 b.wav\n")
        found, _, context = read(folder)
        assert found == [("b.wav", "null")]
        assert not mark.exists()
        assert kinds(context)["command"].severity == "error"
        assert str(mark) not in str(context.findings.problems())

    def test_a_text_that_is_missing_or_unused_is_told(self, folder):
        (folder / "text").write_text("u1 YES\nu9 NO\n")
        _, _, context = read(folder)
        assert kinds(context)["missing_label"].count == 1
        assert kinds(context)["ignored_row"].count == 1

    def test_paths_may_be_from_elsewhere(self, folder, tmp_path_factory):
        other = tmp_path_factory.mktemp("lists")
        (other / "wav.scp").write_text("u1 a.wav\n")
        (other / "text").write_text("u1 YES\n")
        found, _, _ = read(other, audio=str(folder))
        assert found == [("a.wav", "YES")]


class TestTranscripts:
    def test_a_text_beside_each_sound(self, tmp_path):
        for name, said in (("a/1.wav", "one\n"), ("a/2.flac", "zwölf"), ("3.wav", "null\r\n")):
            path = put(tmp_path / name, kind="FLAC" if name.endswith("c") else "WAV")
            path.with_suffix(".txt").write_text(said, encoding="utf-8")
        assert named(tmp_path) == "audio_transcripts"
        found, _, context = read(tmp_path)
        assert found == [("3.wav", "null"), ("1.wav", "one"), ("2.flac", "zwölf")]
        assert not context.findings.has_errors()

    def test_one_that_is_missing_is_an_error(self, tmp_path):
        for number in range(3):
            path = put(tmp_path / f"{number}.wav")
            if number:
                path.with_suffix(".lab").write_text("word")
        _, _, context = read(tmp_path)
        assert kinds(context)["missing_label"].rows == (f"{tmp_path}/0.wav",)

    def test_one_in_another_encoding_is_refused(self, tmp_path):
        path = put(tmp_path / "a.wav")
        path.with_suffix(".txt").write_bytes("zwölf".encode("latin-1"))
        _, _, context = read(tmp_path)
        assert kinds(context)["encoding"].severity == "error"


@pytest.mark.shared
class TestRealFolders:
    def check(self, kind, **data):
        found = check_path(
            DataConfig(quality=QualityConfig(checks=("sounds",)), **data), kind=kind, inputs="audio"
        )
        assert found.errors() == ()
        assert found.quality[0].status == "complete"
        return found, found.quality[0].details["train"]

    def test_digits(self, shared):
        folder = shared / "data" / "speech_to_text" / "fsdd"
        found, about = self.check(
            "transcript", train=(str(folder),), audio=str(folder / "recordings"),
            columns=ColumnsConfig(label="transcription"),
        )  # fmt: skip
        assert found.rows == 1500
        assert about["rates"] == {"8000": 1500}
        assert about["rows_by_speaker"] == [300] * 5

    def test_sentences(self, shared):
        found, about = self.check(
            "transcript", train=(str(shared / "data" / "speech_to_text" / "lj_text_reread"),)
        )
        assert found.rows == 64
        total = next(one for one in found.quality[0].measurements if one.name == "total_seconds")
        assert total.value == pytest.approx(414, abs=1)
        assert "rows_by_speaker" not in about

    def test_yes_and_no(self, shared):
        found, about = self.check(
            "transcript", train=(str(shared / "data" / "speech_to_text" / "yesno"),),
            columns=ColumnsConfig(label="transcription"),
        )  # fmt: skip
        assert (found.rows, about["rates"]) == (60, {"8000": 60})

    def test_emotions(self, shared):
        folder = shared / "data" / "speech_emotion" / "emodb_2s"
        found, about = self.check(
            "class", train=(str(folder / "labels.csv"),), audio=str(folder / "wav"),
            columns=ColumnsConfig(audio="file_name", label="emotion"),
        )  # fmt: skip
        assert set(found.classes["train"].values()) == {22}
        assert len(about["rows_by_speaker"]) == 8
        assert about["seconds"]["quantiles"]["0"] == about["seconds"]["quantiles"]["1"] == 2.0
