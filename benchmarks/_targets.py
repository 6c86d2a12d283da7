"""What the package's own methods are to reach, and whether they do."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    Figures = Mapping[str, Mapping[str, Any]]  # of one method, by leg


class Target(NamedTuple):
    """One figure and the range it is to lie in."""

    leg: str
    key: str
    title: str
    least: float
    most: float
    unit: str = ""

    def text(self) -> str:
        if self.least == -math.inf:
            return f"≤ {self.most:g}{self.unit}"
        if self.most == math.inf:
            return f"≥ {self.least:g}{self.unit}"
        return f"{self.least:g} to {self.most:g}{self.unit}"


class Verdict(NamedTuple):
    """A target and what was measured."""

    target: Target
    measured: float | None

    @property
    def met(self) -> bool | None:
        """None where it was not measured."""
        if self.measured is None:
            return None
        return self.target.least <= self.measured <= self.target.most  # never for NaN


_ANY = math.inf
TARGETS = (
    Target("phantoms", "dice_isolated", "Dice, isolated phantoms", 0.88, _ANY),
    Target("phantoms", "dice_confluent", "Dice, confluent phantoms", 0.78, _ANY),
    Target("phantoms", "area_error_median", "area error, median", -5, 5, " %"),
    Target("phantoms", "area_error_p10", "area error, p10", -12, _ANY, " %"),
    Target("phantoms", "area_error_p90", "area error, p90", -_ANY, 12, " %"),
    Target("change", "change_error_median", "change error, median", -2, 2, " points"),
    Target("change", "change_error_p10", "change error, p10", -6, _ANY, " points"),
    Target("change", "change_error_p90", "change error, p90", -_ANY, 6, " points"),
    Target("change", "retest_cv_pct", "retest CV", -_ANY, 3, " %"),
    Target("clear", "false_area_median", "false area on clear skin, median", -_ANY, 0.3, " %"),
    Target("clear", "false_area_mean", "false area on clear skin, mean", -_ANY, 0.3, " %"),
    Target("real", "f1_below", "F1 below the readers' own", -_ANY, 0.05),
    Target("real", "dice_below", "Dice below the readers' own", -_ANY, 0.08),
    Target("real", "area_error_pct", "area against readers' mean, median error", -_ANY, 20, " %"),
    Target("real", "rank_correlation", "rank correlation of area over crops", 0.8, _ANY),
    Target("real", "auc", "AUC, scarred against clear cheeks", 0.98, _ANY),
    Target("marks", "marked_worst", "colour spots and papules marked, worst kind", -_ANY, 5, " %"),
    Target("time", "seconds_half_pair", "12 MP half, both visits", -_ANY, 1, " s"),
)


def judge(figures: Figures) -> list[Verdict]:
    """Every target against one method's figures.

    Parameters
    ----------
    figures : mapping
        Leg to key to value; legs that were not run may be missing.

    Returns
    -------
    list of Verdict
    """
    return [Verdict(target, figures.get(target.leg, {}).get(target.key)) for target in TARGETS]
