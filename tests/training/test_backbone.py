import pytest
import timm
import torch

from lextune.errors import ModelError
from lextune.training.backbone import freeze_encoder, freeze_stages


@pytest.mark.parametrize(
    ("architecture", "last", "next_one"),
    [
        ("test_efficientnet", "blocks.1.", "blocks.2."),
        ("test_resnet", "layer2.", "layer3."),
        ("test_convnext", "stages.1.", "stages.2."),
    ],
)
def test_stages_are_what_is_numbered_most_and_what_comes_first_is_no_stage(
    architecture, last, next_one
):
    model = timm.create_model(architecture, num_classes=3)
    freeze_stages(model, 2)
    names = [name for name, _ in model.named_parameters()]
    frozen = [name for name, one in model.named_parameters() if not one.requires_grad]
    assert frozen == names[: len(frozen)]
    assert frozen[-1].startswith(last)
    assert names[len(frozen)].startswith(next_one)


def test_more_stages_than_there_are_cannot_be_frozen():
    model = timm.create_model("test_resnet", num_classes=3)
    with pytest.raises(ModelError, match="4 stages"):
        freeze_stages(model, 4)
    with pytest.raises(ModelError, match="0 stages"):
        freeze_stages(torch.nn.Linear(2, 2), 1)


def test_an_encoder_rests_where_it_is_asked_to() -> None:
    from transformers import Wav2Vec2Config, Wav2Vec2ForCTC, WhisperConfig
    from transformers import WhisperForConditionalGeneration as Whisper

    sizes = {"encoder_layers": 1, "decoder_layers": 1, "d_model": 8, "vocab_size": 60_000}
    heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
    whisper: torch.nn.Module = Whisper(WhisperConfig(**sizes, **heads))
    config = Wav2Vec2Config(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, num_conv_pos_embedding_groups=2
    )
    for model, resting in ((whisper, "model.encoder."), (Wav2Vec2ForCTC(config), "wav2vec2.")):
        before = {name for name, one in model.named_parameters() if one.requires_grad}
        freeze_encoder(model, False)
        assert before == {name for name, one in model.named_parameters() if one.requires_grad}
        freeze_encoder(model, True)
        left = {name for name, one in model.named_parameters() if one.requires_grad}
        assert left
        assert left == {name for name in before if not name.startswith(resting)}
