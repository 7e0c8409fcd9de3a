"""Makes stand-ins of the same shape that belong to nobody; where no shape is safe it makes none.

A number with a check sign gets a wrong one, a telephone number one that its numbering plan gives to nobody, an
address on the internet one of those reserved for documentation. Nothing of the old value is kept but its shape:
length, separators, width, the country of an IBAN or a dialled code, and the first digit of a card, which names
its network. Passports, permits and plates have no check sign: theirs may by chance be somebody's.
"""

from __future__ import annotations

import datetime
import ipaddress
import re
import string
import unicodedata
from collections.abc import Callable

from lextune.data.personal.folding import Folded
from lextune.data.redaction.comparing import comparable, family, fold, national
from lextune.data.redaction.names import stand_in
from lextune.data.redaction.secret import Draw

#: From a value and draws to its stand-in; None where the value has a shape that it does not know.
Maker = Callable[[str, Draw], str | None]
#: Whether the check sign of a number is right.
Check = Callable[[str], bool]

_TRIES = 64
_LONGEST = 40
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_REGIONS = (
    "110101", "120101", "130102", "140105", "210102", "220102", "230102", "310101", "320102", "330102", "340102",
    "350102", "360102", "370102", "410102", "420102", "430102", "440103", "450102", "460105", "500101", "510104",
    "520102", "530102", "610102", "620102", "630102", "640104", "650102",
)  # fmt: skip
_PROVINCES = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新"
#: Plans against which a number of unknown country is held.
_PLANS = ("CN", "HK", "TW", "KR", "JP", "US", "GB", "DE", "FR")
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
#: RFC 2544: for measuring networks, never routed; RFC 3849: for documentation.
_IPV4, _IPV6 = (
    ipaddress.IPv4Network("198.18.0.0/15"),
    ipaddress.IPv6Network("2001:db8::/32"),
)


def pseudonym(kind: str, value: str, draw: Draw) -> str | None:
    """What stands for a value of a type: another of the same shape, never itself; None where the type has no shape."""
    maker = _MAKERS.get(family(kind))
    if maker is None:
        return None
    old = comparable(kind, value)
    for _ in range(_TRIES):
        made = maker(value, draw)
        if made is None or comparable(kind, made) != old:
            return made
    return None


def filled(value: str, signs: str) -> str | None:
    """A value with its letters and digits exchanged in order, each in the case and width of the old one."""
    if sum(one.isalnum() for one in value) != len(signs):
        return None
    new = iter(signs.lower() if value.islower() else signs)
    return "".join(_like(one, next(new)) if one.isalnum() else one for one in value)


def _like(old: str, new: str) -> str:
    new = new.lower() if old.islower() else new
    wide = unicodedata.east_asian_width(old) == "F" and "!" <= new <= "~"
    return chr(ord(new) + 0xFEE0) if wide else new


def _unowned(make: Maker, *checks: Check) -> Maker:
    """A maker of signs, drawn again until no check holds for them."""

    def maker(value: str, draw: Draw) -> str | None:
        core = "".join(one for one in fold(value) if one.isalnum()).upper()
        for _ in range(_TRIES):
            signs = make(core, draw)
            if signs is None:
                return None
            if not any(holds(signs) for holds in checks):
                return filled(value, signs)
        return None

    return maker


def _mod_11_2(signs: str) -> bool:
    from stdnum.cn.ric import calc_check_digit

    # stdnum's own `is_valid` wants a region that it knows, which is no matter of the check sign.
    return len(signs) == 18 and signs[:17].isdecimal() and calc_check_digit(signs) == signs[17]


def _mod_31_3(signs: str) -> bool:
    from stdnum.cn.uscc import calc_check_digit

    return calc_check_digit(signs) == signs[17]


def _luhn(signs: str) -> bool:
    from stdnum.luhn import is_valid

    return bool(is_valid(signs))


def _mod_97(signs: str) -> bool:
    from stdnum.iso7064.mod_97_10 import is_valid

    return bool(is_valid(signs[4:] + signs[:4]))


def _hong_kong(signs: str) -> bool:
    from lextune.data.personal.recognisers.foreign_ids import find_hong_kong

    return any(find_hong_kong(Folded(signs)))


def _taiwan(signs: str) -> bool:
    from lextune.data.personal.recognisers.foreign_ids import find_taiwan

    return any(find_taiwan(Folded(signs)))


