"""How far a method and its teachers agree: scars one by one, pixels, area."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    Labels = NDArray[np.int32]

LEAST_IOU = 0.15


class Agreement(NamedTuple):
    """Counts of one or more photographs against one or more readers; they add up.

    Attributes
    ----------
    hits : float
        Scars of both that pair, best overlap first, one to one, at an overlap (intersection over
        union) above `LEAST_IOU`.
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
        """Share of scars that pair: twice the hits over all that were found or traced."""
        return 2 * self.hits / max(self.found + self.traced, 1.0)

    @property
    def dice(self) -> float:
        """Overlap of the areas: twice the common part over both."""
        return 2 * self.common_px / max(self.found_px + self.traced_px, 1.0)

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


def pairs(found: Labels, traced: Labels) -> list[tuple[int, int]]:
    """Labels of scars that pair, best overlap first, one to one."""
    both = (found > 0) & (traced > 0)
    keys, common = np.unique(np.stack([found[both], traced[both]]), axis=1, return_counts=True)
    sizes_found, sizes_traced = np.bincount(found.ravel()), np.bincount(traced.ravel())
    union = sizes_found[keys[0]] + sizes_traced[keys[1]] - common
    iou = common / np.maximum(union, 1)
    matched: list[tuple[int, int]] = []
    seen_found, seen_traced = set(), set()
    for index in np.argsort(-iou, kind="stable"):
        first, second = int(keys[0, index]), int(keys[1, index])
        if iou[index] > LEAST_IOU and first not in seen_found and second not in seen_traced:
            seen_found.add(first)
            seen_traced.add(second)
            matched.append((first, second))
    return matched
