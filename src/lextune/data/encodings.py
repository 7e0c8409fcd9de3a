"""Finds out in which encoding bytes are written: by their mark, by the option, or by a guess told as one; it opens no file."""

from __future__ import annotations

import codecs
import unicodedata

from lextune.data.formats import ReadContext, Undecoded
from lextune.extras import need

#: UTF-32 before UTF-16: the mark of the one begins with the mark of the other.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "utf-8 with mark"),
    (codecs.BOM_UTF32_LE, "utf-32", "utf-32-le with mark"),
    (codecs.BOM_UTF32_BE, "utf-32", "utf-32-be with mark"),
    (codecs.BOM_UTF16_LE, "utf-16", "utf-16-le with mark"),
    (codecs.BOM_UTF16_BE, "utf-16", "utf-16-be with mark"),
)
#: The word of `data.encoding` that allows a guess.
DETECT = "detect"
_SAMPLE = 1 << 16
#: Signs of a script that text in an encoding made for it must have, and their least share among its letters.
_KOREAN, _JAPANESE = (("HANGUL",), 0.8), (("HIRAGANA", "KATAKANA"), 0.1)
_SCRIPTS = {
    **dict.fromkeys(("euc-kr", "cp949", "johab"), _KOREAN),
    **dict.fromkeys(
        ("shift-jis", "cp932", "euc-jp", "euc-jis-2004", "shift-jis-2004", "shift-jisx0213", "euc-jisx0213"), _JAPANESE
    ),
}  # fmt: skip
#: Where the signs of most texts lie: ASCII, Latin to Cyrillic, general punctuation, Chinese, Japanese, Korean, full width.
_USUAL = (("\t", "\r"), (" ", "~"), ("\xa0", "\u052f"), ("\u2010", "\u20ac"), ("\u3000", "\u30ff"), ("\u4e00", "\u9fff"),
          ("\uac00", "\ud7a3"), ("\uff00", "\uffee"))  # fmt: skip
#: What texts of western Europe are written in beyond ASCII.
_WESTERN = frozenset("àâäáãåçéèêëíìîïñóòôöõøœæúùûüÿßÀÂÄÁÃÅÇÉÈÊËÍÎÏÑÓÔÖÕØŒÆÚÙÛÜ¿¡«»€–—‘’‚“”„…°§£·ªº")


