"""A photograph with its tracings, brought to the form that is taught and tested."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.opencv import cv2
from scarmetrics.segmentation.grid import Grid
from scarmetrics.segmentation.learned import with_net
from scarmetrics.segmentation.normalise import SkinPlanes, skin_planes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from scarmetrics.models import FloatImage, Image, Mask

FINEST_MM_PER_PX = 0.1
"""Finer photographs are reduced to it: no scar needs more, and time and memory would be theirs."""

_WHOLE = 0.8  # share of the most skin that a part may have, below which it is not looked at


@dataclass(frozen=True, eq=False)
class Lesson:
    """One traced photograph.

    Attributes
    ----------
    name : str
        The photograph's name without its extension.
    person : str
        Whose skin; photographs of one person are never split between teaching and testing.
    mm_per_px : float
        Scale, `FINEST_MM_PER_PX` or coarser.
    skin : SkinPlanes
        What the method sees, its planes with what the packaged net thinks of them.
    target : ndarray of float32, shape (h, w)
        Share of the readers that call a cell scar, on the grid of `skin`.
    roi : ndarray of bool, shape (M, N)
        Skin, in the pixels of the photograph, which is reduced where it is finer.
    readers : tuple of ndarray of int32, shape (M, N)
        Labels of each reader's scars, 0 elsewhere.
    """

    name: str
    person: str
    mm_per_px: float
    skin: SkinPlanes
    target: FloatImage
    roi: Mask
    readers: tuple[NDArray[np.int32], ...]

    @property
    def scar_count(self) -> int:
        """Scars that the readers traced, on average, rounded."""
        return round(float(np.mean([len(np.unique(labels)) - 1 for labels in self.readers])))


def make_lesson(
    image: Image,
    readers: Sequence[NDArray[np.int32]],
    *,
    mm_per_px: float,
    name: str = "",
    person: str = "",
    roi: Mask | None = None,
) -> Lesson:
    """Prepare a photograph and its tracings.

    Those finer than `FINEST_MM_PER_PX` are reduced to it.

    Parameters
    ----------
    image : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB.
    readers : sequence of ndarray of int32, shape (M, N)
        Labels of each reader's scars, 0 elsewhere.
    mm_per_px : float
        Scale.
    name, person : str, optional
        For messages and for dividing the photographs by person.
    roi : ndarray of bool, shape (M, N), optional
        Skin that was looked at; all of the photograph by default.

    Returns
    -------
    Lesson

    Raises
    ------
    ValueError
        If a shape differs from the photograph's, the region is empty, or the photograph is
        coarser than `normalise.COARSEST_MM_PER_PX`.
    """
    if roi is None:
        roi = np.ones(image.shape[:2], bool)
    if any(part.shape != image.shape[:2] for part in (roi, *readers)):
        raise ValueError("tracings and region must have the photograph's shape")
    if mm_per_px < FINEST_MM_PER_PX:
        image, roi, readers, mm_per_px = _reduced(image, roi, readers, mm_per_px)
    skin = skin_planes(image, roi, mm_per_px)
    if skin is None or not readers:
        raise ValueError("there is no region or no tracing")
    shares = [
        cv2.resize(
            (labels[skin.grid.window] > 0).astype(np.float32),
            skin.grid.size,
            interpolation=cv2.INTER_AREA,
        )
        for labels in readers
    ]
    cut = tuple(np.where(roi, labels, 0).astype(np.int32) for labels in readers)
    target = np.asarray(np.mean(shares, axis=0), np.float32)
    skin = skin._replace(planes=with_net(skin))
    return Lesson(name, person or name, mm_per_px, skin, target, roi, cut)


def part_of(lesson: Lesson, most_cells: int) -> Lesson:
    """A window of a lesson that has few enough cells and as much scar in its skin as the whole.

    Parameters
    ----------
    lesson : Lesson
        Any; one that is small enough is returned as it is.
    most_cells : int
        Cells that the part may have.

    Returns
    -------
    Lesson
    """
    skin = lesson.skin
    rows, cols = skin.roi.shape
    if rows * cols <= most_cells:
        return lesson
    shrink = (most_cells / (rows * cols)) ** 0.5
    height, width = max(1, int(rows * shrink)), max(1, int(cols * shrink))
    top, left = _like_the_whole(lesson, height, width)
    cells = np.s_[top : top + height, left : left + width]
    (x0, y0), (across, down) = skin.grid.origin, skin.grid.px_per_cell
    window = np.s_[
        y0 + round(top * down) : y0 + round((top + height) * down),
        x0 + round(left * across) : x0 + round((left + width) * across),
    ]
    shape = lesson.roi[window].shape
    grid = Grid((slice(0, shape[0]), slice(0, shape[1])), (width, height))
    return replace(
        lesson,
        skin=skin._replace(
            planes=skin.planes[(slice(None), *cells)].copy(), roi=skin.roi[cells].copy(), grid=grid
        ),
        target=lesson.target[cells].copy(),
        roi=lesson.roi[window].copy(),
        readers=tuple(labels[window].copy() for labels in lesson.readers),
    )


def _like_the_whole(lesson: Lesson, height: int, width: int) -> tuple[int, int]:
    """Row and column of the window whose share of scar is nearest to that of all skin."""
    roi = lesson.skin.roi
    tops, lefts = (
        np.unique(np.linspace(0, length - size, 1 + 2 * -(-length // size)).astype(int))
        for length, size in zip(roi.shape, (height, width), strict=True)
    )

    def sums(values: NDArray[np.generic]) -> NDArray[np.float64]:
        table = cv2.integral(values.astype(np.float32), sdepth=cv2.CV_64F)
        low, high = table[tops], table[tops + height]
        return high[:, lefts + width] - high[:, lefts] - low[:, lefts + width] + low[:, lefts]

    skin, scar = sums(roi), sums(np.where(roi, lesson.target, 0))
    share = float(lesson.target[roi].mean())
    away = np.abs(scar / np.maximum(skin, 1) - share)
    away[skin < _WHOLE * skin.max()] = np.inf
    row, col = np.unravel_index(int(away.argmin()), away.shape)
    return int(tops[row]), int(lefts[col])


def _reduced(
    image: Image, roi: Mask, readers: Sequence[NDArray[np.int32]], mm_per_px: float
) -> tuple[Image, Mask, list[NDArray[np.int32]], float]:
    """All at `FINEST_MM_PER_PX`, to within the rounding of the size, and the scale."""
    shrink = mm_per_px / FINEST_MM_PER_PX
    rows, cols = (max(1, round(length * shrink)) for length in roi.shape)
    smaller = cv2.resize(image, (cols, rows), interpolation=cv2.INTER_AREA)
    region, *labels = (
        cv2.resize(part, (cols, rows), interpolation=cv2.INTER_NEAREST_EXACT)
        for part in (roi.astype(np.uint8), *(labels.astype(np.int32) for labels in readers))
    )
    scale = mm_per_px * (roi.size / (rows * cols)) ** 0.5
    return smaller, region > 0, labels, scale
