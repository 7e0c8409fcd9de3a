"""Passwords that the text calls so, private keys, and tokens of the forms that their issuers publish."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lextune.data.personal.base import Detection, recogniser
from lextune.data.personal.folding import Folded

_FORMS = (
    ("private_key", re.compile(
        r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z ]{0,20}PRIVATE KEY(?: BLOCK)?-----|\Z)", re.DOTALL
    )),
    ("aws_key", re.compile(r"(?<![0-9A-Za-z])(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}(?![0-9A-Za-z])")),
    ("github_token", re.compile(r"(?<![0-9A-Za-z])(?:gh[pousr]_[0-9A-Za-z]{36,}|github_pat_[0-9A-Za-z_]{40,})")),
    ("gitlab_token", re.compile(r"(?<![0-9A-Za-z])glpat-[0-9A-Za-z_-]{20,}")),
    ("slack_token", re.compile(r"(?<![0-9A-Za-z])xox[abeprs]-[0-9A-Za-z-]{10,}")),
    ("google_key", re.compile(r"(?<![0-9A-Za-z])AIza[0-9A-Za-z_-]{35}")),
    ("openai_key", re.compile(r"(?<![0-9A-Za-z])sk-[0-9A-Za-z_-]{20,}")),
    ("hugging_face_token", re.compile(r"(?<![0-9A-Za-z])hf_[0-9A-Za-z]{30,}")),
    ("stripe_key", re.compile(r"(?<![0-9A-Za-z])(?:sk|rk)_(?:live|test)_[0-9A-Za-z]{16,}")),
    ("aliyun_key", re.compile(r"(?<![0-9A-Za-z])LTAI[0-9A-Za-z]{12,26}(?![0-9A-Za-z])")),
    ("tencent_key", re.compile(r"(?<![0-9A-Za-z])AKID[0-9A-Za-z]{32}(?![0-9A-Za-z])")),
    ("jwt", re.compile(r"(?<![0-9A-Za-z])eyJ[0-9A-Za-z_-]{8,}\.eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,}")),
    ("address_with_password", re.compile(r"(?<=://)[^\s/@:]{1,64}:[^\s/@]{1,128}(?=@)")),
)  # fmt: skip
_HINTS = (
    "private key", "akia", "asia", "abia", "acca", "gh", "glpat-", "xox", "aiza", "sk", "hf_", "rk_", "ltai",
    "akid", "eyj", "://",
)  # fmt: skip
_CALLED = re.compile(
    r"(?:(?<![a-z])(?:password|passwd|passphrase|pwd|api[ _-]?key|secret(?:[ _-]?key)?|access[ _-]?token"
    r"|auth[ _-]?token|token"
    r"|pin(?: code)?|cvv2?|cvc)(?![a-z])|密码|密碼|口令|密钥|验证码|安全码)"
    r"(?:\s*(?::|=|是|为|:=)\s*|\s+is:?\s+)[\"'`]?(?P<secret>[^\s\"'`，。；、,;一-龥]{3,128})"
)
_NO_SECRET = re.compile(
    r"(?:not|the|a|an|too|very|required|invalid|wrong|correct|incorrect|null|none|true|false|your|my|\*+|<.*)\.?"
)


@recogniser("tokens", ("CREDENTIAL",), "letter", _HINTS)
def find_tokens(text: Folded) -> Iterator[Detection]:
    """Forms that nothing else has."""
    for rule, pattern in _FORMS:
        for match in pattern.finditer(text.text):
            yield Detection("CREDENTIAL", match.start(), match.end(), 0.98, rule)


@recogniser(
    "passwords", ("CREDENTIAL",), "letter digit",
    ("pass", "pwd", "key", "secret", "token", "pin", "cvv", "cvc", "密", "口令", "验证码", "安全码"),
)  # fmt: skip
def find_passwords(text: Folded) -> Iterator[Detection]:
    """What stands behind the word for a secret and a colon, an equals sign or `is`."""
    for match in _CALLED.finditer(text.lower):
        secret = match["secret"].rstrip(".!?)")
        if len(secret) >= 3 and not _NO_SECRET.fullmatch(secret):
            start = match.start("secret")
            yield Detection("CREDENTIAL", start, start + len(secret), 0.8, "label")