class Sampler:
    """Reads bytes once to tell whether they are UTF-8, and keeps of those beyond ASCII what a guess needs."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self.utf8 = True
        self.sample = bytearray()

    def feed(self, data: bytes, *, last: bool = False) -> None:
        """The next bytes, in order."""
        if self.utf8:
            try:
                self._decoder.decode(data, last)
            except UnicodeDecodeError:
                self.utf8 = False
        if len(self.sample) >= _SAMPLE or not data:
            return
        if b"\0" in data:  # two bytes a sign: lines cannot be told apart
            self.sample += data[:_SAMPLE]
        else:
            lines = data.splitlines(keepends=True)
            lines = lines[1:] if self.sample and len(lines) > 1 else lines
            self.sample += b"".join(line for line in lines if not line.isascii())[:_SAMPLE]


def choose_encoding(
    head: bytes, name: str, context: ReadContext, known: Sampler
) -> tuple[str, str]:
    """The codec for a file that begins with `head`, and what to call it in records.

    Args:
        head: Of the file.
        name: Of the file, for messages.
        context: Where to report what was guessed and what cannot be.
        known: Of the whole file; used only where a guess is allowed.
    """
    for mark, codec, told in _MARKS:
        if head.startswith(mark):
            return codec, told
    chosen = context.options.encoding
    if chosen == DETECT:
        return _detected(name, context, known)
    if chosen is not None:
        try:
            "".encode(chosen)
            return chosen, f"{codecs.lookup(chosen).name} as configured"
        except (LookupError, ValueError):
            context.findings.add(
                "encoding", "error", f"there is no text encoding {chosen!r}",
                "set data.encoding to a name such as utf-8, gb18030, cp1252 or utf-16-le, or to detect", name,
                unit="files",
            )  # fmt: skip
            return "latin-1", "unknown"
    likely = _two_bytes(head)
    if likely:
        context.findings.add(
            "encoding", "error", f"the file has no byte order mark and looks like {likely} (a guess)",
            f"set data.encoding: {likely} after checking, or save the file as UTF-8", name, unit="files",
        )  # fmt: skip
        # the error stands; reading on so finds the real ones only
        return likely, f"{likely} (a guess)"
    return "utf-8", "utf-8"


def _detected(name: str, context: ReadContext, known: Sampler) -> tuple[str, str]:
    data = bytes(known.sample)
    two = _two_bytes(data)
    if known.utf8 and not two:
        return "utf-8", "utf-8"
    likely = guess_encodings(data, "utf-8")
    if not likely:
        context.findings.add(
            "encoding", "error", "no likely encoding was found", "set data.encoding, or save the file as UTF-8",
            name, unit="files",
        )  # fmt: skip
        return "latin-1", "unknown"
    others = f" (it may also be {', '.join(likely[1:])})" if likely[1:] else ""
    context.findings.add(
        "encoding_guess", "warning", f"files that are not UTF-8 were read as {likely[0]}, a guess",
        f"look at their texts, then set data.encoding: {likely[0]}{others}", name, unit="files",
    )  # fmt: skip
    return likely[0], f"{likely[0]} (a guess)"


def not_decodable(
    place: str, error: UnicodeDecodeError, context: ReadContext, *, skipped: bool = False
) -> None:
    """Report a text that is not in its encoding, with the encodings that its bytes look like."""
    fact, remedy = _not_in(error.encoding, bytes(error.object))
    if skipped:
        context.findings.skipped("encoding", fact)
    context.findings.add("encoding", "error", fact, remedy, place, unit="files")


def tell_undecoded(context: ReadContext) -> None:
    """Report the lines of the present file that are not in its encoding, if there are any.

    Raises:
        DataError: There are, and the findings stop at the first error.
    """
    found = context.undecoded
    if not found.count:
        return
    fact, remedy = _not_in(found.encoding, bytes(found.sample))
    context.findings.skipped("encoding", fact)
    for place in [f"{found.name}:{line}" for line in found.lines]:
        context.findings.add("encoding", "error", fact, remedy, place, unit="lines")
    more = found.count - len(found.lines)
    if more:
        context.findings.add("encoding", "error", fact, remedy, count=more, unit="lines")
    context.undecoded = Undecoded(found.encoding, found.name)


def _not_in(encoding: str, data: bytes) -> tuple[str, str]:
    """Fact and remedy."""
    likely = guess_encodings(data, encoding)
    hint = f"it may be {', '.join(likely)} (a guess)" if likely else "no likely encoding was found"
    remedy = f"set data.encoding{f' to {likely[0]}' if likely else ''} after checking, or save the file as UTF-8"
    return f"this is not {encoding.removesuffix('-sig')} text; {hint}", remedy


def guess_encodings(data: bytes, tried: str, limit: int = 3) -> list[str]:
    """Names of the encodings that bytes look like, likeliest first.

    The order is that of charset-normalizer, but for encodings made for a script that the text has not, for
    western text, which it calls cp1250 as often as cp1252, for GB 2312 and GBK, which are GB 18030, and for
    short simplified Chinese, which it takes for Big5.
    """
    data = data[:_SAMPLE]
    if not data:
        return []
    detector = need("data", "charset_normalizer")
    two = _two_bytes(data)
    found = [two] if two else []
    found += [str(match.encoding).replace("_", "-") for match in detector.from_bytes(data)]
    usual = [name for name in ("gb18030", "cp1252") if _decoded(data, name) is not None]
    names = ["gb18030" if name in ("gbk", "gb2312", "hz") else name for name in [*found, *usual]]
    fitting = [
        name for name in dict.fromkeys(names) if name != tried and _has_its_script(data, name)
    ]
    first = "gb18030" if not two and _is_simplified(data) else ""
    if not first and fitting and _is_one_byte(fitting[0]) and _is_western(data):
        first = "cp1252"
    return [*[first][: bool(first)], *(name for name in fitting if name != first)][:limit]


def _two_bytes(head: bytes) -> str | None:
    """UTF-16 without a mark, by its NULs (text in any other encoding has none) and by what signs it would hold."""
    if b"\0" not in head:
        return None
    scores = []
    for name in ("utf-16-le", "utf-16-be"):
        text = _decoded(head, name) or ""
        usual = sum(any(low <= sign <= high for low, high in _USUAL) for sign in text)
        turned = sum(not ord(sign) % 256 for sign in text)  # ASCII read the wrong way round
        scores.append((round(usual / max(len(text), 1), 1), -turned, name))
    share, _, best = max(scores)
    return best if share >= 0.9 else None


def _has_its_script(data: bytes, encoding: str) -> bool:
    if encoding not in _SCRIPTS:
        return True
    script, least = _SCRIPTS[encoding]
    text = _decoded(data, encoding) or ""
    letters = [sign for sign in text if sign.isalpha() and not sign.isascii()]
    own = sum(unicodedata.name(sign, "").startswith(script) for sign in letters)
    return own >= least * len(letters) > 0


def _is_one_byte(encoding: str) -> bool:
    try:
        return len(bytes(range(0x80, 0x100)).decode(encoding, "replace")) == 0x80
    except (LookupError, UnicodeError):
        return False


def _is_simplified(data: bytes) -> bool:
    """Whether all but a tenth of the letters are common in GB 2312 (its first level, rows 16 to 55).

    Korean in EUC-KR lies in rows 16 to 40 of them alone, other encodings all over the plane.
    """
    text = _decoded(data, "gb18030") or ""
    codes = [sign.encode("gb18030") for sign in text if sign.isalpha() and not sign.isascii()]
    common = [code[0] for code in codes if 0xB0 <= code[0] <= 0xD7 and code[1] >= 0xA1]
    later = sum(lead > 0xC8 for lead in common)
    return len(common) >= 0.9 * len(codes) > 1 and later * 5 >= len(common)


def _is_western(data: bytes) -> bool:
    text = _decoded(data, "cp1252")
    return text is not None and all(sign.isascii() or sign in _WESTERN for sign in text)


def _decoded(data: bytes, encoding: str) -> str | None:
    """The text, or None where the bytes are none in that encoding; the sample may end inside a sign."""
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        return data[: error.start].decode(encoding) if error.end >= len(data) - 4 > 0 else None
    except (LookupError, ValueError):
        return None
