import pytest
import timm
import torch

from lextune.errors import ModelError
from lextune.training.backbone import freeze_stages


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
