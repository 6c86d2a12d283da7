"""Areas of labelled scars in each named region of one half."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from scarmetrics.models import FloatImage, Mask
    from scarmetrics.units import PixelScale


@dataclass(frozen=True)
class RegionMeasurement:
    """The scars of one region of a half at one visit.

    Attributes
    ----------
    region : str
        Its name.
    roi_area_mm2, area_mm2 : float or None
        Surface of the measured skin and of the scars on it; None without a scale.
    area_fraction : float or None
        Scar surface per measured surface; None where no skin of the region was measured.
    scar_count : int
        Scars that have more of their surface here than in any other region.
    """

    region: str
    roi_area_mm2: float | None
    area_mm2: float | None
    area_fraction: float | None
    scar_count: int


def measure_regions(
    labels: NDArray[np.int32],
    roi: Mask,
    surface_factor: FloatImage,
    *,
    regions: NDArray[np.uint8],
    names: Sequence[str],
    scale: PixelScale | None,
) -> tuple[RegionMeasurement, ...]:
    """Divide a half's scars and measured skin among regions.

    A scar across a border gives each region the part that lies in it, so that the regions' areas
    add up to the half's; it is counted once.

    Parameters
    ----------
    labels : ndarray of int32, shape (M, N)
        Scars; 0 is skin.
    roi : ndarray of bool, shape (M, N)
        Skin that was measured.
    surface_factor : ndarray of float32, shape (M, N)
        Surface area per projected area.
    regions : ndarray of uint8, shape (M, N)
        1 + the place of each pixel's region in `names`; 0 elsewhere.
    names : sequence of str
        The regions.
    scale : PixelScale or None
        mm per px.

    Returns
    -------
    tuple of RegionMeasurement
        One for each name, in that order.
    """
    size = len(names) + 1
    skin_px = np.bincount(regions[roi], surface_factor[roi], minlength=size)
    count = int(labels.max())
    scarred = labels > 0
    pairs = labels[scarred].astype(np.int64) * size + regions[scarred]
    parts = np.bincount(pairs, surface_factor[scarred], minlength=(count + 1) * size)
    parts = parts.reshape(count + 1, size)[1:]
    home = parts[:, 1:].argmax(axis=1) + 1 if count else np.zeros(0, np.intp)
    scars = np.bincount(home, minlength=size)
    scar_px = parts.sum(axis=0)
    mm2 = None if scale is None else scale.mm_per_px**2
    return tuple(
        RegionMeasurement(
            region=name,
            roi_area_mm2=None if mm2 is None else float(skin_px[i] * mm2),
            area_mm2=None if mm2 is None else float(scar_px[i] * mm2),
            area_fraction=float(scar_px[i] / skin_px[i]) if skin_px[i] > 0 else None,
            scar_count=int(scars[i]),
        )
        for i, name in enumerate(names, start=1)
    )
