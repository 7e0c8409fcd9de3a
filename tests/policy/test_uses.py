"""Which controls read a measurement is told for those that apply, and for no others."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from lextune.policy.packs import Pack
from lextune.policy.uses import Use, uses
from lextune.policy.verdict import decide

Data = Callable[..., dict[str, Any]]


def test_a_measurement_names_the_controls_that_read_it_with_their_status(
    control: Data, pack: Callable[..., Pack], signed: Any, measured: Data, day: datetime.date
) -> None:
    bound = {"bound": "interval", "operator": ">", "value": 0.8, "minimum_n": 10}
    asks = {"requires": [{"measurement": "accuracy", **bound}]}
    both = {"requires": [{"measurement": "recall", **bound}, {"measurement": "accuracy", **bound}]}
    idle = {**asks, "applies": {"fact": "gen", "is": True}}
    law = pack(control(id="one", **asks), control(id="two", **both), control(id="idle", **idle))
    statement = signed("evaluate", measured("accuracy", 0.9, (0.88, 0.92)))
    verdict = decide([statement], {"gen": False}, [law], day)
    assert uses(verdict, [law]) == {
        "accuracy": (Use("trial/one", "pass"), Use("trial/two", "insufficient")),
        "recall": (Use("trial/two", "insufficient"),),
    }
    assert uses(verdict, []) == {}
