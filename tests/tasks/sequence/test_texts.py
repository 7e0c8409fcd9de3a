"""What a text encoder says of items: means of states, standardised over the items, zeros where nothing is said."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import tiny
from lextune.errors import ModelError
from lextune.tasks.sequence.texts import embed_texts


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder: Path = tiny.write_tiny_bert(tmp_path_factory.mktemp("bert"))
    return {one.name: one.read_bytes() for one in folder.iterdir()}


def test_equal_texts_are_equal_and_lengths_of_others_do_not_matter(files: dict[str, bytes]) -> None:
    texts = ["superb film", "awful film " * 9, "", "superb film", "  "]
    found = embed_texts(files, texts)
    assert found.shape == (5, 32)
    torch.testing.assert_close(found[0], found[3])
    assert found[2].abs().sum() == found[4].abs().sum() == 0
    said = found[[0, 1, 3]]
    torch.testing.assert_close(said.mean(0), torch.zeros(32), atol=1e-5, rtol=0)
    assert float(said.std()) == pytest.approx(1, abs=1e-4)


def test_it_is_what_transformers_says(files: dict[str, bytes], tmp_path: Path) -> None:
    from tokenizers import Tokenizer
    from transformers import AutoModel

    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    texts = ["a superb film", "boring", "the story of an actor"]
    model = AutoModel.from_pretrained(tmp_path).eval()
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    with torch.inference_mode():
        means = [model(torch.tensor([tokenizer.encode(one).ids]))[0][0].mean(0) for one in texts]
    unit = torch.stack([one / one.norm() for one in means])
    centred = unit - unit.mean(0)
    torch.testing.assert_close(embed_texts(files, texts), centred / centred.std(), atol=1e-4, rtol=1e-4)  # fmt: skip


def test_items_of_which_nothing_is_known_are_zeros(files: dict[str, bytes]) -> None:
    assert embed_texts(files, ["", ""]).tolist() == [[0.0] * 32] * 2
    one = embed_texts(files, ["superb"])
    assert torch.isfinite(one).all()
    assert one.abs().sum() > 0


def test_weights_that_lack_a_layer_are_refused(files: dict[str, bytes]) -> None:
    import safetensors.torch

    state = safetensors.torch.load(files["model.safetensors"])
    less = {name: one for name, one in state.items() if "layer.1." not in name}
    broken = {**files, "model.safetensors": safetensors.torch.save(less)}
    with pytest.raises(ModelError, match="lack or misfit"):
        embed_texts(broken, ["superb"])
