"""How far two segmentations agree: scars one by one, pixels, area."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from scarmetrics.models import Mask

    Labels = NDArray[np.int32]

LEAST_IOU = 0.15
"""Scars pair at an overlap, intersection over union, above this."""


class Agreement(NamedTuple):
    """Counts of one or more photographs against one or more readers; they add up.

    Attributes
    ----------
    hits : float
        Scars of both that pair, best overlap first, one to one, at an overlap above `LEAST_IOU`.
    found, traced : float
        Scars found and scars traced.
    common_px, found_px, traced_px : float
        Pixels in both, found, traced.
    """

    hits: float = 0.0
    found: float = 0.0
    traced: float = 0.0
    common_px: float = 0.0
    found_px: float = 0.0
    traced_px: float = 0.0

    @property
    def f1(self) -> float:
        """Share of scars that pair."""
        return twice_over_both(self.hits, self.found, self.traced)

    @property
    def dice(self) -> float:
        """Overlap of the areas."""
        return twice_over_both(self.common_px, self.found_px, self.traced_px)

    @property
    def area_ratio(self) -> float:
        """Area found over area traced; not a number where none is traced."""
        return self.found_px / self.traced_px if self.traced_px else float("nan")


def agreement(found: Labels, readers: Sequence[Labels]) -> Agreement:
    """Compare labels with those of each reader.

    Parameters
    ----------
    found : ndarray of int32, shape (M, N)
        What a method found.
    readers : sequence of ndarray of int32, shape (M, N)
        What each reader traced.

    Returns
    -------
    Agreement
        Summed over the readers.
    """
    return total(
        Agreement(
            hits=len(pairs(found, traced)),
            found=len(np.unique(found[found > 0])),
            traced=len(np.unique(traced[traced > 0])),
            common_px=float(np.count_nonzero((found > 0) & (traced > 0))),
            found_px=float(np.count_nonzero(found)),
            traced_px=float(np.count_nonzero(traced)),
        )
        for traced in readers
    )


def total(parts: Iterable[Agreement]) -> Agreement:
    """Sum of agreements."""
    rows = np.array([tuple(part) for part in parts], np.float64).reshape(-1, len(Agreement()))
    return Agreement(*(float(value) for value in rows.sum(axis=0)))


def twice_over_both(common: float, first: float, second: float) -> float:
    """F1 of counts and Dice of areas: twice the common part over both; 1 where both are 0."""
    return 2 * common / (first + second) if first + second else 1.0


def dice(found: Mask, traced: Mask) -> float:
    """Twice the common area over the sum of both; 1 where both are empty."""
    common, first, second = (
        float(np.count_nonzero(part)) for part in (found & traced, found, traced)
    )
    return twice_over_both(common, first, second)


def pairs(found: Labels, traced: Labels, least: float = LEAST_IOU) -> list[tuple[int, int]]:
    """Labels of scars that pair, best overlap first, one to one.

    Parameters
    ----------
    found, traced : ndarray of int32, shape (M, N)
        Labels, 0 is skin.
    least : float, optional
        Overlap, intersection over union, that a pair must exceed.

    Returns
    -------
    list of tuple of int
        (label found, label traced).
    """
    both = (found > 0) & (traced > 0)
    keys, common = np.unique(np.stack([found[both], traced[both]]), axis=1, return_counts=True)
    sizes = [np.bincount(labels.ravel()) for labels in (found, traced)]
    union = sizes[0][keys[0]] + sizes[1][keys[1]] - common
    return _best_first(keys, common / np.maximum(union, 1), least)


def mask_pairs(
    found: Sequence[Mask], traced: Sequence[Mask], least: float = LEAST_IOU
) -> list[tuple[int, int]]:
    """The same of scars that may overlap, each with a mask of its own.

    Parameters
    ----------
    found, traced : sequence of ndarray of bool, shape (M, N)
        One mask per scar.
    least : float, optional
        Overlap that a pair must exceed.

    Returns
    -------
    list of tuple of int
        (position in `found`, position in `traced`).
    """
    if not len(found) or not len(traced):
        return []
    a, b = (np.array([mask.ravel() for mask in masks], np.float32) for masks in (found, traced))
    common = a @ b.T
    iou = common / np.maximum(1, a.sum(axis=1)[:, None] + b.sum(axis=1)[None, :] - common)
    keys = np.indices(iou.shape).reshape(2, -1)
    return _best_first(keys, iou.ravel(), least)


def _best_first(
    keys: NDArray[np.integer], iou: NDArray[np.floating], least: float
) -> list[tuple[int, int]]:
    matched: list[tuple[int, int]] = []
    seen: tuple[set[int], set[int]] = set(), set()
    for index in np.argsort(-iou, kind="stable"):
        first, second = int(keys[0, index]), int(keys[1, index])
        if iou[index] > least and first not in seen[0] and second not in seen[1]:
            seen[0].add(first)
            seen[1].add(second)
            matched.append((first, second))
    return matched