def _lettered(core: str, draw: Draw) -> str:
    """Letters for the letters in front, 1 or 2 (the sex in Taiwan) and digits after them."""
    front = len(core) - len(core.lstrip(string.ascii_uppercase))
    letters = "".join(draw.pick(_ALPHABET) for _ in range(front))
    return letters + draw.pick("12") + draw.digits(len(core) - front - 1)


def _resident(core: str, draw: Draw) -> str | None:
    """GB 11643: region, birthday, sequence, check sign; the form of 15 digits has none, so no region is 00."""
    region, day = draw.pick(_REGIONS), _birthday(draw)
    if len(core) == 15:
        return f"00{region[2:]}{day:%y%m%d}{draw.digits(3)}"
    return f"{region}{day:%Y%m%d}{draw.digits(4)}" if len(core) == 18 else None


def _permit(core: str, draw: Draw) -> str | None:
    """As a resident's number, with the region of a permit or the 9 of a foreigner's card in front."""
    if len(core) != 18:
        return _alike(core, draw)
    day = _birthday(draw)
    region = core[0] + draw.digits(5) if core[0] == "9" else core[:2] + "0000"
    return f"{region}{day:%Y%m%d}{draw.digits(4)}"


def _organisation(core: str, draw: Draw) -> str | None:
    """GB 32100: 18 signs without I, O, S, V, Z."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    if len(core) != 18:
        return None
    tail = "".join(draw.pick(alphabet) for _ in range(10))
    return f"{draw.pick(('91', '92', '93', '51', '52', '53'))}{draw.pick(_REGIONS)}{tail}"


def _korean(core: str, draw: Draw) -> str | None:
    """9 and 0 after the birthday are for people born before 1900; check signs say nothing since October 2020."""
    day = _birthday(draw)
    return f"{day:%y%m%d}{draw.pick('90')}{draw.digits(6)}" if len(core) == 13 else None


def _social_security(core: str, draw: Draw) -> str | None:
    """No area is 666 (SSA, https://www.ssa.gov/employer/randomization.html)."""
    return f"666{draw.digits(6)}" if len(core) == 9 else None


def _taxpayer(core: str, draw: Draw) -> str | None:
    """No individual taxpayer number has 00 in its middle (IRS, https://www.irs.gov/pub/irs-pdf/p4757.pdf)."""
    return f"9{draw.digits(2)}00{draw.digits(4)}" if len(core) == 9 else None


def _hardware(core: str, draw: Draw) -> str | None:
    """IEEE 802: an address that is administered locally, which no maker gives to a device."""
    if len(core) != 12:
        return None
    rest = "".join(draw.pick("0123456789ABCDEF") for _ in range(10))
    return draw.pick("0123456789ABCDEF") + draw.pick("26AE") + rest


def _card(core: str, draw: Draw) -> str:
    return core[0] + draw.digits(len(core) - 1)


def _iban(core: str, draw: Draw) -> str:
    return core[:2] + (_alike(core[2:], draw) or draw.digits(len(core) - 2))


def _alike(core: str, draw: Draw) -> str | None:
    """Digits for digits, letters for letters, a province for a province."""
    if len(core) > _LONGEST:
        return None
    signs = []
    for one in core:
        if one in _PROVINCES:
            signs.append(draw.pick(_PROVINCES))
        elif not one.isascii():
            return None
        else:
            signs.append(draw.pick(string.digits if one.isdigit() else _ALPHABET))
    return "".join(signs)


def _phone(value: str, draw: Draw) -> str | None:
    """Same length, same code of the country; 154 for mainland mobiles, 555-01xx for the North American plan."""
    code, number, region = national(fold(value))
    bare = number.lstrip("0")
    zeros = number[: len(number) - len(bare)]
    for _ in range(_TRIES):
        if region == "CN" and len(bare) == 11:
            made = "154" + draw.digits(8)
        elif region == "US" and len(bare) == 10:
            made = f"{draw.pick('23456789')}{draw.below(9)}{draw.digits(1)}55501{draw.digits(2)}"
        else:
            made = draw.pick("123456789") + draw.digits(len(bare) - 1) if bare else ""
        reserved = made[:3] == "154" or (region == "US" and made[3:8] == "55501")
        if reserved or not _is_somebodys(zeros + made, region):
            return _dialled(value, code + zeros + made)
    return None


def _is_somebodys(number: str, region: str | None) -> bool:
    import phonenumbers

    for plan in (region,) if region else _PLANS:
        try:
            if phonenumbers.is_valid_number(phonenumbers.parse(number, plan)):
                return True
        except phonenumbers.NumberParseException:
            continue
    return False


def _dialled(value: str, digits: str) -> str | None:
    """As `filled`, for digits alone: words such as `ext` stay."""
    if sum(one.isdecimal() for one in value) != len(digits):
        return None
    new = iter(digits)
    return "".join(_like(one, next(new)) if one.isdecimal() else one for one in value)


def _birthday(draw: Draw) -> datetime.date:
    """Day and month may change places, as countries write them in both orders."""
    return datetime.date(1950 + draw.below(56), 1 + draw.below(12), 1 + draw.below(12))


def _date(value: str, draw: Draw) -> str | None:
    """Another day, written as the old one was; Chinese numerals are not known."""
    day = _birthday(draw)
    named = any(_month(word) for word in re.findall(r"[A-Za-z]{3,}", value))
    left = [day.day] if named else [day.month, day.day]
    known = False

    def other(match: re.Match[str]) -> str:
        nonlocal known
        old = match[0]
        if old.isdecimal():
            known = True
            if len(old) in (4, 8):
                return filled(old, f"{day:%Y%m%d}"[: len(old)]) or ""
            number = left.pop(0) if left else day.year % 100
            number = number if len(old) > 1 else (number - 1) % 9 + 1
            return filled(old, f"{number:0{len(old)}}"[-len(old) :]) or ""
        if not _month(old):
            return old
        new = _MONTHS[day.month - 1].capitalize()
        return new[:3] if len(old) == 3 else new

    text = re.sub(r"\d+|[A-Za-z]{3,}", other, value)
    return text if known else None


def _month(word: str) -> bool:
    return any(one.startswith(fold(word)[:3]) for one in _MONTHS)


def _email(_: str, draw: Draw) -> str:
    """RFC 2606: nobody can have an address there."""
    return f"{draw.letters(8)}@example.{draw.pick(('com', 'net', 'org'))}"


def _url(value: str, draw: Draw) -> str:
    scheme = re.match(r"[a-z][a-z0-9+.-]*://", fold(value))
    return f"{scheme[0] if scheme else ''}example.org/{draw.letters(8)}"


def _ip(value: str, draw: Draw) -> str | None:
    try:
        old = ipaddress.ip_address(fold(value))
    except ValueError:
        return None
    if old.version == 4:
        return str(_IPV4[draw.below(_IPV4.num_addresses - 2) + 1])
    return str(_IPV6[draw.below(1 << 64) + 1])


def _domain(_: str, draw: Draw) -> str:
    return f"{draw.letters(8)}.example.{draw.pick(('com', 'net', 'org'))}"


_MAKERS: dict[str, Maker] = {
    "PHONE_NUMBER": _phone,
    "EMAIL_ADDRESS": _email,
    "PERSON": stand_in,
    "DATE_OF_BIRTH": _date,
    "URL": _url,
    "DOMAIN_NAME": _domain,
    "IP_ADDRESS": _ip,
    "MAC_ADDRESS": _unowned(_hardware),
    "CREDIT_CARD": _unowned(_card, _luhn),
    "BANK_ACCOUNT": _unowned(_alike, _luhn),
    "IBAN_CODE": _unowned(_iban, _mod_97),
    "CN_RESIDENT_ID": _unowned(_resident, _mod_11_2),
    "CN_RESIDENCE_PERMIT": _unowned(_permit, _mod_11_2),
    "CN_PERMANENT_RESIDENT_CARD": _unowned(_permit, _mod_11_2),
    "CN_UNIFIED_SOCIAL_CREDIT_CODE": _unowned(_organisation, _mod_31_3),
    "CN_TRAVEL_PERMIT": _unowned(_alike),
    "CN_LICENSE_PLATE": _unowned(_alike),
    "PASSPORT": _unowned(_alike),
    "ID_NUMBER": _unowned(_alike, _mod_11_2, _luhn),
    "HK_ID": _unowned(_lettered, _hong_kong),
    "TW_ID": _unowned(_lettered, _taiwan),
    "KR_RRN": _unowned(_korean),
    "US_SSN": _unowned(_social_security),
    "US_ITIN": _unowned(_taxpayer),
    "US_DRIVER_LICENSE": _unowned(_alike),
    "ZIP_CODE": _unowned(_alike),
}
