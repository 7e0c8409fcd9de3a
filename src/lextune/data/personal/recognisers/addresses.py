"""Street addresses in Chinese and English, postcodes and places, by form and by the words before them; it knows no map."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lextune.data.personal.base import Detection, recogniser
from lextune.data.personal.folding import Folded
from lextune.data.personal.lists import words
from lextune.data.personal.places import PROVINCES
from lextune.data.personal.places import STREETS as _KINDS

_STREETS = "|".join(_KINDS)
_H = r"[\u4e00-\u9fff]"
_HEAD = (
    rf"(?:(?:中国)?(?:{PROVINCES})(?:省|市|壮族自治区|回族自治区|维吾尔自治区|自治区|特别行政区)?)"
    rf"(?:{_H}{{1,7}}?(?:市|自治州|地区|盟))?(?:{_H}{{1,7}}?(?:区|县|旗|市))?(?:{_H}{{1,7}}?(?:镇|乡|街道|开发区|新区))?"
)
_ROAD = r"(?:大街|大道|街|路|道|巷|弄|胡同|里|村|小区|花园|公寓|苑|新村|广场|大厦|社区|家园|山庄)"
_NUMBER = r"[0-9一二三四五六七八九十百零甲乙丙A-Za-z-]{1,8}"
_TAIL = (
    rf"(?:{_NUMBER}(?:号院|号楼|号|弄|栋|幢|座|楼|单元|层|室|房|组|队|户|F|f|#)(?:院|楼)?"
    rf"|{_H}{{2,8}}(?:大厦|小区|广场|花园|公寓|中心|大楼|宿舍|苑|家园|校区|科技园))"
)
_ZH = re.compile(
    rf"{_HEAD}\s?{_H}{{1,10}}?{_ROAD}\s?(?:{_TAIL}[\s-]?){{0,6}}|{_HEAD}(?:{_TAIL}[\s-]?){{1,6}}"
)
_ZH_SHORT = re.compile(
    rf"(?:{_H}{{2,4}}市)?(?:{_H}{{2,4}}(?:区|县))?(?:{_H}{{2,6}}(?:镇|乡|街道))?{_H}{{2,6}}?(?:大街|大道|街|路|巷|弄|胡同|小区|花园"
    rf"|公寓|新村){_NUMBER}(?:号院|号楼|号|弄|栋|幢|座)(?:{_TAIL}){{0,5}}"
)
_ZH_LEAD = re.compile(
    r"^.*(?:现?居住?(?:于|在)?|住址?(?:在|于|是|为)?|家住|位于|地址(?:是|为)?|住所(?:是|为)?|寄到|送到|送至|寄往|来自|前往|坐落于|在|到|于|的|是|为)(?=.{4})"
)
_ZH_PLACE = re.compile(
    rf"(?:{PROVINCES})(?:省|市|自治区|特别行政区)(?:{_H}{{1,5}}?(?:市|州|区|县))?|(?:{PROVINCES}){_H}{{1,4}}?(?:市|州|区|县)"
)
_ZH_LABEL = re.compile(
    r"(?:家庭住址|收货地址|联系地址|通讯地址|户籍地址|注册地址|现住址|住址|地址|籍贯|户籍所在地|出生地)\s*(?:[::]|是"
    r"|为)\s*(?P<place>[\u4e00-\u9fffA-Za-z0-9()#·\- ]{2,60})"
)

_CAP = r"(?:[^\W\d_a-z][^\W\d_]*\.?(?:['-][^\W\d_]+)*)"
_ANY = r"(?:[^\W\d_]+\.?(?:['-][^\W\d_]+)*)"
_SUITE = r"(?:(?:apt|apartment|suite|ste|unit|room|rm|flat|floor|fl|building|bldg)\.?\s?#?\s?[0-9]+[a-z]?|#\s?[0-9]+[a-z]?)"
_DIRECTION = (
    r"(?:\s(?:northwest|northeast|southwest|southeast|north|south|east|west|nw|ne|sw|se)(?![a-z]))?"
)
#: The number of a house, sometimes after that of a box or a building.
_LEAD = r"(?<![\w.,#$€£:/-])[0-9]{1,6}[A-Za-z]?,?\s(?:[0-9]{1,5}\s)?"
#: What may follow a street: city, state, country and postcode, on the same or the next lines.
_REST = (
    r"(?:[ ,]*\n?[ ,>?]*(?i:" + _SUITE + r"))?"
    rf"(?P<rest>(?:\s*[,\n][ ,>?\n]{{0,12}}(?!(?i:phone|mobile|desk|fax|tel|email|website|my|i|and|for|the|is|in"
    rf"|on|at|please|call|name|office)\b){_CAP}(?: {_CAP}){{0,3}}){{0,3}}"
    r"(?:[ ,\n]+(?:[A-Z]{2}[ \n]+)?[0-9]{3,6}(?:[ -][0-9]{2,4})?(?: [A-Z]{2})?(?![0-9A-Za-z]))?)"
)
_EN = re.compile(
    rf"{_LEAD}(?:[0-9]{{1,3}}(?:st|nd|rd|th)\s|{_CAP}\s){{0,5}}?"
    rf"(?:(?i:{_STREETS})(?![\w])\.?)(?i:{_DIRECTION})(?:(?:\s{_CAP}){{0,2}}?\s(?i:{_STREETS})(?![\w])\.?)?{_REST}"
)
_EN_LOWER = re.compile(
    rf"(?<![\w.,#$€£-])[0-9]{{1,6}}[a-z]?\s(?:{_ANY}\s){{1,4}}?(?:street|st|road|rd|avenue|ave|lane|drive"
    rf"|boulevard|blvd|highway|terrace)(?![\w])"
    rf"(?:[ ,]*\n?[ ,]*(?:{_SUITE}))?"
)
#: A number, a street's name and a second number or a flat, as much of Europe writes it.
_EN_NUMBERS = re.compile(
    rf"{_LEAD}{_CAP}[ ](?:{_ANY}[ ]){{0,4}}"
    rf"(?:[0-9]{{1,6}}[a-z]?\.?(?![\w:/-])(?:[ ,]*\n?[ ,>?]*(?i:{_SUITE}))?|(?i:{_SUITE})){_REST}"
)
#: Kinds of streets that stand before the name, or at its end, with a number behind.
_EUROPE = re.compile(
    rf"(?<![\w])(?:(?:ul\.|Via|Rue|Rua|Calle|Avenida|Av\.|C/|Piazza|Plaza|Strada|Viale|Corso|Paseo|Impasse"
    rf"|Chemin|Travessa)"
    rf"\s(?:{_ANY}[ ]){{1,5}}|[A-Z][^\W\d_]+(?:straße|strasse|str\.|gatan|gata|gade|vej|vejen|veien|vägen|weg"
    rf"|platz|laan|straat|katu|tie|kuja|allé|plein)\s)[0-9]{{1,5}}[a-z]?(?![\w:/-]){_REST}"
)
_BOX = re.compile(
    r"(?<![A-Za-z])(?:[0-9]{1,6} )?(?:P\.?\s?O\.?\s?Box|PSC|Unit|CMR)\s?[0-9]{1,6}(?:,?\s?Box\s?[0-9]{1,6})?"
    r"(?:[,\s]+[AFD]PO\s(?:AA|AE|AP)\s[0-9]{5}(?:-[0-9]{4})?)?" + _REST,
    re.IGNORECASE,
)
_MILITARY = re.compile(
    r"(?<![A-Za-z])(?:USNS|USS|USCGC|USNV)\s[A-Z][a-z]+[,\s]+[AFD]PO\s(?:AA|AE|AP)\s[0-9]{5}"
)
_LABEL_BEFORE = re.compile(
    r"(?<![a-z])(?:address(?:es)?(?: is| to| with|:)?|at|on|in|to|is)\s{1,9}$", re.IGNORECASE
)
_LABELLED = re.compile(
    _LEAD + _CAP + r"(?:[ ]" + _CAP + r"){0,4}" + _REST + r"(?=[.,;:!?)\n]|\s|$)"
)
_NO_STREET = re.compile(
    r"(?i)[0-9]+[a-z]?\s(?:january|february|march|april|may|june|july|august|september|october|november|december"
    r"|jan|feb|mar|apr|aug|sep|oct|nov|dec|am|pm|years?|days?|hours?|minutes?|people|percent|usd|dollars|euros"
    r"|times|reviews?|stars?|minutes|more|new|other|different|rooms?|points?|euro|dollar|bucks|million|billion)\b"
)
_ZIP = re.compile(
    r"(?:(?<![a-z])zip(?: ?code)?|post(?:al)? ?code|postcode|邮编|邮政编码|郵遞區號)\s*(?:is|:|是|为"
    r"|为:)?\s*(?P<zip>[0-9][0-9a-z]{2,5}(?:[ -][0-9a-z]{2,4})?)(?![0-9a-z])"
)


_HOUSE = re.compile(_LEAD + "(?=[^\\W_a-z])")
_NUMBERED = (("number_street", _EN), ("number_name_number", _EN_NUMBERS))
_NAMED = (("european_street", _EUROPE), ("box", _BOX), ("military", _MILITARY))
_NAMED_WORDS = words("street_words")


@recogniser("addresses_chinese", ("STREET_ADDRESS", "LOCATION"), "han")
def find_chinese(text: Folded) -> Iterator[Detection]:
    """Province, city, district, road and number; without a province only with a road and its number."""
    whole = text.text
    for match in _ZH.finditer(whole):
        end = match.start() + len(match[0].rstrip(" -"))
        numbered = any(sign.isdigit() for sign in match[0])
        yield Detection(
            "STREET_ADDRESS", match.start(), end, 0.8 if numbered else 0.5, "province_road"
        )
    if "digit" in text.kinds:
        for match in _ZH_SHORT.finditer(whole):
            lead = _ZH_LEAD.match(match[0])
            start = match.start() + (lead.end() if lead else 0)
            if match.end() - start >= 5:
                yield Detection("STREET_ADDRESS", start, match.end(), 0.6, "road_number")
    for match in _ZH_LABEL.finditer(whole):
        yield Detection("STREET_ADDRESS", *match.span("place"), 0.75, "label")
    for match in _ZH_PLACE.finditer(whole):
        yield Detection("LOCATION", match.start(), match.end(), 0.5, "province")


@recogniser("addresses", ("STREET_ADDRESS",), "digit")
def find_english(text: Folded) -> Iterator[Detection]:
    """A number with a kind of street, or with a second number or a flat; what the text calls an address."""
    whole = text.text
    if "letter" not in text.kinds:
        return
    for number in _HOUSE.finditer(whole):
        start = number.start()
        if _NO_STREET.match(whole, start):
            continue
        for rule, pattern in _NUMBERED:
            if match := pattern.match(whole, start):
                yield Detection("STREET_ADDRESS", start, match.end(), 0.78, rule)
        if _LABEL_BEFORE.search(whole[max(0, start - 24) : start]) and (
            match := _LABELLED.match(whole, start)
        ):
            yield Detection("STREET_ADDRESS", start, match.end(), 0.78, "label")
    if any(one in text.lower for one in _NAMED_WORDS):
        for rule, pattern in _NAMED:
            for match in pattern.finditer(whole):
                yield Detection("STREET_ADDRESS", match.start(), match.end(), 0.78, rule)
    for match in _EN_LOWER.finditer(text.lower):
        if not _NO_STREET.match(whole, match.start()):
            yield Detection("STREET_ADDRESS", match.start(), match.end(), 0.6, "number_street")


@recogniser("postcodes", ("ZIP_CODE",), "digit", ("zip", "post", "邮", "郵"))
def find_postcodes(text: Folded) -> Iterator[Detection]:
    """What the text calls a postcode."""
    for match in _ZIP.finditer(text.lower):
        yield Detection("ZIP_CODE", *match.span("zip"), 0.7, "label")
