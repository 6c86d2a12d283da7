"""Does a registration know how wrong it is? The expected error against the true one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from _common import print_table
from _registration_truth import Warped, canada_codes, london_pairs, warped_pair
from scipy.optimize import minimize
from scipy.stats import spearmanr

import scarmetrics as sm
from scarmetrics.opencv import cv2
from scarmetrics.registration import estimate
from scarmetrics.registration.flow import from_grid
from scarmetrics.registration.result import BOUND_PER_SD

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from scarmetrics.models import FloatImage, Points

    Array = NDArray[np.float64]

POINTS = 1500
TERMS = ("_FLOOR", "_OF_INCONSISTENCY", "_OF_UNREST", "_OF_DISAGREEMENT")


def bounds(found: sm.Registration, points: Points, error_mm: Array) -> Array:
    """Expected error, 95 % bound and true error at points, mm; shape (K, 3)."""
    x, y = points.astype(int).T
    return np.column_stack([found.residual_mm[y, x], found.residual_bound_mm[y, x], error_mm])


def print_evidence(parts: list[Array]) -> dict[str, float]:
    """How the expected error goes with the true one."""
    table = np.concatenate(parts)
    noise = np.random.default_rng(0).normal(size=(len(table), 2))
    exact = table[:, 0] * np.hypot(*noise.T)  # errors of just the expected size
    figures = {
        "rank correlation": float(spearmanr(table[:, 0], table[:, 2]).statistic),
        "the same, were it exact": float(spearmanr(table[:, 0], exact).statistic),
        "within the 95 % bound": float((table[:, 2] <= table[:, 1]).mean()),
        "median expected mm": float(np.median(table[:, 0])),
        "root mean square error / sqrt 2, mm": float(np.sqrt((table[:, 2] ** 2).mean() / 2)),
    }
    print_table("(b) residual_mm against the true error, inside registered_mask", list(figures),
                [[f"{value:.3f}" for value in figures.values()]])  # fmt: skip
    fifths = np.array_split(table[np.argsort(table[:, 0])], 5)
    print_table(
        "by fifths of residual_mm", ("expected mm", "true mm, root mean square / sqrt 2"),
        [(f"{np.median(f[:, 0]):.3f}", f"{np.sqrt((f[:, 2] ** 2).mean() / 2):.3f}")
         for f in fifths],
    )  # fmt: skip
    return figures


def fit_expected_error() -> None:
    """Fit the constants on London's faces under known warps; look at canada's.

    The likelihood is that of a two-dimensional normal error whose variance is the sum of the
    squared terms.
    """
    tables = {
        "london (fitted)": _terms([warped_pair("london", code) for code in london_pairs()[::2]]),
        "canada": _terms([warped_pair("canada", code) for code in canada_codes()[::2]]),
    }
    error, terms = tables["london (fitted)"]

    def surprise(logs: Array) -> float:
        variance = terms @ np.exp(2 * logs)
        return float(np.mean(error**2 / 2 / variance + np.log(variance)))

    best = minimize(surprise, np.log([0.05, 0.5, 0.5, 0.2]), method="Nelder-Mead",
                    options={"maxiter": 20000, "maxfev": 20000}).x  # fmt: skip
    print_table("Constants, working px", TERMS, [[f"{value:.3f}" for value in np.exp(best)]])
    print_table(
        "What they give", ("faces", "rank correlation", "within the 95 % bound"),
        [
            (name, f"{spearmanr(t @ np.exp(2 * best), e).statistic:.3f}",
             f"{(e <= BOUND_PER_SD * np.sqrt(t @ np.exp(2 * best))).mean():.3f}")
            for name, (e, t) in tables.items()
        ],
    )  # fmt: skip


def _terms(pairs: list[Warped]) -> tuple[Array, Array]:
    """True errors in working px, and the squared terms that predict their variance."""
    errors, terms = [], []
    for pair in pairs:
        seen: list[tuple[FloatImage, ...]] = []
        original = estimate.expected_error_px

        def spy(
            *inputs: FloatImage,
            seen: list[tuple[FloatImage, ...]] = seen,
            original: Callable[..., FloatImage] = original,
        ) -> FloatImage:
            seen.append(inputs)
            return original(*inputs)

        estimate.expected_error_px = spy
        try:
            found = sm.register(*pair.images, fixed_face=pair.faces[0], moving_face=pair.faces[1])
        finally:
            estimate.expected_error_px = original
        if not found:
            continue
        inconsistency, unrest, agreement = (
            from_grid(part, found.believed.shape) for part in seen[0]
        )
        rows, cols = np.nonzero(found.believed)
        at = np.random.default_rng(0).choice(len(rows), POINTS, replace=False)
        y, x = rows[at], cols[at]
        back = cv2.invertAffineTransform(found.fixed_to_work)
        points = np.column_stack([x, y]) @ back[:, :2].T + back[:, 2]
        off = found.transform_points(points) - pair.warp.transform_points(points)
        work_px = np.sqrt(np.linalg.det(found.work_to_moving[:, :2]))
        errors.append(np.hypot(*off.T) / work_px)
        disagreement = 1 - np.clip(agreement, 0, 1)
        squares = [part[y, x].astype(float) ** 2 for part in (inconsistency, unrest, disagreement)]
        terms.append(np.column_stack([np.ones(POINTS), *squares]))
    return np.concatenate(errors), np.concatenate(terms)
