"""Knows which scripts set no space between words; it knows no tokenizer."""

from __future__ import annotations

#: Inside a class of a regular expression: Thai, Lao, Tibetan, Myanmar, Khmer; kana, CJK ideographs with their
#: extensions and compatibility forms.
UNSPACED = (
    "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
