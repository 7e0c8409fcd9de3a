"""Transcripts become tokens and come back; what a model cannot be taught is said, not cut."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tiny_speech
from lextune.errors import ConfigError, ModelError
from lextune.tasks.audio.spelling import (
    CtcSpelling,
    WhisperSpelling,
    ctc_spelling,
    languages_told,
    whisper_spelling,
)

Folder = dict[str, bytes]


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return read(tiny_speech.write_tiny_whisper(tmp_path_factory.mktemp("english")))


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    folder = tmp_path_factory.mktemp("several")
    return read(tiny_speech.write_tiny_whisper(folder, multilingual=True))


@pytest.fixture(scope="module")
def ctc(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return read(tiny_speech.write_tiny_ctc(tmp_path_factory.mktemp("ctc")))


def read(folder: Path) -> Folder:
    return {one.name: one.read_bytes() for one in folder.iterdir()}


@given(st.text())
def test_a_text_comes_back_in_its_own_casing(english: Folder, text: str) -> None:
    spelling = whisper_spelling(english, None)
    tokens = spelling.tokens(text)
    assert tuple(tokens[:2]) == spelling.prompt
    assert tokens.count(spelling.rules.end) == 1  # no text commands the model
    assert spelling.text(tokens) == text.strip()


def test_special_tokens_in_a_transcript_are_letters(english: Folder) -> None:
    spelling = whisper_spelling(english, None)
    tokens = spelling.tokens("<|endoftext|>")
    assert tokens.count(spelling.rules.end) == 1
    assert spelling.text(tokens) == "<|endoftext|>"


def test_the_language_and_the_task_are_part_of_the_prompt(several: Folder) -> None:
    spelling = whisper_spelling(several, "zh")
    names = [spelling.tokenizer.id_to_token(one) for one in spelling.prompt]
    assert names == ["<|startoftranscript|>", "<|zh|>", "<|transcribe|>", "<|notimestamps|>"]
    assert spelling.tokenizer.decode(spelling.tokens("好")[4:-1]) == "好"  # without a space
    german = whisper_spelling(several, "de")
    assert german.tokenizer.decode(german.tokens("gut")[4:-1]) == " gut"


@pytest.mark.parametrize(
    ("kind", "language", "fact"),
    [
        ("several", None, "not told which"),
        ("several", "de,en", "not told which"),
        ("several", "sw", "no token for the language 'sw'"),
        ("english", "de", "English alone"),
    ],
)
def test_a_language_that_the_model_does_not_write_is_refused(
    kind: str, language: str | None, fact: str, english: Folder, several: Folder
) -> None:
    with pytest.raises(ConfigError, match=fact):
        whisper_spelling({"english": english, "several": several}[kind], language)


def test_languages_are_told_by_their_first_subtag() -> None:
    assert languages_told(("zh-Hant-TW", "en_GB")) == {"language": "en,zh"}
    assert languages_told(()) == {}


def test_whisper_needs_its_own_tokenizer(english: Folder) -> None:
    for data in (None, b"{}", english["config.json"]):
        files = {name: one for name, one in english.items() if name != "tokenizer.json"}
        if data is not None:
            files["tokenizer.json"] = data
        with pytest.raises(ModelError, match=r"tokenizer\.json"):
            whisper_spelling(files, None)
    other = json.loads(english["config.json"]) | {"decoder_start_token_id": 3}
    with pytest.raises(ModelError, match="as config"):
        whisper_spelling(english | {"config.json": json.dumps(other).encode()}, None)


def test_a_sound_longer_than_the_window_is_not_taught(english: Folder) -> None:
    spelling: WhisperSpelling = whisper_spelling(english, None)
    tokens = spelling.tokens("the last words come after 30 s")
    assert spelling.problem("…", tokens, 30.0) is None
    assert "31.0 s" in str(spelling.problem("…", tokens, 31.0))
    long = spelling.tokens("a" * 100)
    assert len(long) == 104  # start, no timestamps, a space and the end
    assert "104 tokens" in str(spelling.problem("…", long, 3.0))


def test_letters_take_the_vocabulary_s_case_and_signs_are_left_out(ctc: Folder) -> None:
    spelling = ctc_spelling(ctc)
    text = "Don't stop — “never”, I say!"
    assert spelling.text(spelling.tokens(text)) == "DON'T STOP NEVER I SAY"
    assert spelling.problem(text, spelling.tokens(text), 3.0) is None


def test_letters_that_the_vocabulary_lacks_are_refused(ctc: Folder) -> None:
    spelling = ctc_spelling(ctc)
    for text in ("naïve", "7 cats", "酒店"):
        assert "lacks" in str(spelling.problem(text, spelling.tokens(text), 9.0))


def test_more_letters_than_frames_are_refused(ctc: Folder) -> None:
    spelling = ctc_spelling(ctc)
    assert spelling.frames(16_000) == 49
    tokens = spelling.tokens("A" * 25)
    assert spelling.problem("A" * 25, tokens, 1.0) is None  # 25 and 24 blanks
    assert "51 frames" in str(spelling.problem("A" * 26, spelling.tokens("A" * 26), 1.0))


@given(st.text(alphabet="ABC ", max_size=20))
def test_any_path_with_blanks_between_spells_its_text(ctc: Folder, text: str) -> None:
    spelling: CtcSpelling = ctc_spelling(ctc)
    path = [one for token in spelling.tokens(text) for one in (token, token, spelling.blank)]
    assert spelling.text(path) == " ".join(text.split())


@pytest.mark.parametrize(
    "vocabulary",
    [{}, {"eng": {"<pad>": 0}}, {"<pad>": 1, "A": 0}, {"<pad>": 0, "A": 99}],
)
def test_a_vocabulary_of_another_model_is_refused(ctc: Folder, vocabulary: object) -> None:
    with pytest.raises(ModelError, match=r"vocab\.json"):
        ctc_spelling(ctc | {"vocab.json": json.dumps(vocabulary).encode()})
