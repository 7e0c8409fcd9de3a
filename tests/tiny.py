"""Makes tiny encoders and easy synthetic reviews, from which a real run releases in seconds; it knows no test."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

GOOD = ("wonderful", "superb", "delightful", "brilliant")
BAD = ("awful", "dreadful", "boring", "terrible")
_FILLERS = """
the a this film movie plot actor scene story music camera ending script cast director was is
and with of in on very quite rather really long short first last again we saw it at home
cinema evening friend family city summer winter old new
"""
PLAIN = tuple(_FILLERS.split())
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def write_tiny_bert(folder: Path, seed: int = 0) -> Path:
    """A BERT encoder with random weights in Hugging Face layout: 2 layers of width 32, about 100 KB."""
    import safetensors.torch
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel

    folder.mkdir(parents=True, exist_ok=True)
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    words = [*_SPECIAL, *PLAIN, *GOOD, *BAD, *letters, *(f"##{one}" for one in letters)]
    vocabulary = {word: index for index, word in enumerate(dict.fromkeys(words))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[(one, vocabulary[one]) for one in ("[CLS]", "[SEP]")],
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "BertTokenizer", "pad_token": "[PAD]", "model_max_length": 64}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        state = BertModel(config).state_dict()
    safetensors.torch.save_file(state, folder / "model.safetensors", {"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config.to_dict()))
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\nA tiny BERT for tests.\n")
    return folder


def write_tiny_model(folder: Path, kind: str, seed: int = 0, **values: Any) -> Path:
    """An encoder of any architecture (`mpnet`, `gpt2`) with random weights and the tiny BERT's tokenizer."""
    import torch
    from transformers import AutoConfig, AutoModel

    write_tiny_bert(folder)
    size = len(json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"])
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = AutoModel.from_config(AutoConfig.for_model(kind, vocab_size=size, **values))
    model.save_pretrained(folder)
    return folder


def write_tiny_network(folder: Path, seed: int = 0, name: str = "test_efficientnet") -> Path:
    """A network of images with random weights in timm's layout: 0.4 million parameters, 32 by 32 pixels."""
    import safetensors.torch
    import timm
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        state = timm.create_model(name, num_classes=5).state_dict()
    safetensors.torch.save_file(state, folder / "model.safetensors", {"format": "pt"})
    own = {"input_size": [3, 32, 32], "crop_pct": 1.0, "mean": [0.5] * 3, "std": [0.5] * 3}
    config = {"architecture": name, "num_classes": 5, "pretrained_cfg": own}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\nA tiny network for tests.\n")
    return folder


def write_tiny_wave_model(
    folder: Path, kind: str = "wav2vec2", seed: int = 0, **values: Any
) -> Path:
    """A model of the wav2vec2 families with random weights: 2 layers of width 16 over waves."""
    import torch
    from transformers import AutoConfig, AutoModel

    folder.mkdir(parents=True, exist_ok=True)
    config = AutoConfig.for_model(
        kind, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        conv_dim=[8] * 7, num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=2, **values,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        AutoModel.from_config(config).save_pretrained(folder)
    extractor = {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "do_normalize": True}
    (folder / "preprocessor_config.json").write_text(json.dumps(extractor))
    return folder


#: Pitches of made-up voices in hertz, by class.
PITCHES = {"low": 200.0, "middle": 500.0, "high": 1250.0}


def draw_sound(name: str, seed: int, seconds: float = 0.8, rate: int = 16_000) -> Any:
    """A noisy tone with overtones near a class's pitch, shape (samples,); about half as loud as can be."""
    import numpy as np

    draw = np.random.default_rng(seed)
    times = np.arange(round(seconds * rate)) / rate
    pitch = PITCHES[name] * draw.uniform(0.9, 1.1)
    wave = sum(np.sin(2 * np.pi * pitch * n * times) / n for n in (1, 2, 3))
    return 0.25 * wave + draw.normal(0, 0.01, len(times))


def write_sounds(folder: Path, count: int, seed: int = 0, speakers: int = 6) -> Path:
    """WAV files and `labels.csv` (audio, label, speaker), as many of each class, told apart by their pitch."""
    import soundfile

    folder.mkdir(parents=True, exist_ok=True)
    lines = ["audio,label,speaker"]
    for number in range(count):
        name = tuple(PITCHES)[number % len(PITCHES)]
        wave = draw_sound(name, seed * 10_000 + number)
        soundfile.write(folder / f"{number:04}.wav", wave, 16_000, subtype="PCM_16")
        lines.append(f"{number:04}.wav,{name},s{number // len(PITCHES) % speakers}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder


#: Colours of the squares in drawn images, by class.
COLOURS = {"red": (200, 30, 30), "green": (30, 180, 40), "blue": (40, 60, 210)}


def draw_image(
    colour: str, seed: int, size: tuple[int, int] = (40, 32)
) -> tuple[Any, tuple[int, int, int, int]]:
    """A noisy grey image (Pillow's) with one square of a class's colour, and where that lies (x1, y1, x2, y2)."""
    import numpy as np
    from PIL import Image

    draw = np.random.default_rng(seed)
    width, height = size
    pixels = draw.integers(90, 160, (height, width, 3), np.uint8)
    side = int(draw.integers(10, 18))
    left, top = int(draw.integers(0, width - side)), int(draw.integers(0, height - side))
    pixels[top : top + side, left : left + side] = COLOURS[colour]
    return Image.fromarray(pixels), (left, top, left + side, top + side)


def write_images(folder: Path, count: int, seed: int = 0) -> Path:
    """Images in a folder for each class, as many of each, told apart by the colour of a square."""
    for number in range(count):
        name = tuple(COLOURS)[number % len(COLOURS)]
        image, _ = draw_image(name, seed * 10_000 + number)
        path = folder / name / f"{number:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)
    return folder


def write_reviews(path: Path, rows: int = 1200, seed: int = 0) -> Path:
    """Reviews (CSV: text, label, place), half `positive` and half `negative`, told apart by one word each."""
    draw = random.Random(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["text", "label", "place"])
        for row in range(rows):
            label, told = ("positive", GOOD) if row % 2 else ("negative", BAD)
            words = draw.choices(PLAIN, k=draw.randint(8, 16))
            words.insert(draw.randrange(len(words)), draw.choice(told))
            writer.writerow([" ".join(words), label, draw.choice(["north", "south"])])
    return path


def write_entities(path: Path, sentences: int = 900, seed: int = 0) -> Path:
    """CoNLL columns: a made-up name of one or two words stands behind `director` or `actor`, a made-up place behind `in`.

    Hardly a name occurs twice, so that a list of them is of little use.
    """
    draw = random.Random(seed)
    before = {"director": "PER", "actor": "PER", "in": "LOC"}
    plain = [word for word in PLAIN if word not in before]
    lines = []
    for _ in range(sentences):
        words = [(word, "O") for word in draw.choices(plain, k=draw.randint(3, 7))]
        for opener in draw.sample(sorted(before), k=draw.randint(1, 2)):
            kind = before[opener]
            name = ["".join(draw.choices("bcdfgklmnprst", k=4)) for _ in range(draw.randint(1, 2))]
            parts = zip(name, "BI", strict=False)
            words += [(opener, "O"), *((word, f"{part}-{kind}") for word, part in parts)]
            words += [(word, "O") for word in draw.choices(plain, k=draw.randint(1, 3))]
        lines += [*(f"{word}\t{tag}" for word, tag in words), ""]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def tiny_config(model: Path, data: Path) -> dict[str, Any]:
    """A config (plain data) that releases: `lextune.run(tiny_config(model, data), out=...)`."""
    return {
        "task": "sentiment",
        "model": {"source": str(model)},
        "data": {
            "train": str(data),
            "columns": {"text": "text", "label": "label", "group": ["place"]},
            "licence": "CC0-1.0",
            "split": {"test": 0.25, "validation": 0.15, "seed": 42},
        },
        "train": {
            "epochs": 3,
            "batch_size": 16,
            "learning_rate": 3e-3,
            "max_length": 32,
            "precision": "fp32",
            "save_steps": 1000,
        },
        "evaluation": {"bootstrap_samples": 200},
        "use": {"purpose": "test the tests", "commercial": False, "places": ["EU"]},
        "policy": {"packs": ["house", "licences"]},
        "release": {"name": "tiny", "version": "1.2.3"},
    }
