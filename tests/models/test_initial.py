from __future__ import annotations

import json

import pytest

from lextune.config import ModelConfig
from lextune.errors import ModelError
from lextune.models.initial import INITIAL
from lextune.models.selection import select


@pytest.mark.parametrize("name", INITIAL)
def test_an_initial_model_has_a_licence_and_no_weights(name: str) -> None:
    for task in INITIAL[name].tasks:
        found = select(ModelConfig(source=f"init:{name}"), task)
        assert found.ref.licence.spdx == "Apache-2.0"
        assert found.ref.architecture == name
        assert sorted(one.path for one in found.ref.files) == ["README.md", "config.json"]
        assert json.loads(found.files["config.json"])["model_type"] == name
        assert found.ref.licence.note == INITIAL[name].about
        assert found == select(ModelConfig(source=f"init:{name}"), task)


def test_auto_takes_the_first_initial_model_of_a_task_that_no_package_starts() -> None:
    found = select(ModelConfig(source="auto"), "behaviour_prediction")
    assert found.ref.source == "init:tabular-transformer"


def test_an_unknown_name_and_a_wrong_pin_are_refused() -> None:
    with pytest.raises(ModelError, match="no initial model 'nothing'"):
        select(ModelConfig(source="init:nothing"), "behaviour_prediction")
    pinned = ModelConfig(source="init:tabular-transformer", sha256={"config.json": "0" * 64})
    with pytest.raises(ModelError, match=r"config\.json of init:tabular-transformer has another"):
        select(pinned, "behaviour_prediction")
    gone = ModelConfig(source="init:tabular-transformer", sha256={"model.safetensors": "0" * 64})
    with pytest.raises(ModelError, match=r"pinned file model\.safetensors is not there"):
        select(gone, "behaviour_prediction")
