"""One brightness curve for both visits, so that what looks darker is darker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.opencv import cv2
from scarmetrics.photometry import to_uint8

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from scarmetrics.models import Image, Mask

_SAMPLES = 50_000  # from each visit, so that both count the same
_PERCENTILES = (0.5, 99.5)
_SHOWN_AS = (0.10, 0.92)  # head room on both ends for what lies outside the region
_MOST_GAIN = 3.0  # more would show noise as skin texture


@dataclass(frozen=True)
class Tone:
    """A straight line from luma to displayed luma; colour differences stay as they are.

    Attributes
    ----------
    offset, gain : float
        ``displayed = offset + gain * luma``, all from 0 to 1; R, G and B move by the same amount.
    """

    offset: float
    gain: float

    def apply(self, image: Image) -> NDArray[np.uint8]:
        """The image as displayed, 8 bit."""
        luma = np.linspace(0, 1, np.iinfo(image.dtype).max + 1)
        shown = np.clip(self.offset + self.gain * luma, 0, 1)
        shift = np.rint(255 * (shown - luma)).astype(np.int16)
        moved = to_uint8(image) + shift[cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)][..., None]
        return np.clip(moved, 0, 255).astype(np.uint8)


def fit_tone(images: Sequence[Image], rois: Sequence[Mask]) -> Tone:
    """The tone that fits the measured skin of all photographs together.

    The 0.5th and 99.5th percentile of luma over the pooled skin come to 10 % and 92 % of the
    display's range. The same line holds for every photograph: a difference of brightness or colour
    between the visits stays visible.

    Parameters
    ----------
    images : sequence of ndarray of uint8 or uint16, shape (M, N, 3)
        RGB.
    rois : sequence of ndarray of bool, shape (M, N)
        Theirs; not empty.

    Returns
    -------
    Tone
    """
    pooled = np.concatenate(
        [_luma_sample(image, roi) for image, roi in zip(images, rois, strict=True)]
    )
    low, high = np.percentile(pooled, _PERCENTILES)
    gain = min((_SHOWN_AS[1] - _SHOWN_AS[0]) / max(float(high - low), 1e-6), _MOST_GAIN)
    return Tone(offset=sum(_SHOWN_AS) / 2 - gain * float(low + high) / 2, gain=gain)


def _luma_sample(image: Image, roi: Mask) -> NDArray[np.float32]:
    """Luma of evenly spaced pixels of the region, 0 to 1, as many from each image."""
    inside = np.flatnonzero(roi)
    chosen = inside[np.linspace(0, len(inside) - 1, _SAMPLES).astype(np.intp)]
    pixels = np.ascontiguousarray(image.reshape(-1, 3)[chosen][:, None])
    luma = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return (luma / np.iinfo(image.dtype).max).astype(np.float32).ravel()
