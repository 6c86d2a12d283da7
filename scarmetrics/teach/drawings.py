"""What a reader drew, masks or ellipses, as labels of a photograph's pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from skimage.measure import label

from scarmetrics.opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SPECK_PX = 4
_MOST_SCAR = 0.6  # of the skin
_TABLE_BITS = 24  # of three channels of 8 bit
_ELLIPSE = "each ellipse is [cx, cy, rx, ry, angle_deg]"


class DrawingError(Exception):
    """A drawing that cannot be used.

    Parameters
    ----------
    what, remedy : str
        What is wrong, what to do.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what, self.remedy = what, remedy


def read_mask(data: bytes, shape: tuple[int, int]) -> NDArray[np.int32]:
    """Decode a mask of a photograph.

    Parameters
    ----------
    data : bytes
        A PNG file. What is transparent is skin; of the rest the colours count.
    shape : tuple of int
        Rows and columns of the photograph.

    Returns
    -------
    ndarray of int32, shape (M, N)
        One value per colour, 0 where black or transparent.

    Raises
    ------
    DrawingError
        If it is no image, of another size, or black on a transparent ground.
    """
    mask = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if data else None
    if mask is None:
        raise DrawingError("is not an image", "save the mask as PNG")
    if mask.shape[:2] != shape:
        raise DrawingError(
            f"is {mask.shape[1]} x {mask.shape[0]} px, the photograph {shape[1]} x {shape[0]}",
            "draw it on the photograph at its full size, and do not crop or turn it",
        )
    if mask.ndim == 2:
        return mask.astype(np.int32)
    channels = mask[..., : 3 if mask.shape[2] >= 3 else 1]
    values = _numbered(channels)
    if mask.shape[2] in (2, 4):
        opacity = mask[..., -1]
        painted = opacity > opacity.max() // 2  # a stroke's edge is where it is half as opaque
        if painted.any() and not (painted.all() or values[painted].any()):
            raise DrawingError(
                "is black on a transparent ground, and black is skin",
                "paint scars in another colour",
            )
        values[~painted] = 0
    return values


def _numbered(channels: NDArray[np.generic]) -> NDArray[np.int32]:
    """One number per colour, 0 for black."""
    bits = 8 * channels.dtype.itemsize
    code = np.zeros(channels.shape[:2], np.int32 if bits == 8 else np.int64)
    for index in range(channels.shape[2]):
        code += channels[..., index].astype(code.dtype) << (bits * index)
    if code.max(initial=0) >= 1 << _TABLE_BITS:
        colours, numbers = np.unique(code, return_inverse=True)
        return numbers.reshape(code.shape).astype(np.int32) + np.int32(colours[0] > 0)
    present = np.zeros(1 << _TABLE_BITS, bool)
    present[code] = True
    return (np.cumsum(present, dtype=np.int32) - np.int32(present[0]))[code]


def read_region(data: bytes, shape: tuple[int, int], least_px: float) -> NDArray[np.bool_]:
    """Decode a mask of the skin that was looked at.

    Parameters
    ----------
    data, shape
        As for `read_mask`.
    least_px : float
        Area that it must have.

    Returns
    -------
    ndarray of bool, shape (M, N)

    Raises
    ------
    DrawingError
        As `read_mask`, or if it marks less.
    """
    region = read_mask(data, shape) > 0
    area_px = np.count_nonzero(region)
    if area_px < max(least_px, 1):
        what = "marks next to nothing" if area_px else "is empty"
        raise DrawingError(what, "mark all skin that was looked at")
    return region


