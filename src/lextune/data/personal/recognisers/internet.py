"""E-mail and web addresses, domains, IP and MAC addresses, Bitcoin addresses; it resolves no name."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from stdnum import bitcoin

from lextune.data.personal.base import Detection, recogniser
from lextune.data.personal.folding import Folded

_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9][A-Za-z0-9._%+'-]{0,63} ?@ ?"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}(?![A-Za-z0-9])"
)
_URL = re.compile(
    r"(?<![A-Za-z])(?:https?|ftps?|wss?)://[^\s<>\"'，。；、）】》一-龥]{3,}|(?<![A-Za-z0-9.@])www\.[^\s<>\"'，。；、）】》一-龥]{3,}",
    re.IGNORECASE,
)
_DOMAIN = re.compile(
    r"(?<![A-Za-z0-9@._/-])(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+"
    r"(?:com|org|net|edu|gov|mil|int|info|biz|io|ai|app|dev|cn|hk|tw|kr|jp|uk|de|fr|it|es|nl|se|no|dk|fi|pl|pt"
    r"|ru|us|ca|au|eu|ch"
    r"|at|be|cz|hu|si|br|in|ie|gr|tr|xyz|top|shop|online|site)(?![A-Za-z0-9])(?!\.[A-Za-z0-9])(?:/[^\s一-龥]*)?",
    re.IGNORECASE,
)
_DOT = re.compile(r"[A-Za-z0-9]\.[A-Za-z]")
_V4 = re.compile(r"(?<![0-9A-Za-z.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9A-Za-z])(?!\.[0-9])")
_V6 = re.compile(r"(?<![0-9A-Za-z:])[0-9A-Fa-f:]{2,39}(?:\.[0-9.]{5,11})?(?![0-9A-Za-z:])")
_MAC = re.compile(
    r"(?<![0-9A-Za-z:-])[0-9A-Fa-f]{2}(?:([:-])[0-9A-Fa-f]{2})(?:\1[0-9A-Fa-f]{2}){4}(?![0-9A-Za-z:-])"
)
_COIN = re.compile(
    r"(?<![0-9A-Za-z])(?:[13][A-HJ-NP-Za-km-z1-9]{25,34}|bc1[0-9a-z]{11,71})(?![0-9A-Za-z])"
)
_VERSION = re.compile(r"(?:version|版本|(?<![a-z])v|ver\.?)\s*$")


@recogniser("email", ("EMAIL_ADDRESS",), "at")
def find_email(text: Folded) -> Iterator[Detection]:
    """RFC 5321's common form, with an ending of letters; one space beside the sign is let through."""
    for match in _EMAIL.finditer(text.text):
        yield Detection("EMAIL_ADDRESS", match.start(), match.end(), 0.99, "address")


@recogniser("url", ("URL",), "letter", ("://", "www."))
def find_url(text: Folded) -> Iterator[Detection]:
    """Anything behind http(s), ftp or ws, and what begins with www."""
    for match in _URL.finditer(text.text):
        end = match.start() + len(match[0].rstrip(".,;:!?)]}'\""))
        yield Detection("URL", match.start(), end, 0.97, "scheme")


@recogniser("domain", ("DOMAIN_NAME",), "letter", (".",))
def find_domain(text: Folded) -> Iterator[Detection]:
    """A name with one of the common endings."""
    if not _DOT.search(text.text):
        return
    for match in _DOMAIN.finditer(text.text):
        end = match.start() + len(match[0].rstrip(".,;:!?)]}'\""))
        yield Detection("DOMAIN_NAME", match.start(), end, 0.55, "known_ending")


@recogniser("ip_address", ("IP_ADDRESS",), "digit letter", (".", ":"))
def find_ip(text: Folded) -> Iterator[Detection]:
    """IPv4 (four parts to 255, unless called a version) and IPv6 of at least three groups."""
    for match in _V4.finditer(text.text) if text.text.count(".") >= 3 else ():
        if _is_address(match[0]):
            called = _VERSION.search(text.lower[max(0, match.start() - 10) : match.start()])
            score = 0.4 if called else 0.8
            yield Detection("IP_ADDRESS", match.start(), match.end(), score, "ipv4")
    if text.text.count(":") >= 3:
        for match in _V6.finditer(text.text):
            if match[0].count(":") >= 3 and _is_address(match[0]):
                yield Detection("IP_ADDRESS", match.start(), match.end(), 0.8, "ipv6")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


@recogniser("mac_address", ("MAC_ADDRESS",), "digit letter", (":", "-"))
def find_mac(text: Folded) -> Iterator[Detection]:
    """Six pairs of hexadecimal digits."""
    for match in _MAC.finditer(text.text):
        yield Detection("MAC_ADDRESS", match.start(), match.end(), 0.85, "six_pairs")


@recogniser("bitcoin", ("CRYPTO",), "digit", ("1", "3", "bc1"))
def find_bitcoin(text: Folded) -> Iterator[Detection]:
    """Base58 and Bech32 addresses whose checksum holds."""
    for match in _COIN.finditer(text.text):
        if bitcoin.is_valid(match[0]):
            yield Detection("CRYPTO", match.start(), match.end(), 0.97, "checksum", True)
