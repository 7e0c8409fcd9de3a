"""Given names and surnames of the United States' 1990 census out of the package `names`, read when first asked for.

https://github.com/treyhunner/names, MIT; the census files are in the public domain. Names that are as a rule other words
are left out of the given names.
"""

from __future__ import annotations

import functools
from importlib.resources import files

#: Given names that more often are words, places or months.
_WORDS = frozenset(
    ["will", "mark", "grace", "april", "may", "june", "august", "rose", "hope", "faith", "joy", "bill", "art", "drew", "guy", "sky", "summer", "autumn", "dawn", "page", "chance", "christian", "rich", "long", "so", "in", "son", "my", "le", "many", "love", "see", "man", "do", "van", "america", "china", "paris", "asia", "india", "kenya", "virginia", "georgia", "carolina", "florida", "dakota", "austin", "houston", "israel", "london", "brooklyn", "royal", "major", "king", "an", "chi", "young", "star", "angel", "angels", "bee", "blanch", "bo", "buddy", "bud", "carry", "cherry", "cloud", "coral", "crystal", "daisy", "dale", "denver", "dusty", "early", "earnest", "ferry", "fern", "flora", "forest", "garnet", "gay", "ginger", "golden", "grant", "happy", "heath", "holly", "honey", "hunter", "iris", "ivory", "ivy", "jade", "jasmine", "jewel", "july", "justice", "lane", "lily", "love", "lucky", "margarita", "mercy", "merry", "milan", "miss", "mister", "mercedes", "misty", "mi", "ok", "olive", "opal", "page", "pearl", "penny", "porter", "precious", "prince", "princess", "queen", "rain", "rainbow", "ray", "red", "reed", "robin", "rob", "rocky", "ruby", "rusty", "sage", "sandy", "season", "senior", "shade", "shelly", "sherry", "silver", "so", "song", "sterling", "stormy", "sunday", "sunny", "tiny", "tu", "violet", "wade", "waltraud", "west", "wilder", "willow", "winter", "wonderful", "dee", "see", "shin", "shan", "pa", "ma", "dong", "so", "song", "soon", "su", "sun", "tam", "than", "thu", "toi", "ja", "ha", "ho", "hong", "hung", "ka", "ki", "kit", "la", "lai", "lan", "long", "lu", "ling", "mi", "ming", "min", "na", "noe", "un", "yen", "yi", "yon", "you", "yu", "yuk", "yung", "mack", "major", "jan", "mar", "jun", "jul", "don", "sue", "pat", "gale", "sang", "else", "tad", "trey", "ward", "wells", "won", "hue", "case", "cliff", "cole", "colt", "dean", "duke", "earl", "fair", "ford", "glen", "hall", "harley", "hill", "jet", "lacy", "lake", "land", "lane", "law", "lindy", "love", "march", "mason", "miles", "noble", "numbers", "park", "parker", "pierce", "price", "ranch", "royce", "rush", "scot", "shawn", "short", "stone", "storm", "temple", "top", "town", "tracy", "wall", "warner", "winter", "wood", "worth", "general", "doctor", "judge", "colonel", "captain", "eternal", "divine", "destiny", "essence", "fantasy", "harmony", "heaven", "honest", "joyful", "liberty", "nature", "patience", "peace", "prudence", "serenity", "star", "tempie", "treasure", "trinity", "unity", "verity", "victory", "vision", "welcome", "indiana", "tennessee", "louisiana", "montana", "nevada", "alabama", "arizona", "cuba", "jamaica", "persia", "roma", "lourdes", "geneva", "vienna", "florence", "charlotte", "madison", "lincoln", "jackson", "jordan", "chad", "bar", "bell", "bush", "camp", "cash", "church", "coy", "creek", "dock", "dot", "fay", "fern", "foot", "free", "german", "french", "english", "irish", "scotland", "ireland", "gem", "hassie", "hat", "hen", "ike", "kiss", "len", "lien", "lien", "lim", "lin", "maple", "matter", "me", "mercury", "mica", "mill", "moon", "more", "much", "music", "neat", "new", "north", "oak", "ocean", "oh", "orange", "page", "pilar", "play", "plum", "port", "porsha", "pura", "quick", "raven", "real", "reta", "river", "robbie", "said", "santa", "santo", "see", "shirley", "signe", "silva", "sol", "spring", "start", "sum", "tea", "tie", "tien", "tim", "time", "tor", "vi", "wan", "way", "well", "wen", "win", "wing", "wise", "wynn", "year", "yes", "zena"]
) - frozenset(["robin", "ray", "shirley", "tim", "robbie", "hunter", "mason", "parker", "jordan", "dean", "shawn", "tracy", "cole", "jasmine", "zoe", "glen", "rob", "clay", "miles", "charlotte", "florence", "grant", "scot", "crystal", "holly", "ruby", "sandy", "sherry", "penny", "ivy", "lily", "violet", "margarita", "jade", "daisy", "grace", "bill", "mark", "don", "sue", "pat", "charlotte", "madison", "jackson", "warner", "royce", "harley", "jan", "iris", "earl"])  # fmt: skip


@functools.cache
def given_names() -> frozenset[str]:
    """In small letters, some 5,000."""
    found = _read("dist.male.first") | _read("dist.female.first")
    return frozenset(one for one in found if len(one) > 2) - _WORDS


@functools.cache
def surnames() -> frozenset[str]:
    """In small letters, the 30,000 most frequent."""
    return _read("dist.all.last", 30_000)


def _read(name: str, most: int | None = None) -> frozenset[str]:
    text = files("names").joinpath(name).read_text(encoding="ascii")
    return frozenset(line.split(None, 1)[0].lower() for line in text.splitlines()[:most])
