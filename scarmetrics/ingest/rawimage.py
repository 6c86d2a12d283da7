"""An image as stored in its file, before it is turned upright and brought to sRGB."""

from __future__ import annotations

import io
import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from scarmetrics.errors import PhotographError

if TYPE_CHECKING:
    from scarmetrics.models import Image

MIN_SIDE_PX = 64
_ORIENTATION_TAG = 274
_SQUARE = 0.001  # relative difference of the resolutions of square pixels

# tifffile logs what it finds odd about a damaged file; the file's failure says it once already.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class RawImage:
    """Stored pixels and what is needed to interpret them.

    Attributes
    ----------
    pixels : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB as stored, neither turned nor colour managed.
    orientation : int
        EXIF orientation, 1 to 8.
    icc_profile : bytes
        Embedded colour profile, or empty.
    flags : tuple of str
        Names from `scarmetrics.flags.FLAGS`.
    dpi : float or None
        Resolution that the file states, the same along both axes.
    """

    pixels: Image
    orientation: int = 1
    icc_profile: bytes = b""
    flags: tuple[str, ...] = ()
    dpi: float | None = None


def check_size(width_px: int, height_px: int, max_megapixels: float) -> None:
    """Refuse an image by the size in its header, before any pixel is decoded.

    Raises
    ------
    PhotographError
        If it has too many or too few pixels.
    """
    size = f"{width_px} x {height_px} px"
    if width_px * height_px > max_megapixels * 1e6:
        raise PhotographError(
            "image_too_large", f"{size} is more than the {max_megapixels:g} megapixels allowed"
        )
    if min(width_px, height_px) < MIN_SIDE_PX:
        raise PhotographError("image_too_small", f"{size} is too small to measure a face")


def exif_orientation(exif: bytes) -> int:
    """Orientation in a block of EXIF data, which has the layout of a TIFF file.

    Parameters
    ----------
    exif : bytes
        The block, with or without its ``Exif`` prefix.

    Returns
    -------
    int
        1 to 8; 1 when the block does not say or is damaged.
    """
    import tifffile

    block = exif.removeprefix(b"Exif\x00\x00")
    if not block:
        return 1
    try:
        with tifffile.TiffFile(io.BytesIO(block)) as tiff:
            return valid_orientation(tiff.pages.first.tags.valueof(_ORIENTATION_TAG))
    except Exception:  # noqa: BLE001 - damaged EXIF raises anything and must not cost the photograph
        return 1


def valid_orientation(value: object) -> int:
    """An orientation tag's value, 1 where it means nothing."""
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def valid_dpi(x: object, y: object) -> float | None:
    """A resolution that is the same along both axes; None where the tags mean nothing."""
    try:
        across, down = float(cast("Any", x)), float(cast("Any", y))
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    if not (0 < across < math.inf and abs(across - down) <= _SQUARE * across):
        return None
    return across


def upright(pixels: Image, orientation: int) -> Image:
    """Turn and mirror stored pixels the way their orientation says.

    Parameters
    ----------
    pixels : ndarray, shape (M, N, 3)
        As stored.
    orientation : int
        EXIF orientation, 1 to 8.

    Returns
    -------
    ndarray
        A C-contiguous, writable copy, as the photographer saw it; shape (N, M, 3) for
        orientations 5 to 8.
    """
    turned: Image = np.swapaxes(pixels, 0, 1) if orientation >= 5 else pixels
    if orientation in {3, 4, 7, 8}:
        turned = turned[::-1]
    if orientation in {2, 3, 6, 7}:
        turned = turned[:, ::-1]
    return turned.copy()
