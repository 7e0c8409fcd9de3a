"""Changes of pictures keep their size, are lossless but for JPEG, and do what their names say."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pictures
from lextune.audits.perturbations.image import PERTURBATIONS
from lextune.errors import VerificationError
from lextune.images import ImageInput, decode

BY_NAME = {one.name: one for one in PERTURBATIONS}


def drawn() -> Image.Image:
    """Grey above, and below it a chess board that blurs."""
    pixels = np.full((60, 80, 3), 128, np.uint8)
    board = (np.indices((30, 80)).sum(axis=0) % 2 * 200 + 20).astype(np.uint8)
    pixels[30:] = board[..., None]
    return Image.fromarray(pixels)


GIVEN = ImageInput("nowhere.png", "", "label", "mask.png", data=pictures.encoded(drawn()))


def changed(name: str, severity: float = 1.0, seed: int = 0) -> np.ndarray:  # type: ignore[type-arg]
    found = BY_NAME[name].change(GIVEN, np.random.default_rng(seed), severity)
    assert (found.label, found.mask) == ("label", "mask.png")
    return decode(found.data).astype(float)


PLAIN = np.asarray(drawn(), float)


@pytest.mark.parametrize("name", BY_NAME)
def test_a_picture_changes_the_same_way_for_the_same_seed(name: str) -> None:
    found = changed(name)
    np.testing.assert_array_equal(found, changed(name))
    if BY_NAME[name].fits("boxes"):
        assert found.shape == PLAIN.shape
        assert not np.array_equal(found, PLAIN)
    assert changed(name, 5.0).ndim == 3


def test_only_crops_are_for_classes_alone() -> None:
    assert [name for name, one in BY_NAME.items() if not one.fits("mask")] == ["crop"]
    assert changed("crop").shape == (51, 68, 3)
    assert changed("crop", 5.0).shape == (25, 34, 3) or changed("crop", 5.0).shape == (18, 24, 3)


def test_each_does_what_its_name_says() -> None:
    assert changed("blur")[30:].std() < PLAIN[30:].std() / 2
    noisy = changed("noise")[:30] - 128
    assert noisy.std() == pytest.approx(0.08 * 255, rel=0.1)
    assert abs(noisy.mean()) < 2
    levels = sorted({changed("brightness", seed=seed)[:30].mean() for seed in range(8)})
    assert levels == pytest.approx([128 * 0.6, 128 * 1.4], abs=1)
    spreads = {round(changed("contrast", seed=seed)[30:].std()) for seed in range(8)}
    assert len(spreads) == 2
    assert min(spreads) < PLAIN[30:].std() < max(spreads)
    assert np.abs(changed("jpeg") - PLAIN).mean() > 1


def test_a_file_that_was_changed_since_it_was_checked_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "one.png"
    path.write_bytes(pictures.encoded(drawn()))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    given = ImageInput(str(path), digest)
    assert BY_NAME["blur"].change(given, np.random.default_rng(0), 1.0).data
    path.write_bytes(pictures.encoded(drawn().rotate(90)))
    with pytest.raises(VerificationError):
        BY_NAME["blur"].change(given, np.random.default_rng(0), 1.0)
