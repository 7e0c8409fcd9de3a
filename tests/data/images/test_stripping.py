"""Images without metadata: the same pixels upright, to the bit wherever the format allows it, and nothing else."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lextune.data.images import stripping
from lextune.data.images.probe import probe
from lextune.data.images.stripping import LeftoverError, strip
from lextune.images import UnfitImageError, decode
from pictures import PERSONAL, encoded, photo

MODES = {
    "JPEG": ("RGB", "L", "CMYK"), "PNG": ("RGB", "L", "P", "1", "LA", "RGBA", "I;16"), "GIF": ("P", "L"),
    "WEBP": ("RGB", "RGBA"), "BMP": ("RGB", "L", "P", "1"), "TIFF": ("RGB", "L", "CMYK", "1", "I;16"),
    "PPM": ("RGB", "L", "1"),
}  # fmt: skip
WORDS = (b"Ada", b"garden", b"SN-42", b"2026:01")


def made(kind, mode, turn, **options):
    image = photo(5)
    image = (
        Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
        if mode == "I;16"
        else image.convert(mode)
    )
    if kind not in ("GIF", "BMP", "PPM"):
        options["exif"] = {**PERSONAL, 0x112: turn}
    return encoded(image, kind, **options)


@settings(max_examples=80, deadline=None)
@given(data=st.data(), kind=st.sampled_from(sorted(MODES)), turn=st.integers(1, 8))
def test_pixels_stay_and_metadata_goes(data, kind, turn):
    before = made(kind, data.draw(st.sampled_from(MODES[kind])), turn)
    after = strip(before)
    assert probe(after.data).metadata == ()
    assert probe(after.data).format == kind
    assert probe(after.data).orientation == 1
    assert not any(word in after.data for word in WORDS)
    old, new = decode(before).astype(int), decode(after.data)
    assert old.shape == new.shape
    if after.lossy:
        assert (kind, after.turned) == ("JPEG", True)
        assert np.abs(old - new).mean() < 2
    else:
        assert (old == new).all()
    again = strip(after.data)
    assert (decode(again.data) == new).all()
    assert again.turned is False


@pytest.mark.parametrize("sampling", [0, 1, 2])
@pytest.mark.parametrize("turn", [1, 6])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_keeps_its_scans_where_it_is_upright(sampling, turn, progressive):
    before = made(
        "JPEG", "RGB", turn, subsampling=sampling, progressive=progressive, comment=b"Ada"
    )
    after = strip(before)
    assert after.lossy is (turn != 1)
    scan = before[before.rindex(b"\xff\xda") :]
    assert after.data.endswith(scan) is (turn == 1)


def test_a_jpeg_ends_at_its_end_and_thumbnails_go():
    """What lies behind the image is the second one of a stereo pair, a film, or whatever somebody put there."""
    plain = encoded(photo(), "JPEG")
    assert strip(plain).changed is False
    assert strip(plain + b"Ada's film").data == plain
    thumbnail = b"\xff\xe0\0\x13JFIF\0\1\2\0\0\1\0\1\1\1abc"
    app0 = plain[2 : plain.index(b"\xff\xdb")]
    assert strip(plain.replace(app0, thumbnail, 1)).data.count(b"abc") == 0
    several = encoded(photo(), "MPO", save_all=True, append_images=[photo(1)])
    assert Image.open(io.BytesIO(strip(several).data)).format == "JPEG"


def test_colour_profiles_stay():
    profile = b"\0" * 36 + b"acsp" + b"\0" * 88
    for kind in ("JPEG", "PNG", "WEBP", "TIFF"):
        for turn in (1, 6):
            data = encoded(photo(), kind, icc_profile=profile, exif={0x112: turn})
            assert Image.open(io.BytesIO(strip(data).data)).info["icc_profile"] == profile


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_animations_stay_whole(kind):
    info = {"comment": b"Ada"} if kind == "GIF" else {}
    if kind == "PNG":
        info["pnginfo"] = PngInfo()
        info["pnginfo"].add_text("Author", "Ada")
    data = encoded(photo(), kind, save_all=True, append_images=[photo(1), photo(2)], duration=50, loop=0, **info)  # fmt: skip
    after = strip(data)
    assert b"Ada" not in after.data
    old, new = Image.open(io.BytesIO(data)), Image.open(io.BytesIO(after.data))
    assert new.n_frames == old.n_frames == 3
    for frame in range(3):
        old.seek(frame)
        new.seek(frame)
        assert np.array_equal(np.asarray(old.convert("RGB")), np.asarray(new.convert("RGB")))
        assert new.info.get("loop") == old.info.get("loop")


def test_further_pages_are_told():
    data = encoded(photo(), "TIFF", save_all=True, append_images=[photo(1)])
    assert strip(data).first_only


@settings(max_examples=100, deadline=None)
@given(data=st.data(), kind=st.sampled_from(["JPEG", "PNG", "GIF", "WEBP"]))
def test_damaged_files_are_refused_or_stripped(data, kind):
    damaged = bytearray(made(kind, MODES[kind][0], 1))
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(damaged[: data.draw(st.integers(1, len(damaged)))])
    try:
        after = strip(damaged)
    except (UnfitImageError, LeftoverError):
        return
    assert probe(after.data).metadata == ()


def test_metadata_that_would_stay_is_an_error(monkeypatch):
    monkeypatch.setattr(stripping, "_PNG_KEPT", stripping._PNG_KEPT | {b"eXIf"})
    with pytest.raises(LeftoverError, match="gps"):
        strip(made("PNG", "RGB", 1))


@pytest.mark.shared
@pytest.mark.slow
def test_real_images_keep_their_pixels(shared):
    paths = sorted((shared / "data" / "object_detection" / "raccoon" / "images").iterdir())
    for path in paths:
        data = path.read_bytes()
        after = strip(data)
        assert (decode(after.data) == decode(data)).all()
        assert probe(after.data).metadata == ()


def test_xmp_of_a_gif_goes():
    """It is not in blocks; a trailer of 257 bytes leads every reader of blocks to its end (XMP part 3, 1.1.2)."""
    packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><dc:creator>Ada</dc:creator></x:xmpmeta>'
    trailer = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
    plain = encoded(photo(), "GIF")
    said = plain[:-1] + b"\x21\xff\x0bXMP DataXMP" + packet + trailer + b"\x3b"
    at = plain.index(b"\x2c", 13 + 3 * 256)
    early = plain[:at] + b"\x21\xff\x0bXMP DataXMP" + packet + trailer + plain[at:]
    assert probe(early).metadata == ("owner_name",)
    for data in (said, early):
        assert strip(data).data == plain
