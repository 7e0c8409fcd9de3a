"""Names that stand for people's names: common ones of no one in particular; it knows no text."""

from __future__ import annotations

import unicodedata

from lextune.data.redaction.comparing import is_han
from lextune.data.redaction.secret import Draw

_GIVEN = str.split(
    "Alex Ariel Avery Bailey Blake Cameron Casey Charlie Chris Corey Dakota Dana Devon Drew Dylan Eden Elliot "
    "Emery Finley Frankie Gray Harper Hayden Hollis Indigo Jamie Jesse Jordan Jules Kai Kelly Kendall Lane Lee "
    "Logan Marlow Micah Morgan Nico Noel Parker Peyton Quinn Reese Remy Riley River Robin Rowan Ryan Sage Sam "
    "Sasha Shay Shiloh Sidney Skyler Spencer Sydney Tatum Taylor Toni Tracy Val "
)
_FAMILY = str.split(
    "Adair Alder Archer Ashby Barlow Beck Birch Blythe Brook Carver Chandler Cole Cooper Dale Draper Ellis "
    "Fairway Farrow Fenn Field Fisher Fletcher Ford Forest Garland Glover Grove Hale Harbour Hart Heath Hill Holt "
    "Hooper Hunter Lake Larkin Linden Marsh Mason Meadow Mercer Mill Moor North Oakes Page Parson Potter Reed "
    "Ridge Rivers Sadler Shaw Slater Stone Thatcher Tyler Vale Walker Waters Weaver West Wood "
)
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
_SURNAMES_OF_TWO = ("欧阳", "司马", "上官", "诸葛", "东方", "尉迟", "令狐", "慕容")
_SIGNS = "安平文华宁远清和明晨林川山海松柏云岚雨晴春秋思齐知行乐康瑞祥嘉言书墨子涵若溪一凡以恒"
_TITLES = ("先生", "女士", "小姐", "老师", "医生", "经理", "同学")


def stand_in(value: str, draw: Draw) -> str | None:
    """A name of the same script, with as many parts or characters; titles after a Chinese name stay."""
    compact = "".join(value.split())
    if is_han(compact):
        title = next((one for one in _TITLES if compact.endswith(one) and compact != one), "")
        return _chinese(len(compact) - len(title), draw) + title
    words = value.split()
    if not unicodedata.name(compact[:1] or " ").startswith(("LATIN", "FULLWIDTH LATIN")):
        return None
    made = [draw.pick(_GIVEN) for _ in words]
    if len(words) > 1:
        made[-1] = draw.pick(_FAMILY)
    text = " ".join(made)
    return text.upper() if value.isupper() and len(compact) > 1 else text


def _chinese(length: int, draw: Draw) -> str:
    if length > 3:
        return draw.pick(_SURNAMES_OF_TWO) + "".join(draw.pick(_SIGNS) for _ in range(length - 2))
    return draw.pick(_SURNAMES) + "".join(draw.pick(_SIGNS) for _ in range(length - 1))
