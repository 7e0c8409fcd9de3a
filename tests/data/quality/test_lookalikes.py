"""Images that nearly look alike: found among others, across parts, however small they are, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from lextune.config import ColumnsConfig, DataConfig, QualityConfig
from lextune.data.checks import check_path
from lextune.data.quality import lookalikes
from lextune.data.quality.base import quality_checks
from lextune.data.quality.lookalikes import LEAST_CORRELATION, MOST_BITS, SIDE, find_lookalikes
from pictures import encoded, photo


def same_pictures(wanted):
    """Thumbnails that are all alike, so that the hashes decide alone."""
    return np.tile(np.arange(SIDE * SIDE, dtype=np.uint8), (len(wanted), 1))


@settings(max_examples=60, deadline=None)
@given(data=st.data(), seed=st.integers(0, 999), count=st.integers(0, 60))
def test_pairs_are_those_that_comparing_all_finds(data, seed, count):
    draw = np.random.default_rng(seed)
    hashes = draw.integers(0, 2**64, max(count // 4, 1), np.uint64)[draw.integers(0, max(count // 4, 1), count)]  # fmt: skip
    for _ in range(data.draw(st.integers(0, 10))):
        hashes = hashes ^ (np.uint64(1) << draw.integers(0, 64, count).astype(np.uint64))
    part = np.sort(draw.integers(0, 3, count))
    same = draw.integers(0, max(count, 1), count)
    found = find_lookalikes(hashes, part, same, same_pictures)
    expected = set()
    for later in range(count):
        near = [
            n for n in range(later)
            if int(hashes[n] ^ hashes[later]).bit_count() <= MOST_BITS and same[n] != same[later]
        ]  # fmt: skip
        expected |= {(later, part[later] == part[n]) for n in near}
    pairs = list(zip(found.later.tolist(), found.earlier.tolist(), strict=True))
    assert {(later, part[later] == part[earlier]) for later, earlier in pairs} == expected
    assert len(pairs) == len(expected)
    assert all(earlier < later for later, earlier in pairs)
    assert (np.bitwise_count(hashes[found.later] ^ hashes[found.earlier]) <= MOST_BITS).all()


@pytest.mark.parametrize("at_once", [1, 50, 10_000])
def test_blocks_do_not_change_what_is_found(monkeypatch, at_once):
    draw = np.random.default_rng(0)
    hashes = np.repeat(draw.integers(0, 2**64, 40, np.uint64), 3)
    part = np.repeat([0, 1], 60)
    whole = find_lookalikes(hashes, part, np.arange(120), same_pictures)
    monkeypatch.setattr(lookalikes, "_AT_ONCE", at_once)
    cut = find_lookalikes(hashes, part, np.arange(120), same_pictures)
    assert np.array_equal(whole.later, cut.later)
    assert np.array_equal(whole.earlier, cut.earlier)


@settings(max_examples=50, deadline=None)
@given(pixels=arrays(np.uint8, (2, SIDE * SIDE)))
def test_similarity_is_correlation(pixels):
    one, other = pixels.astype(float)
    found = lookalikes._similarities(pixels, np.array([1]), np.array([0]))[0]
    if min(one.std(), other.std()) >= 1:
        assert found == pytest.approx(np.corrcoef(one, other)[0, 1])
    else:
        assert found in (0.0, 1.0)


def test_plain_images_are_alike_if_they_are_as_bright():
    pixels = np.array(
        [[200] * SIDE**2, [200] * SIDE**2, [10] * SIDE**2, list(range(256))], np.uint8
    )
    values = lookalikes._similarities(pixels, np.array([1, 2, 3]), np.array([0, 0, 0]))
    assert values.tolist() == [1.0, 0.0, 0.0]


def folder(root, **classes):
    for label, files in classes.items():
        for name, data in files.items():
            path = root / label / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    return str(root)


def others(first, count=6):
    return {f"{n}.png": encoded(photo(n, (96, 80))) for n in range(first, first + count)}


def checked(train, test=None, checks=("near_duplicates",), **columns):
    config = DataConfig(
        train=(train,), test=None if test is None else (test,), columns=ColumnsConfig(**columns),
        quality=QualityConfig(checks=checks),
    )  # fmt: skip
    report = check_path(config, inputs="image")
    values = {
        (one.name, one.group): one.value for result in report.quality for one in result.measurements
    }
    return report, values


@pytest.fixture
def copied(tmp_path):
    """Train with a near copy of another label, and test with a near copy and an exact one."""
    image = photo(500, (96, 80))
    small = image.resize((48, 40), Image.Resampling.LANCZOS)
    train = folder(
        tmp_path / "train", a={"x.png": encoded(image), **others(0)},
        b={"copy.jpg": encoded(image, "JPEG", quality=60), **others(20)},
    )  # fmt: skip
    test = folder(
        tmp_path / "test", a={"small.png": encoded(small), **others(40)},
        b={"same.png": encoded(photo(20, (96, 80))), **others(60)},
    )  # fmt: skip
    return train, test


def test_copies_are_counted_in_parts_and_across_them(copied):
    train, test = copied
    report, values = checked(train, test)
    assert values["near_duplicate_rows", "part=train"] == 1
    assert values["near_duplicate_rows", "part=test"] == 0
    assert values["near_conflicting_rows", "part=train"] == 2
    assert values["near_leaked_test_rows", None] == 1
    problems = {one.kind: one for one in report.problems}
    assert problems["near_leaked_test_rows"].rows == (f"{test}/a/small.png",)
    assert (
        problems["near_duplicate"].fact == "rows of train that nearly repeat the image of another"
    )
    assert problems["leaked_test_rows"].rows == (f"{test}/b/same.png",)
    (result,) = report.quality
    assert result.parameters["most_bits"] == MOST_BITS
    assert result.parameters["threshold"] == LEAST_CORRELATION
    across, inside = result.details["pairs"]
    copies = {f"{train}/a/x.png", f"{train}/b/copy.jpg"}
    assert across["row"] == {"part": "test", "place": f"{test}/a/small.png"}
    assert across["near"]["place"] in copies
    assert {inside["row"]["place"], inside["near"]["place"]} == copies
    assert inside["same_label"] is False


def test_the_report_page_says_by_what_images_were_compared(copied):
    from lextune.data.report.page import make_page

    report, _ = checked(*copied, checks=tuple(quality_checks.names()))
    page = make_page(report.document())
    assert "perceptual hash" in page
    assert "rows are images" in page


def test_checks_of_texts_say_that_they_looked_at_nothing(copied):
    """A digest is no text: none of them may count it, guess its language or learn from it."""
    report, _ = checked(*copied, checks=tuple(quality_checks.names()))
    found = {one.check: one for one in report.quality}
    for name in ("languages", "lengths", "label_errors", "screening"):
        assert found[name].status == "not_applicable"
        assert "images" in found[name].reason
        assert found[name].measurements == ()
    assert found["coverage"].status == found["near_duplicates"].status == "complete"
    assert not [one for one in report.problems if "text" in one.kind]


@pytest.mark.shared
@pytest.mark.slow
def test_cifar_has_near_copies_across_its_parts(shared):
    """Looked at by eye: all eleven pairs are the same picture, cut or coloured otherwise."""
    root = shared / "data" / "image_classification" / "cifar10_jpg"
    _, values = checked(str(root / "train"), str(root / "test"))
    assert values["near_duplicate_rows", "part=train"] == 7
    assert values["near_leaked_test_rows", None] == 4
    assert values["near_conflicting_rows", None] == 0
