"""Payment cards by issuer prefix, length and Luhn together, IBANs, and accounts that the text calls so.

Prefixes and lengths are those of ISO/IEC 7812 issuers as the networks publish them. A time in milliseconds can pass
Luhn (1 of 10 random numbers does) and is no card: no network issues 13 digits that begin with 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from stdnum import iban, luhn

from lextune.data.personal.base import Detection, recogniser
from lextune.data.personal.folding import Folded
from lextune.data.personal.patterns import GAP, before, compact, words

_CARD = re.compile(rf"(?<![0-9])(?<![0-9]\.)[1-9](?:{GAP}[0-9]){{11,18}}(?![0-9])")
_IBAN = re.compile(r"(?<![0-9A-Za-z])[A-Za-z]{2}[0-9]{2}(?:[ -]?[0-9A-Za-z]){11,30}(?![0-9A-Za-z])")
_ACCOUNT = re.compile(
    r"(?:账户|帐户|賬戶|账号|帐号|賬號|卡号|卡號|银行卡|储蓄卡|信用卡|银行|(?<![a-z])account(?: number| no\.?| #)?|(?<![a-z])a/c"
    r"|(?<![a-z])card(?: number| no\.?| #)|(?<![a-z])iban)(?:尾号)?(?:\s*(?:is|为|是|号码|号))?[\s::#为是]{0,3}"
    rf"(?P<number>[0-9](?:{GAP}[0-9]){{9,27}})(?![0-9a-z])"
)
_CALLED = re.compile(
    words("card", "visa", "mastercard", "amex", "卡号", "卡號", "银行卡", "信用卡", "储蓄卡")
)


def _range(low: int, high: int) -> tuple[str, ...]:
    return tuple(str(one) for one in range(low, high + 1))


#: (network, prefixes, lengths); the first that fits names the type.
_NETWORKS = (
    ("CN_BANK_CARD", ("62", "81"), frozenset({16, 17, 18, 19})),
    ("CN_BANK_CARD", ("9558",), frozenset({19})),  # ICBC debit cards from before UnionPay's 62
    ("CREDIT_CARD", ("4",), frozenset({13, 16, 19})),
    ("CREDIT_CARD", (*_range(51, 55), *_range(2221, 2720)), frozenset({16})),
    ("CREDIT_CARD", ("34", "37"), frozenset({15})),
    ("CREDIT_CARD", (*_range(300, 305), "3095", "36", "38", "39"), frozenset({14, 16, 19})),
    ("CREDIT_CARD", _range(3528, 3589), frozenset({16, 17, 18, 19})),
    ("CREDIT_CARD", ("1800", "2131"), frozenset({15})),
    ("CREDIT_CARD", ("6011", *_range(644, 649), "65"), frozenset({16, 19})),
    ("CREDIT_CARD", _range(2200, 2204), frozenset({16, 17, 18, 19})),
    ("CREDIT_CARD", ("50", "56", "57", "58", "63", "67", "6390"), frozenset(range(12, 20))),
)  # fmt: skip


def _network(number: str) -> str | None:
    for kind, prefixes, lengths in _NETWORKS:
        if len(number) in lengths and number.startswith(prefixes):
            return kind
    return None


def _cut(text: str, start: int, end: int) -> Iterator[int]:
    """Ends at which a number may end: the whole, then each place where a gap lies behind a digit."""
    yield end
    for place in range(end - 1, start, -1):
        if text[place - 1].isdigit() and not text[place].isdigit():
            yield place


@recogniser("bank_cards", ("CREDIT_CARD", "CN_BANK_CARD"), "run12")
def find_cards(text: Folded) -> Iterator[Detection]:
    """Issuer prefix and length and Luhn; digits in groups may be followed by other numbers."""
    place = 0
    while match := _CARD.search(text.text, place):
        place = match.start() + 1
        for end in _cut(text.text, match.start(), match.end()):
            number = compact(text.text[match.start() : end])
            if len(number) < 12 or not luhn.is_valid(number):
                continue
            kind = _network(number)
            if kind:
                yield Detection(kind, match.start(), end, 0.95, "issuer_length_luhn", True)
            elif len(number) in (15, 16, 19) and before(text.lower, match.start(), _CALLED):
                yield Detection("CREDIT_CARD", match.start(), end, 0.85, "luhn_and_label", True)
            else:
                continue
            place = end
            break


@recogniser(
    "bank_accounts", ("BANK_ACCOUNT",), "run9",
    ("账", "帐", "賬", "卡", "银行", "account", "a/c", "card", "iban"),
)  # fmt: skip
def find_accounts(text: Folded) -> Iterator[Detection]:
    """Numbers of 10 to 28 digits that the text calls an account or a card, whatever their check digit says."""
    for match in _ACCOUNT.finditer(text.lower):
        yield Detection(
            "BANK_ACCOUNT", match.start("number"), match.end("number"), 0.6, "label"
        )  # fmt: skip


@recogniser("ibans", ("IBAN_CODE",), "run6")
def find_ibans(text: Folded) -> Iterator[Detection]:
    """ISO 13616: MOD 97-10 and the length and structure of the country; words behind are cut off."""
    place = 0
    while match := _IBAN.search(text.text, place):
        place = match.start() + 2
        end = match.end()
        while end - match.start() >= 15:
            if iban.is_valid(compact(text.text[match.start() : end]), check_country=False):
                yield Detection("IBAN_CODE", match.start(), end, 0.97, "mod_97_and_length", True)
                place = end
                break
            end = max(text.text.rfind(sign, match.start(), end) for sign in " -")
