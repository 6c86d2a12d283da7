"""Areas of labelled scars in one photograph, in its own pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage as ndi
from skimage.measure import perimeter_crofton

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.models import FloatImage, Mask
    from scarmetrics.segmentation import ScarLabels
    from scarmetrics.units import PixelScale

_SHARED = 0.25  # share of boundary variance common to the whole contour, from the peak's own error


@dataclass(frozen=True)
class ScarMeasurement:
    """One scar at one visit.

    Attributes
    ----------
    scar_id : int
        Its label.
    x_px, y_px : float
        Centroid in the photograph's pixels.
    area_px : float
        Projected area in px².
    area_sd_px : float
        Its standard deviation from one photograph to the next, in px²: from the boundary's
        uncertainty and from what the method repeats less well than that.
    area_mm2, equivalent_diameter_mm : float or None
        Surface area, and the diameter of the circle of that area; None without a scale.
    contrast : float
        Relative darkening at the deepest point, 0 to 1.
    detection_probability : float or None
        Chance that a new photograph would show it; None where the method does not say.
    """

    scar_id: int
    x_px: float
    y_px: float
    area_px: float
    area_sd_px: float
    area_mm2: float | None
    equivalent_diameter_mm: float | None
    contrast: float
    detection_probability: float | None = None


@dataclass(frozen=True)
class AreaMeasurement:
    """All scars of one half at one visit.

    Attributes
    ----------
    scars : tuple of ScarMeasurement
        In the order of their labels.
    area_mm2, projected_area_mm2, roi_area_mm2 : float or None
        Scar area on the skin's surface and in the image plane, and the measured skin's surface;
        None without a scale.
    boundary_sd_mm2 : float or None
        Standard deviation of `area_mm2` from the boundaries alone.
    area_sd_mm2 : float or None
        The whole standard deviation: boundaries, detection, method and scale.
    area_fraction : float
        Scar surface per measured surface; needs no scale.
    detection_sd_mm2 : float or None
        Standard deviation of `area_mm2` from scars near the limit of detection.
    area_rel_sd, change_rel_sd, repeat_rel_sd : float
        Relative error of the area that is common to both visits of a half, relative error of a
        change of it, and relative error that each photograph draws anew.
    """

    scars: tuple[ScarMeasurement, ...]
    area_mm2: float | None
    projected_area_mm2: float | None
    roi_area_mm2: float | None
    boundary_sd_mm2: float | None
    area_sd_mm2: float | None
    area_fraction: float
    detection_sd_mm2: float | None = None
    area_rel_sd: float = 0.0
    change_rel_sd: float = 0.0
    repeat_rel_sd: float = 0.0

    @property
    def scar_count(self) -> int:
        """Number of scars."""
        return len(self.scars)

    @property
    def repeat_sd_mm2(self) -> float:
        """All of `area_sd_mm2` that another photograph draws anew; 0 without a scale."""
        parts = (
            self.boundary_sd_mm2 or 0.0,
            self.detection_sd_mm2 or 0.0,
            self.repeat_rel_sd * (self.area_mm2 or 0.0),
        )
        return float(np.linalg.norm(parts))


def measure_labels(
    found: ScarLabels,
    roi: Mask,
    surface_factor: FloatImage,
    scale: PixelScale | None,
    surface_rel_sd: float = 0.0,
) -> AreaMeasurement:
    """Measure labelled scars.

    The boundary's position is uncertain by the pair's noise over the signal's slope there; that
    uncertainty times the perimeter is the area's. A quarter of the variance is common to a scar's
    whole contour, because half of the peak's own error moves the level; the rest averages out
    along the contour. Scars are independent. The scale enters squared.

    A scar that is seen with probability p contributes its area squared times p (1 - p), as a
    Bernoulli variable does, and one scar of the smallest size that counts may always be missed or
    false, so that the uncertainty of no scar is not zero. What the method gets wrong beyond that
    is relative to the area and comes with the labels; what the surface gets wrong is relative too
    and counts among it, because the same face is wrong in the same way at both visits.

    Parameters
    ----------
    found : ScarLabels
        Labels of shape (M, N) and their boundaries' uncertainty.
    roi : ndarray of bool, shape (M, N)
        Skin that was measured; not empty.
    surface_factor : ndarray of float32, shape (M, N)
        Surface area per projected area.
    scale : PixelScale or None
        mm per px and its relative standard deviation.
    surface_rel_sd : float, optional
        Relative standard deviation of areas from `surface_factor`.

    Returns
    -------
    AreaMeasurement

    Raises
    ------
    ValueError
        If `roi` is empty.
    """
    roi_surface_px = float(surface_factor[roi].sum(dtype=np.float64))
    if roi_surface_px <= 0:
        raise ValueError("the ROI is empty")
    labels, count = found.labels, found.count
    flat = labels[labels > 0]
    area_px = np.bincount(flat, minlength=count + 1)[1:].astype(np.float64)
    surface_px = np.bincount(flat, surface_factor[labels > 0], minlength=count + 1)[1:]
    centroid = _centroids(labels, area_px, count)
    sd_px = _area_sd_px(found)
    scar_sd_px = np.hypot(sd_px, found.scar_rel_sd * area_px)
    known = found.detection_probability
    chance = np.ones(count) if known is None else known
    mm2 = None if scale is None else scale.mm_per_px**2
    scars = tuple(
        ScarMeasurement(
            scar_id=i + 1,
            x_px=float(centroid[i, 0]),
            y_px=float(centroid[i, 1]),
            area_px=float(area_px[i]),
            area_sd_px=float(scar_sd_px[i]),
            area_mm2=None if mm2 is None else float(surface_px[i] * mm2),
            equivalent_diameter_mm=(
                None if mm2 is None else float(2 * np.sqrt(surface_px[i] * mm2 / np.pi))
            ),
            contrast=float(1 - np.exp(-found.peak[i])),
            detection_probability=None if known is None else float(known[i]),
        )
        for i in range(count)
    )
    fraction = float(surface_px.sum() / roi_surface_px)
    if scale is None or mm2 is None:
        return AreaMeasurement(scars, None, None, None, None, None, fraction)
    area = float(surface_px.sum() * mm2)
    tilt = surface_px / np.maximum(area_px, 1)
    boundary_sd = float(np.sqrt(np.sum((sd_px * tilt) ** 2)) * mm2)
    unsure_px2 = np.sum(surface_px**2 * chance * (1 - chance)) + found.smallest_area_px**2
    detection_sd = float(np.sqrt(unsure_px2) * mm2)
    area_rel_sd = float(np.hypot(found.area_rel_sd, surface_rel_sd))
    relative = (area_rel_sd, found.repeat_rel_sd, 2 * scale.rel_sd)
    return AreaMeasurement(
        scars=scars,
        area_mm2=area,
        projected_area_mm2=float(area_px.sum() * mm2),
        roi_area_mm2=roi_surface_px * mm2,
        boundary_sd_mm2=boundary_sd,
        area_sd_mm2=float(
            np.linalg.norm([boundary_sd, detection_sd, *(area * part for part in relative)])
        ),
        area_fraction=fraction,
        detection_sd_mm2=detection_sd,
        area_rel_sd=area_rel_sd,
        change_rel_sd=found.change_rel_sd,
        repeat_rel_sd=found.repeat_rel_sd,
    )


def _centroids(
    labels: NDArray[np.int32], area_px: NDArray[np.float64], count: int
) -> NDArray[np.float64]:
    y, x = np.nonzero(labels)
    label = labels[y, x]
    sums = [np.bincount(label, values, minlength=count + 1)[1:] for values in (x, y)]
    return np.column_stack(sums) / np.maximum(area_px, 1)[:, None]


def _area_sd_px(found: ScarLabels) -> NDArray[np.float64]:
    result = np.zeros(found.count)
    for i, place in enumerate(ndi.find_objects(found.labels, max_label=found.count)):
        length = float(perimeter_crofton(np.pad(found.labels[place] == i + 1, 1)))
        alone = max(1.0, length / max(1.0, found.correlation_px))
        result[i] = found.boundary_sd_px[i] * length * np.sqrt(_SHARED + (1 - _SHARED) / alone)
    return result
