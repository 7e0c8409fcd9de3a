"""Image files of every kind: the same upright RGB for the same bytes, or a refusal that says what to do."""

from __future__ import annotations

import struct
import threading
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lextune import images
from lextune.images import UnfitImageError, decode, open_image, orientation, stored_size
from pictures import chunk, encoded, photo, png

GREY = np.full((4, 5), 32768, np.uint16)


def pixel(data):
    """The one colour of an image."""
    found = decode(data).reshape(-1, 3)
    assert (found == found[0]).all()
    return tuple(found[0].tolist())


def refused(data):
    with pytest.raises(UnfitImageError) as error:
        decode(data)
    return error.value.kind


def flat(mode, colour, size=(5, 4)):
    return Image.new(mode, size, colour)


def with_tiff_tag(data, tag, value):
    """A little-endian TIFF with another value in a short tag."""
    (at,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, at)
    for number in range(count):
        place = at + 2 + 12 * number
        if struct.unpack_from("<H", data, place)[0] == tag:
            return data[: place + 8] + struct.pack("<H", value) + data[place + 10 :]
    raise AssertionError(tag)


@pytest.mark.parametrize(
    ("data", "colour"),
    [
        (encoded(Image.fromarray(GREY)), (128,) * 3),
        (encoded(Image.fromarray(GREY), "TIFF"), (128,) * 3),
        (encoded(Image.fromarray(GREY), "TIFF", compression="tiff_lzw"), (128,) * 3),
        (encoded(Image.fromarray(GREY), "PPM"), (128,) * 3),
        (encoded(flat("I", 32768), "TIFF"), (128,) * 3),
        (encoded(flat("I", 0), "TIFF"), (0,) * 3),
        (encoded(flat("F", 0.5), "TIFF"), (128,) * 3),
        (encoded(flat("F", 1.0), "PPM"), (255,) * 3),
        (with_tiff_tag(encoded(Image.fromarray(GREY), "TIFF"), 262, 0), (127,) * 3),
        (encoded(Image.fromarray(GREY), transparency=32768), (255,) * 3),
        (png(2, 1, 16, 2, b"\0" + struct.pack(">HHH", 32768, 255, 65535) * 2), (128, 0, 255)),
        (png(2, 1, 16, 4, b"\0" + struct.pack(">HH", 32768, 65535) * 2), (128,) * 3),
        (encoded(flat("L", 7)), (7,) * 3),
        (encoded(flat("L", 7), transparency=7), (255,) * 3),
        (encoded(flat("1", 1)), (255,) * 3),
        (encoded(flat("LA", (0, 0))), (255,) * 3),
        (encoded(flat("RGBA", (0, 0, 0, 128))), (127,) * 3),
        (encoded(flat("RGBA", (9, 8, 7, 255))), (9, 8, 7)),
        (encoded(flat("RGBA", (200, 0, 0, 0)), "WEBP", lossless=True, exact=True), (255,) * 3),
        (encoded(flat("RGB", (1, 2, 3)), transparency=(1, 2, 3)), (255,) * 3),
        (encoded(flat("RGB", (1, 2, 3)), transparency=(3, 2, 1)), (1, 2, 3)),
        (encoded(flat("CMYK", (255, 0, 0, 0), (16, 16)), "JPEG"), (0, 255, 255)),
        (encoded(flat("CMYK", (255, 0, 0, 0)), "TIFF"), (0, 255, 255)),
        (encoded(flat("YCbCr", (128, 128, 128)), "TIFF"), (128,) * 3),
        (encoded(flat("RGB", (1, 2, 3)), "BMP"), (1, 2, 3)),
    ],
)
def test_every_kind_of_pixel_has_one_meaning(data, colour):
    assert pixel(data) == colour


def test_16_bit_grey_keeps_its_upper_bits_over_the_whole_range():
    ramp = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    assert (decode(encoded(Image.fromarray(ramp)))[..., 0] == ramp >> 8).all()


