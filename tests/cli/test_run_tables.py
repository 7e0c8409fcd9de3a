"""What a run shows of its figures fits a terminal of 80 columns, and breaks no figure in two."""

from __future__ import annotations

from typing import Any

import pytest

from lextune.cli.run import _show_metrics

FIGURE = "0.1094 (0.0944–0.1260)"


def figure(level: float = 0.95) -> dict[str, Any]:
    return {"value": 0.1094, "low": 0.0944, "high": 0.126, "level": level, "n": 943}


def shown(
    names: list[str], baselines: dict[str, list[str]], capsys: pytest.CaptureFixture[str]
) -> str:
    beside = {base: {name: figure() for name in found} for base, found in baselines.items()}
    _show_metrics({"metrics": {name: figure() for name in names}, "baselines": beside})
    return capsys.readouterr().out


def test_short_names_stand_beside_their_baselines(capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(["accuracy", "accuracy_minus_majority"], {"majority": ["accuracy"]}, capsys)
    row = next(line for line in out.splitlines() if line.startswith(" accuracy"))
    assert row.split() == ["accuracy", *FIGURE.split(), "943", "0.1094"]
    assert "its own" not in out


def test_long_names_leave_the_baselines_to_the_next_table(
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = [
        "ndcg_10", "hit_rate_10_without_personal_features", "popularity_lift_10[taste=mainstream]",
        "ndcg_10_minus_hist_gradient_boosting", "ndcg_10_minus_ease",
    ]  # fmt: skip
    out = shown(names, {"hist_gradient_boosting": ["ndcg_10"], "ease": [], "knn": []}, capsys)
    lines = out.splitlines()
    assert max(map(len, lines)) <= 80
    assert out.count(FIGURE) == len(names)
    row = next(line for line in lines if line.startswith(" hist_gradient_boosting"))
    assert row.split()[1:] == ["0.1094", *FIGURE.split(), "943"]
    assert "Of its groups" in out
