"""Builders of packs, statements and measurements for the policy tests; all small, all explicit."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

import packs
from lextune.policy.packs import Pack, parse_pack
from lextune.records import Statement

Signed = tuple[str, Statement]


@pytest.fixture(scope="session")
def day() -> datetime.date:
    return datetime.date(2026, 11, 25)


@pytest.fixture(scope="session")
def control() -> Callable[..., dict[str, Any]]:
    """A control as plain data; keywords replace its keys, None removes one."""
    return packs.control_data


@pytest.fixture(scope="session")
def pack_data() -> Callable[..., dict[str, Any]]:
    """A pack as plain data with the facts `gen`, `adm`, `role` and `uses`."""
    return packs.pack_data


@pytest.fixture(scope="session")
def pack(pack_data: Callable[..., dict[str, Any]]) -> Callable[..., Pack]:
    """A parsed pack of these controls."""

    def build(*controls: dict[str, Any], **changes: Any) -> Pack:
        return parse_pack(json.dumps(pack_data(*controls, **changes)).encode(), "trial.json")

    return build


@pytest.fixture(scope="session")
def measured() -> Callable[..., dict[str, Any]]:
    """A measurement's dump; `ends` is (low, high) or None."""

    def build(
        name: str, value: Any, ends: tuple[Any, Any] | None = None, n: Any = 1000, **more: Any
    ) -> dict[str, Any]:
        interval = ends and {"low": ends[0], "high": ends[1], "level": 0.95, "method": "wilson"}
        return {"name": name, "value": value, "interval": interval, "n": n, "unit": "1", **more}

    return build


@pytest.fixture(scope="session")
def exact() -> Callable[..., dict[str, Any]]:
    """A count that was taken completely."""

    def build(name: str, value: float, n: int = 1000) -> dict[str, Any]:
        interval = {"low": value, "high": value, "level": 1.0, "method": "exact"}
        return {"name": name, "value": value, "interval": interval, "n": n, "unit": "rows"}

    return build


@pytest.fixture(scope="session")
def signed() -> Callable[..., Signed]:
    """A statement of a room with the digest that its envelope might have."""

    def build(room: str, *dumps: Any, status: str = "complete", **record: Any) -> Signed:
        predicate = {"room": room, "status": status, "record": record, "measurements": list(dumps)}
        digest = hashlib.sha256(json.dumps(predicate, default=str).encode()).hexdigest()
        statement = Statement(
            subject=(), predicate_type=f"https://lextune.dev/{room}/v1", predicate=predicate
        )
        return digest, statement

    return build


@pytest.fixture(scope="session")
def licensed(signed: Callable[..., Signed]) -> Callable[..., Signed]:
    """The statement that states the licence of the model or of the data."""

    def build(of: str, spdx: str, **licence: Any) -> Signed:
        stated = {"spdx": spdx, "found_in": "README", **licence}
        if of == "model":
            return signed("select", id="tiny", licence=stated)
        return signed("prepare", sources=["reviews.csv"], licence=stated)

    return build
