"""Between sRGB code values and linear light."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import numpy as np

from scarmetrics.photometry import srgb_to_linear

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from scarmetrics.models import FloatImage, Image


def decode(image: Image) -> FloatImage:
    """Linear light of an sRGB image (IEC 61966-2-1).

    Parameters
    ----------
    image : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB, sRGB encoded.

    Returns
    -------
    ndarray of float32, shape (M, N, 3)
        0 to 1.
    """
    return srgb_to_linear(np.iinfo(image.dtype).max + 1)[image]


@overload
def encode(linear: FloatImage, dtype: type[np.uint8]) -> NDArray[np.uint8]: ...
@overload
def encode(linear: FloatImage, dtype: DTypeLike) -> Image: ...
def encode(linear: FloatImage, dtype: DTypeLike) -> Image:
    """Inverse of `decode`; what is out of range is clipped.

    Parameters
    ----------
    linear : ndarray of float32, shape (M, N, 3)
        Linear light, 0 to 1.
    dtype : dtype
        ``uint8`` or ``uint16``.

    Returns
    -------
    ndarray of uint8 or uint16, shape (M, N, 3)
    """
    linear = np.clip(linear, 0, 1)
    code = np.where(
        linear <= 0.0031308,
        12.92 * linear,
        np.float32(1.055) * linear ** np.float32(1 / 2.4) - 0.055,
    )
    levels: Image = np.round(code * np.iinfo(np.dtype(dtype)).max).astype(dtype)
    return levels
