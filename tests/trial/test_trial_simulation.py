"""Simulated trials with a known effect: error rates and coverage of what is reported.

The benchmark ``trial.py`` does the same with many more trials. The bounds here are five
binomial standard errors wide, and each is one that a wrong analysis would break.
"""

from __future__ import annotations

import math

import pytest
import trial as bench
from _trials import Truth


def within(share: float, expected: float, trials: int) -> bool:
    return abs(share - expected) < 5 * math.sqrt(expected * (1 - expected) / trials)


@pytest.fixture(scope="module")
def null() -> dict[str, dict[str, float]]:
    return bench.run(Truth(effect_pct=0.0), trials=200, seed=1)


def test_type_one_error_is_what_is_claimed(null: dict[str, dict[str, float]]) -> None:
    for method in ("paired t", "sign-flip", "signed-rank", "mixed model", "contrast, Welch"):
        assert within(null[method]["rejected"], 0.05, 200), method


def test_intervals_cover_the_planted_effect() -> None:
    figures = bench.run(Truth(effect_pct=-10.0, interaction_pct=6.0), trials=120, seed=2)
    for method in ("paired t", "sign-flip", "signed-rank", "mixed model", "contrast, Welch"):
        assert within(figures[method]["covered"], 0.95, 120), method
        spread = figures[method]["sd"] / math.sqrt(120)
        assert abs(figures[method]["bias"]) < 5 * spread, method


def test_forgetting_the_pairs_costs_power(null: dict[str, dict[str, float]]) -> None:
    unpaired = null["unpaired"]
    assert unpaired["width"] > 1.3 * null["paired t"]["width"]
    assert unpaired["rejected"] < 0.05  # too wide, so it rejects too rarely
    figures = bench.run(Truth(effect_pct=-5.0), trials=80, seed=3)
    assert figures["paired t"]["rejected"] > figures["unpaired"]["rejected"] + 0.2
