"""A photograph with its tracings, brought to the form that is taught and tested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.opencv import cv2
from scarmetrics.segmentation.normalise import SkinPlanes, skin_planes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from scarmetrics.models import FloatImage, Image, Mask


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
        Scale.
    skin : SkinPlanes
        What the method sees.
    target : ndarray of float32, shape (h, w)
        Share of the readers that call a cell scar, on the grid of `skin`.
    roi : ndarray of bool, shape (M, N)
        Skin, in the photograph's pixels.
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
        If a shape differs from the photograph's, or the region is empty.
    """
    if roi is None:
        roi = np.ones(image.shape[:2], bool)
    if any(part.shape != image.shape[:2] for part in (roi, *readers)):
        raise ValueError("tracings and region must have the photograph's shape")
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
    return Lesson(name, person or name, mm_per_px, skin, target, roi, cut)
