"""The working grid: a crop of the photograph around its skin, at the resolution scars ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from scarmetrics.opencv import cv2

if TYPE_CHECKING:
    from scarmetrics.models import FloatImage, Mask


class Grid(NamedTuple):
    """A crop of a photograph, divided into cells.

    Attributes
    ----------
    window : tuple of slice
        Rows and columns of the photograph that the grid covers.
    size : tuple of int
        (width, height) in cells.
    """

    window: tuple[slice, slice]
    size: tuple[int, int]

    @property
    def origin(self) -> tuple[int, int]:
        """(x0, y0) px of the photograph at which the grid's outer corner lies."""
        return int(self.window[1].start), int(self.window[0].start)

    @property
    def px_per_cell(self) -> tuple[float, float]:
        """Photograph px per cell along x and y."""
        rows, cols = (span.stop - span.start for span in self.window)
        return cols / self.size[0], rows / self.size[1]

    def of_mask(self, mask: Mask) -> Mask:
        """A mask of the photograph, shape (M, N), on the grid."""
        cut = mask[self.window].astype(np.uint8)
        return cv2.resize(cut, self.size, interpolation=cv2.INTER_NEAREST_EXACT) > 0


def lay_grid(roi: Mask, zoom: float, margin_px: int = 0) -> Grid | None:
    """The grid over a region of skin.

    Parameters
    ----------
    roi : ndarray of bool, shape (M, N)
        Skin.
    zoom : float
        Cells per px.
    margin_px : int, optional
        How much of the photograph around the skin to take along.

    Returns
    -------
    Grid or None
        None where there is no skin.
    """
    rows, cols = np.flatnonzero(roi.any(axis=1)), np.flatnonzero(roi.any(axis=0))
    if len(rows) == 0:
        return None
    spans = [
        slice(max(0, int(found[0]) - margin_px), min(length, int(found[-1]) + 1 + margin_px))
        for found, length in ((rows, roi.shape[0]), (cols, roi.shape[1]))
    ]
    height, width = (span.stop - span.start for span in spans)
    size = (max(1, round(width * zoom)), max(1, round(height * zoom)))
    return Grid((spans[0], spans[1]), size)


def resample(image: FloatImage, size: tuple[int, int]) -> FloatImage:
    """Average where the grid is coarser, interpolate where it is finer."""
    if size == image.shape[1::-1]:
        return image
    coarser = size[0] <= image.shape[1]
    return cv2.resize(
        image, size, interpolation=cv2.INTER_AREA if coarser else cv2.INTER_CUBIC
    ).astype(np.float32, copy=False)
