"""Presidio as another model of names: absent it is told, present it reads what is on the machine alone."""

from __future__ import annotations

import importlib.util

import pytest

from lextune.data.personal.presidio import presidio_model
from lextune.errors import ConfigError, MissingExtraError

PRESENT = importlib.util.find_spec("presidio_analyzer") is not None


@pytest.mark.skipif(PRESENT, reason="presidio-analyzer is installed")
def test_without_the_extra_its_command_is_told() -> None:
    with pytest.raises(MissingExtraError, match="presidio"):
        presidio_model("en_core_web_sm")


@pytest.mark.skipif(not PRESENT, reason="presidio-analyzer is not installed")
def test_no_model_is_downloaded() -> None:
    with pytest.raises(ConfigError, match="not on this machine"):
        presidio_model("en_core_web_no_such")
