"""The program that the user guide shows loads a release of a detector with torchvision and timm alone."""

import re
import runpy
import sys
from pathlib import Path

import pytest
import torch

import tiny_detectors
from lextune.tasks.base import tasks
from lextune.tasks.vision.detectors import build_detector

_GUIDE = Path(__file__).resolve().parents[2] / "docs" / "user-guide.md"
_BLOCK = re.compile(r"^```python\n# load_detector.py\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("architecture", ["test_efficientnet", "test_resnet"])
def test_the_shown_program_loads_what_was_written(architecture, tmp_path, monkeypatch):
    task, files = tasks.get("object_detection"), tiny_detectors.backbone(architecture)
    model, _ = build_detector(files, ["a", "b"], new_head=True)
    model.score_thresh = 0.0
    for name, data in task.export(model, files, {"classes": ["a", "b"], "settings": {}}).items():
        (tmp_path / name).write_bytes(data)
    program = tmp_path / "load_detector.py"
    (shown,) = _BLOCK.findall(_GUIDE.read_text(encoding="utf-8"))
    program.write_text(shown)
    monkeypatch.setattr(sys, "argv", [str(program), str(tmp_path)])
    loaded = runpy.run_path(str(program))["model"]
    loaded.score_thresh = 0.0
    image = torch.rand(3, 320, 400)
    expected, found = model.eval()([image])[0], loaded([image])[0]
    assert len(found["boxes"])
    for name, one in expected.items():
        assert torch.equal(one, found[name])