def scars_of_mask(
    data: bytes, shape: tuple[int, int], region: NDArray[np.bool_] | None
) -> NDArray[np.int32]:
    """Decode a mask of scars: what hangs together and has one value is one.

    Parameters
    ----------
    data, shape
        As for `read_mask`.
    region : ndarray of bool, shape (M, N), or None
        Skin that was looked at; all of the photograph where None.

    Returns
    -------
    ndarray of int32, shape (M, N)

    Raises
    ------
    DrawingError
        As `read_mask` and `mask_labels`, or if scars cover more than 60 % of the skin.
    """
    mask = read_mask(data, shape)
    share = float(np.mean((mask if region is None else mask[region]) > 0))
    if share > _MOST_SCAR:
        raise DrawingError(
            f"covers {100 * share:.0f} % of the skin",
            "0 is skin and anything else is scar: invert the mask if it was saved the other way "
            "round, else show more of the skin around the scars",
        )
    return mask_labels(mask)


def mask_labels(mask: NDArray[np.int32]) -> NDArray[np.int32]:
    """Scars of a mask: what hangs together and has one value.

    Raises
    ------
    DrawingError
        If it was painted with a soft brush, whose shades would be scars of their own.
    """
    labels = np.asarray(label(mask, background=0, connectivity=2), np.int32)
    if len(np.unique(mask[mask > 0])) > 1:
        sizes = np.bincount(labels.ravel())[1:]
        whole = np.bincount(label(mask > 0, connectivity=2).ravel())[1:]
        if (sizes < _SPECK_PX).sum() > 2 * max((whole < _SPECK_PX).sum(), len(whole)):
            raise DrawingError(
                "has shades as a soft brush leaves them",
                "paint with a hard brush: one value for scar, or one value per scar",
            )
    return labels


def traced_ellipses(drawn: Any, shape: tuple[int, int]) -> NDArray[np.int32]:
    """Scars that were drawn as ellipses; where they overlap the smaller one counts.

    Parameters
    ----------
    drawn : list of list of float
        (cx, cy, rx, ry, angle) each: centre and half axes in px, pixel centres at integers, and
        the turn of the rx axis clockwise from +x in degrees.
    shape : tuple of int
        Rows and columns of the photograph.

    Returns
    -------
    ndarray of int32, shape (M, N)

    Raises
    ------
    DrawingError
        If an ellipse is not five numbers, has no size, or lies outside the photograph.
    """
    if not isinstance(drawn, list):
        raise DrawingError("holds no list of ellipses", _ELLIPSE)
    labels = np.zeros(shape, np.int32)
    ellipses = [_checked(number, row) for number, row in enumerate(drawn, start=1)]
    order = sorted(range(len(ellipses)), key=lambda i: -ellipses[i][2] * ellipses[i][3])
    for index in order:
        cx, cy, rx, ry, angle = ellipses[index]
        reach = max(rx, ry) + 1
        y0, y1 = (int(np.clip(cy + d, 0, shape[0])) for d in (-reach, reach + 1))
        x0, x1 = (int(np.clip(cx + d, 0, shape[1])) for d in (-reach, reach + 1))
        y, x = np.ogrid[y0:y1, x0:x1]
        cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        along, across = (x - cx) * cos + (y - cy) * sin, (y - cy) * cos - (x - cx) * sin
        with np.errstate(over="ignore"):
            inside = (along / rx) ** 2 + (across / ry) ** 2 <= 1
        if not inside.any():
            raise DrawingError(
                f"ellipse {index + 1} covers no pixel of the photograph",
                "give lengths in px of the photograph at its full size",
            )
        labels[y0:y1, x0:x1][inside] = index + 1
    return labels


def _checked(number: int, row: Any) -> list[float]:
    if not isinstance(row, list) or len(row) != 5:
        count = len(row) if isinstance(row, list) else 0
        raise DrawingError(f"ellipse {number} has {count} numbers, not 5", _ELLIPSE)
    if any(isinstance(v, bool) or not isinstance(v, int | float) for v in row):
        raise DrawingError(f"ellipse {number} holds something that is no number", _ELLIPSE)
    try:
        values = [float(v) for v in row]
    except OverflowError:
        raise DrawingError(f"ellipse {number} holds a number that is too large", _ELLIPSE) from None
    if not np.isfinite(values).all() or min(values[2], values[3]) <= 0:
        raise DrawingError(f"ellipse {number} has no size", f"{_ELLIPSE}, rx and ry above 0")
    return values