@pytest.mark.parametrize("clear", [1, b"\xff\x00"])
def test_a_palette_is_read_as_its_colours_and_what_is_clear_as_white(clear):
    image = flat("P", 1)
    image.putpalette([9, 9, 9, 0, 200, 0])
    assert pixel(encoded(image)) == (0, 200, 0)
    assert pixel(encoded(image, transparency=clear)) == (255, 255, 255)


def adobe_mark(data):
    """Where Adobe's segment of a JPEG begins and ends."""
    at = data.index(b"\xff\xee")
    return at, at + 2 + struct.unpack_from(">H", data, at + 2)[0]


@pytest.mark.parametrize("turn", [1, 6])
def test_cmyk_is_inverted_where_adobe_says_so_and_nowhere_else(turn):
    """Without Adobe's mark 0 is no ink, so what was written inverted is read inverted, turned or not."""
    data = encoded(flat("CMYK", (255, 0, 0, 0), (16, 16)), "JPEG", exif={0x112: turn})
    start, end = adobe_mark(data)
    assert pixel(data) == (0, 255, 255)
    assert pixel(data[:start] + data[end:]) == (0, 0, 0)


def test_ycck_is_read_as_the_colours_that_were_meant():
    """A CMYK file whose mark says transform 2 holds YCCK: its first three planes are YCbCr of inverted CMY."""
    grey = flat("CMYK", (127, 127, 127, 0), (16, 16))
    data = bytearray(encoded(grey, "JPEG", quality=100))
    _, end = adobe_mark(data)
    data[end - 1] = 2
    red, green, blue = pixel(bytes(data))  # planes of 128 are grey in YCbCr as well
    assert max(abs(value - 128) for value in (red, green, blue)) <= 2


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_the_turn_that_exif_asks_for_is_made_once(kind, turn):
    pixels = np.zeros((32, 48, 3), np.uint8)
    pixels[:16, :16] = 255  # the stored upper left corner
    options = {"quality": 95} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    data = encoded(Image.fromarray(pixels), kind, exif={0x112: turn}, **options)
    image = open_image(data)
    assert (orientation(image), stored_size(image)) == (turn, (48, 32))
    found = decode(data)
    assert found.shape == ((32, 48, 3) if turn < 5 else (48, 32, 3))
    # what EXIF says of row 0 and column 0: top left, top right, bottom right, bottom left, and the same mirrored
    bottom, right = turn in (3, 4, 7, 8), turn in (2, 3, 6, 7)
    corner = found[-4 if bottom else 4, -4 if right else 4]
    assert (corner > 200).all()
    assert (found > 128).sum() == 16 * 16 * 3


@pytest.mark.parametrize("turn", [0, 9, 255])
def test_a_turn_that_nobody_knows_is_none(turn):
    assert orientation(open_image(encoded(flat("RGB", 0), "JPEG", exif={0x112: turn}))) == 1


def test_exif_that_cannot_be_read_leaves_the_pixels():
    data = encoded(flat("RGB", (9, 9, 9)), "JPEG", exif={0x112: 6})
    broken = data.replace(b"Exif\0\0MM", b"Exif\0\0??").replace(b"Exif\0\0II", b"Exif\0\0??")
    assert broken != data
    assert decode(broken).shape == (4, 5, 3)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_several_images_the_first_is_read(kind):
    first, *others = (flat("RGB", colour, (8, 8)) for colour in ("red", "lime", "blue"))
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(first, kind, save_all=True, append_images=others, **options)
    assert pixel(data) == (255, 0, 0)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "empty_image"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "lfs_pointer"),
        (b"<!DOCTYPE html><title>404</title>", "not_an_image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\nshowpage\n", "not_an_image"),
        (b"%PDF-1.7\n", "not_an_image"),
        (b"\x89PNG\r\n\x1a\n", "not_an_image"),
        (png(20_000, 20_000, 8, 0, b""), "image_too_large"),
        (png(10_001, 10_000, 8, 0, b""), "image_too_large"),
        (png(9_600, 9_600, 8, 0, b""), "damaged_image"),
        (encoded(flat("I", 200), "TIFF"), "unknown_range"),
        (encoded(flat("I", 70_000), "TIFF"), "unknown_range"),
        (encoded(flat("I", -1), "TIFF"), "unknown_range"),
        (encoded(flat("F", 2.0), "TIFF"), "unknown_range"),
        (encoded(flat("F", float("nan")), "TIFF"), "unknown_range"),
        (
            png(
                1,
                1,
                16,
                2,
                b"\0" + struct.pack(">HHH", 256, 0, 0),
                chunk(b"tRNS", struct.pack(">HHH", 256, 0, 0)),
            ),
            "unknown_colours",
        ),
    ],
)
def test_what_cannot_be_read_right_is_refused(data, kind):
    assert refused(data) == kind


