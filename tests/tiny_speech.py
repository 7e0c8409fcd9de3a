"""Makes tiny speech models and sounds of tones, of which a model can learn what is said; it knows no test."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

RATE = 16_000
#: A tone for each word.
WORDS = {"low": 220.0, "mid": 660.0, "high": 1500.0}
_LANGUAGES = ("en", "zh", "de")
_LAST_TIME = 1500


def write_tiny_whisper(folder: Path, *, multilingual: bool = False, seed: int = 0) -> Path:
    """A Whisper model with random weights in Hugging Face layout: 2 and 2 layers of width 16."""
    import torch
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    folder.mkdir(parents=True, exist_ok=True)
    signs = pre_tokenizers.ByteLevel.alphabet()
    tokenizer = Tokenizer(models.BPE({sign: place for place, sign in enumerate(sorted(signs))}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = [
        "<|endoftext|>", "<|startoftranscript|>", *(f"<|{one}|>" for one in _LANGUAGES), "<|translate|>",
        "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nocaptions|>", "<|notimestamps|>",
    ]  # fmt: skip
    tokenizer.add_special_tokens([AddedToken(one, normalized=False) for one in special])
    tokenizer.save(str(folder / "tokenizer.json"))
    number = {one: tokenizer.token_to_id(one) for one in special}
    end, no_times = number["<|endoftext|>"], number["<|notimestamps|>"]
    config = WhisperConfig(
        vocab_size=no_times + 2 + _LAST_TIME, num_mel_bins=8, d_model=16, encoder_layers=2, decoder_layers=2,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32,
        max_target_positions=64, pad_token_id=end, bos_token_id=end, eos_token_id=end,
        decoder_start_token_id=number["<|startoftranscript|>"],
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        WhisperForConditionalGeneration(config).save_pretrained(folder)
    generation = {
        "bos_token_id": end, "eos_token_id": end, "pad_token_id": end,
        "decoder_start_token_id": number["<|startoftranscript|>"], "no_timestamps_token_id": no_times,
        "prev_sot_token_id": number["<|startofprev|>"], "max_initial_timestamp_index": 50,
        "suppress_tokens": [one for name, one in number.items() if name != "<|endoftext|>"],
        "begin_suppress_tokens": [end], "is_multilingual": multilingual, "max_length": 64,
    }  # fmt: skip
    if multilingual:
        generation["lang_to_id"] = {f"<|{one}|>": number[f"<|{one}|>"] for one in _LANGUAGES}
        generation["task_to_id"] = {
            one: number[f"<|{one}|>"] for one in ("transcribe", "translate")
        }
    _write(folder / "generation_config.json", generation)
    _write(
        folder / "preprocessor_config.json",
        {
            "feature_extractor_type": "WhisperFeatureExtractor", "feature_size": 8, "sampling_rate": RATE,
            "n_fft": 400, "hop_length": 160, "chunk_length": 30, "n_samples": 30 * RATE, "nb_max_frames": 3000,
        },
    )  # fmt: skip
    _write(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "WhisperTokenizer", "unk_token": "<|endoftext|>", "eos_token": "<|endoftext|>",
            "bos_token": "<|endoftext|>", "pad_token": "<|endoftext|>", "clean_up_tokenization_spaces": False,
        },
    )  # fmt: skip
    (folder / "README.md").write_text("---\nlicense: mit\n---\nA tiny Whisper for tests.\n")
    return folder


def write_tiny_ctc(folder: Path, kind: str = "wav2vec2", seed: int = 0) -> Path:
    """A CTC model of the wav2vec2 family with random weights: 2 layers of width 16, letters in capitals."""
    import torch
    from transformers import AutoConfig, AutoModelForCTC

    folder.mkdir(parents=True, exist_ok=True)
    letters = ["<pad>", "<s>", "</s>", "<unk>", "|", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ'"]
    _write(folder / "vocab.json", {sign: place for place, sign in enumerate(letters)})
    config = AutoConfig.for_model(
        kind, vocab_size=len(letters), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, conv_dim=(8, 8, 8, 8, 8, 8, 8), num_feat_extract_layers=7,
        num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2, pad_token_id=0, bos_token_id=1,
        eos_token_id=2, feat_extract_norm="layer", do_stable_layer_norm=True,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        AutoModelForCTC.from_config(config).save_pretrained(folder)
    _write(
        folder / "preprocessor_config.json",
        {
            "feature_extractor_type": "Wav2Vec2FeatureExtractor", "feature_size": 1, "sampling_rate": RATE,
            "do_normalize": True, "return_attention_mask": True, "padding_value": 0.0,
        },
    )  # fmt: skip
    _write(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "Wav2Vec2CTCTokenizer", "pad_token": "<pad>", "bos_token": "<s>",
            "eos_token": "</s>", "unk_token": "<unk>", "word_delimiter_token": "|",
        },
    )  # fmt: skip
    (folder / "README.md").write_text("---\nlicense: mit\n---\nA tiny wav2vec2 for tests.\n")
    return folder


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value))


def spoken(text: str, seed: int = 0, rate: int = RATE) -> npt.NDArray[np.float32]:
    """A tone of half a second for each word, with gaps, a little noise and a pitch that the seed shifts."""
    draw = np.random.default_rng(seed)
    time, gap = np.arange(rate // 2) / rate, np.zeros(rate // 5)
    shift = 1 + 0.05 * draw.uniform(-1, 1)
    parts = [gap]
    for word in text.split():
        parts += [0.3 * np.sin(2 * np.pi * WORDS[word] * shift * time) * np.hanning(len(time)), gap]
    wave = np.concatenate(parts)
    return (wave + 0.002 * draw.standard_normal(len(wave))).astype(np.float32)


def write_spoken(folder: Path, rows: int = 24, seed: int = 0) -> Path:
    """`metadata.csv` with file_name, transcription and speaker, and its WAV files; two or three words each."""
    import soundfile

    folder.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(seed)
    lines = ["file_name,transcription,speaker"]
    for row in range(rows):
        text = " ".join(draw.choice(list(WORDS), 2 + row % 2).tolist())
        soundfile.write(folder / f"{row}.wav", spoken(text, seed + row), RATE)
        lines.append(f"{row}.wav,{text},s{row % 6}")
    (folder / "metadata.csv").write_text("\n".join(lines) + "\n")
    return folder / "metadata.csv"
