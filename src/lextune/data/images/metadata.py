"""Says which kinds of data about people and cameras an image file carries beside its pixels; it keeps no value of them.

Tags: Exif 2.32 (CIPA DC-008), IPTC-IIM 4.2 (2:80 is the by-line), XMP (ISO 16684-1), MWG regions 2.0, and the text
chunks of PNG, the comments of JPEG and GIF.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from lextune.images import ORIENTATION, quiet

if TYPE_CHECKING:
    from PIL.Image import Image

#: Kinds that are data about a person, or tell where and by whom an image was taken.
PERSONAL = frozenset(
    {
        "camera_serial", "comment", "copyright", "face_regions", "gps", "image_id", "iptc",
        "maker_note", "owner_name", "thumbnail", "unreadable_metadata",
    }
)  # fmt: skip

#: Folders of tags: their pointers, and what Pillow calls the second of the file, which is the thumbnail's.
_EXIF, _GPS, _SECOND = 0x8769, 0x8825, -1
_IFD0 = {
    0x010E: "comment", 0x010F: "camera", 0x0110: "camera", 0x0131: "software", 0x0132: "date_taken",
    0x013B: "owner_name", 0x013C: "software", 0x8298: "copyright", 0x9C9B: "comment", 0x9C9C: "comment",
    0x9C9D: "owner_name", 0x9C9E: "comment", 0x9C9F: "comment", 0xC62F: "camera_serial",
}  # fmt: skip
_PHOTO = {
    0x9003: "date_taken", 0x9004: "date_taken", 0x927C: "maker_note", 0x9286: "comment",
    0xA420: "image_id", 0xA430: "owner_name", 0xA431: "camera_serial", 0xA435: "camera_serial",
}  # fmt: skip
#: Latitude, longitude, their counterparts at the destination, and the names of method and area.
_GPS_PLACES = frozenset({0x02, 0x04, 0x14, 0x16, 0x1B, 0x1C})
#: Image resources of Photoshop (Adobe Photoshop File Formats Specification).
_IPTC, _PHOTOSHOP_THUMBNAILS = 0x0404, (0x0409, 0x040C)
_THUMBNAIL = (0x0201, 0x0111)
_XMP: Mapping[str, re.Pattern[bytes]] = MappingProxyType(
    {
        "camera": re.compile(rb"tiff:(Make|Model)\b"),
        "camera_serial": re.compile(rb"(aux|exifEX):(Body|Lens)?SerialNumber"),
        "comment": re.compile(rb"dc:(description|title|subject)\b|exif:UserComment"),
        "copyright": re.compile(rb"dc:rights\b"),
        "date_taken": re.compile(
            rb"exif:DateTime(Original|Digitized)|photoshop:DateCreated|xmp:CreateDate"
        ),
        "face_regions": re.compile(rb"mwg-rs:Regions|MP:RegionInfo|MPReg:PersonDisplayName"),
        "gps": re.compile(rb"exif:GPS(Latitude|Longitude)"),
        "image_id": re.compile(rb"xmpMM:(Original)?DocumentID"),
        "owner_name": re.compile(rb"dc:creator\b|aux:OwnerName|exifEX:CameraOwnerName"),
        "thumbnail": re.compile(rb"xmpGImg:image"),
    }
)
_GIF_XMP = b"\x21\xff\x0bXMP DataXMP"
_PNG_KINDS = {
    "author": "owner_name", "artist": "owner_name", "copyright": "copyright", "software": "software",
    "creation time": "date_taken", "date:create": "date_taken", "date:modify": "date_taken",
    "date:timestamp": "date_taken",
}  # fmt: skip


def metadata_kinds(image: Image, data: bytes) -> tuple[str, ...]:
    """The kinds found in a loaded image, sorted, each once.

    What cannot be read is `unreadable_metadata`: nobody knows what it holds.

    Args:
        image: As Pillow opened it.
        data: Of its file.
    """
    found: set[str] = set()
    looks = _of_exif(image), _of_xmp(image, data), _of_texts(image)
    for look in looks:
        try:
            with quiet():
                found.update(look)
        except MemoryError:
            raise
        except Exception:  # of a hostile file any
            found.add("unreadable_metadata")
    return tuple(sorted(found))


def _of_exif(image: Image) -> Iterator[str]:
    exif, raw = image.getexif(), image.info.get("exif")
    written = raw.removeprefix(b"Exif\0\0") if isinstance(raw, bytes) else b""
    if not len(exif) and not written:
        return
    if written and written[:2] not in (b"II", b"MM"):  # Pillow takes it for empty
        yield "unreadable_metadata"
        return
    yield from _named(exif, _IFD0)
    yield from _named(exif.get_ifd(_EXIF), _PHOTO)
    if _GPS_PLACES & set(exif.get_ifd(_GPS)):
        yield "gps"
    if any(tag in exif.get_ifd(_SECOND) for tag in _THUMBNAIL) and image.format != "TIFF":
        yield "thumbnail"


def _named(tags: Mapping[int, Any], names: Mapping[int, str]) -> Iterator[str]:
    for tag, value in tags.items():
        if tag in names and tag != ORIENTATION and not _blank(value):
            yield names[tag]


def _blank(value: Any) -> bool:
    """Whether a camera wrote the tag and nothing in it; UserComment begins with eight bytes for its code."""
    if isinstance(value, bytes):
        return not value.removeprefix(b"ASCII\0\0\0").strip(b"\0 \xff")
    return isinstance(value, str) and not value.strip("\0 ")


def _of_xmp(image: Image, data: bytes) -> Iterator[str]:
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    packet = packet.encode("utf-8", "replace") if isinstance(packet, str) else packet
    if image.format == "GIF" and _GIF_XMP in data:  # of which Pillow says nothing
        packet = data[data.index(_GIF_XMP) :]
    if not packet:
        return
    if b"\0<" in packet[:64] or b"<\0" in packet[:64]:  # UTF-16
        packet = packet.replace(b"\0", b"")
    for kind, pattern in _XMP.items():
        if pattern.search(packet):
            yield kind


def _of_texts(image: Image) -> Iterator[str]:
    if image.info.get("comment"):
        yield "comment"
    resources = image.info.get("photoshop") or {}
    if resources.get(_IPTC):
        yield "iptc"
    if any(resources.get(code) for code in _PHOTOSHOP_THUMBNAILS):
        yield "thumbnail"
    texts = getattr(image, "text", {}) if image.format == "PNG" else {}
    for name, text in texts.items():
        if name.startswith("XML:com.adobe.xmp") or not str(text).strip():
            continue
        if name.lower().startswith("raw profile type"):
            yield "iptc" if name.lower().endswith("iptc") else "comment"
        else:
            yield _PNG_KINDS.get(name.lower(), "comment")