@pytest.mark.parametrize("suffix", ["eps", "pdf", "ico", "tga"])
def test_only_the_listed_formats_are_tried(suffix):
    kinds = {"eps": "EPS", "pdf": "PDF", "ico": "ICO", "tga": "TGA"}
    assert refused(encoded(photo(), kinds[suffix])) == "not_an_image"


@settings(max_examples=60, deadline=None)
@given(data=st.data(), kind=st.sampled_from(["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM"]))
def test_a_file_that_is_cut_short_gives_its_pixels_or_none(data, kind):
    whole = encoded(photo(3), kind)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    try:
        found = decode(cut)
    except UnfitImageError:
        return
    assert (found == decode(whole)).all()


@settings(max_examples=60, deadline=None)
@given(data=st.data(), kind=st.sampled_from(["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM"]))
def test_damaged_bytes_end_in_pixels_or_a_refusal_and_in_nothing_else(data, kind):
    damaged = bytearray(encoded(photo(4), kind))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = decode(bytes(damaged))
    except UnfitImageError:
        return
    assert found.dtype == np.uint8
    assert found.shape[2] == 3


@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(st.integers(1, 200), st.integers(1, 200)), short_side=st.integers(1, 250),
    grey=st.booleans(),
)  # fmt: skip
def test_a_smaller_scale_is_never_too_small(size, short_side, grey):
    image = flat("RGB", (10, 20, 30), size)
    data = encoded(image.convert("L") if grey else image, "JPEG")
    height, width, _ = decode(data, short_side).shape
    assert min(height, width) >= min(short_side, *size)
    assert abs(width * size[1] - height * size[0]) <= 8 * max(size)


def test_a_jpeg_is_decoded_at_an_eighth_and_other_formats_whole():
    image = flat("RGB", 0, (640, 480))
    assert decode(encoded(image, "JPEG"), 60).shape == (60, 80, 3)
    assert decode(encoded(image, "PNG"), 60).shape == (480, 640, 3)


def test_pillows_warnings_reach_nobody_however_many_threads_decode():
    """A bomb's warning, and the state of the filters afterwards; warnings are errors here."""
    large = png(9_600, 9_600, 8, 0, b"")  # Pillow warns of more than 89 million pixels
    small = encoded(photo())
    before = list(warnings.filters)
    failed = []

    def work():
        for _ in range(20):
            try:
                open_image(large)
                decode(small)
            except Warning as error:
                failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert list(warnings.filters) == before


def test_suffixes_are_those_of_the_formats_that_are_read():
    registered = Image.registered_extensions()
    for suffix in images.SUFFIXES - {
        ".jif",
        ".mpo",
    }:  # Pillow knows JPEGs by content, whatever they are called
        assert registered[suffix] in images.FORMATS


def test_a_cut_image_is_refused_whatever_another_library_told_pillow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("PIL.ImageFile.LOAD_TRUNCATED_IMAGES", True)
    whole = encoded(photo(3), "PNG")
    with pytest.raises(UnfitImageError):
        decode(whole[: len(whole) // 2])
