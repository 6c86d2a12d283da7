"""All scales of one photograph, and the one of them that is used."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scarmetrics.scale.colorchecker import find_colorchecker
from scarmetrics.scale.iris import iris_scale
from scarmetrics.scale.marker import find_marker
from scarmetrics.scale.result import ScaleNotFound
from scarmetrics.units import PixelScale

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scarmetrics.config import ScaleConfig
    from scarmetrics.face import Face
    from scarmetrics.models import Image
    from scarmetrics.scale.plane import PlaneScale
    from scarmetrics.units import ScaleSource

Polygon = tuple[tuple[float, float], ...]

_CONFLICT_SD = 3.0
_MM_PER_INCH = 25.4


@dataclass(frozen=True)
class ScaleChoice:
    """The scale of a photograph, and what else was known.

    Attributes
    ----------
    used : PixelScale or None
        The one that counts; None where no source has a number.
    found : tuple of PixelScale
        All of them, the used one first, then by preference.
    failures : tuple of ScaleNotFound
        Sources that the config promises and that gave none.
    covers : tuple of tuple
        Corners (x, y) in px of each marker or chart: no skin is seen there.
    """

    used: PixelScale | None = None
    found: tuple[PixelScale, ...] = ()
    failures: tuple[ScaleNotFound, ...] = ()
    covers: tuple[Polygon, ...] = ()

    @property
    def conflict(self) -> bool:
        """Whether two of the scales are farther apart than 3 of their combined sd."""
        return any(
            abs(math.log(one.mm_per_px / two.mm_per_px))
            > _CONFLICT_SD * math.hypot(one.rel_sd, two.rel_sd)
            for one, two in itertools.combinations(self.found, 2)
        )

    @property
    def flags(self) -> tuple[str, ...]:
        """Names from `scarmetrics.flags.FLAGS`."""
        flags = set()
        if self.conflict:
            flags.add("scales_conflict")
        if self.failures:
            flags.add("scale_source_failed")
        if self.used is not None and self.used.source == "iris":
            flags.add("iris_scale")
        return tuple(sorted(flags))

    def covers_in(self, x0_px: float, y0_px: float, binning: int) -> tuple[Polygon, ...]:
        """`covers` in px of a part that begins there, `binning` px of the photograph wide."""
        return tuple(
            tuple(((x - x0_px) / binning, (y - y0_px) / binning) for x, y in corners)
            for corners in self.covers
        )

    def __str__(self) -> str:
        found = [f"{one.source} {one.mm_per_px!r} rel_sd {one.rel_sd!r}" for one in self.found]
        return "; ".join([*found, *(failure.reason_code for failure in self.failures)])


NO_SCALE = ScaleChoice()
"""Nothing found, nothing promised."""


def choose_scale(
    found: Iterable[PixelScale],
    failures: Iterable[ScaleNotFound] = (),
    covers: Iterable[Polygon] = (),
    *,
    prefer: tuple[ScaleSource, ...],
) -> ScaleChoice:
    """Exactly one scale by a declared order.

    Parameters
    ----------
    found : iterable of PixelScale
        At most one of each source.
    failures : iterable of ScaleNotFound, optional
        Promised sources that gave none.
    covers : iterable of tuple, optional
        Where markers and charts hide the skin.
    prefer : tuple of str
        Sources in order. A caller's own number (``api``) goes before all; other sources that
        are not named are dropped.

    Returns
    -------
    ScaleChoice
    """
    order = ("api", *(source for source in prefer if source != "api"))
    known = sorted(
        (scale for scale in found if scale.source in order),
        key=lambda scale: order.index(scale.source),
    )
    return ScaleChoice(known[0] if known else None, tuple(known), tuple(failures), tuple(covers))


def image_scales(image: Image, face: Face, config: ScaleConfig) -> ScaleChoice:
    """Scales that a photograph itself shows, of the kinds that the config asks for.

    A marker or chart is looked for where its size is set, the iris where ``prefer`` names it.

    Parameters
    ----------
    image : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB, upright.
    face : Face
        The face in it, with what its config knows of the camera.
    config : ScaleConfig
        What is promised, and the order of preference.

    Returns
    -------
    ScaleChoice
        The scales have the depth between thing and skin in their uncertainty.
    """
    found: list[PixelScale] = []
    failures: list[ScaleNotFound] = []
    covers: list[Polygon] = []
    distance = face.config.camera_distance_mm

    def keep(result: PlaneScale | PixelScale | ScaleNotFound, source: ScaleSource) -> None:
        if isinstance(result, ScaleNotFound):
            failures.append(result)
            return
        scale = PixelScale(result.mm_per_px, result.rel_sd, source)
        found.append(with_depth(scale, config, distance))
        if not isinstance(result, PixelScale):
            covers.append(tuple((float(x), float(y)) for x, y in result.outline_px))

    tilt = config.marker_max_tilt_deg
    if config.marker_size_mm is not None and "marker" in config.prefer:
        marker = find_marker(
            image,
            size_mm=config.marker_size_mm,
            dictionary=config.marker_dictionary,
            marker_id=config.marker_id,
            max_tilt_deg=tilt,
            min_size_px=config.marker_min_size_px,
            camera_distance_mm=distance,
        )
        keep(marker, "marker")
    if config.colorchecker_pitch_mm is not None and "colorchecker" in config.prefer:
        chart = find_colorchecker(
            image,
            pitch_mm=config.colorchecker_pitch_mm,
            max_tilt_deg=tilt,
            camera_distance_mm=distance,
        )
        keep(chart, "colorchecker")
    if "iris" in config.prefer:
        irises = iris_scale(
            face.landmarks, face.yaw_deg, iris_mm=config.iris_mm, iris_sd_mm=config.iris_sd_mm
        )
        keep(irises, "iris")
    return choose_scale(found, failures, covers, prefer=config.prefer)


def with_depth(
    scale: PixelScale, config: ScaleConfig, camera_distance_mm: float | None = None
) -> PixelScale:
    """A scale measured beside the skin, with the uncertainty of the skin's own depth.

    Parameters
    ----------
    scale : PixelScale
        At the thing that was measured.
    config : ScaleConfig
        ``depth_sd_mm`` and ``depth_rel_sd``.
    camera_distance_mm : float, optional
        From the camera to the face; without it `depth_rel_sd` counts.

    Returns
    -------
    PixelScale
    """
    if camera_distance_mm is None:
        depth = config.depth_rel_sd
    else:
        depth = config.depth_sd_mm / camera_distance_mm
    return PixelScale(scale.mm_per_px, math.hypot(scale.rel_sd, depth), scale.source)


def follow_up_scale(baseline: PixelScale, linear_ratio: float, ratio_rel_sd: float) -> PixelScale:
    """The follow-up's scale from the baseline's, through the alignment of the two.

    Parameters
    ----------
    baseline : PixelScale
        Of the baseline.
    linear_ratio : float
        Length of unchanged skin in px of the follow-up, per px of the baseline.
    ratio_rel_sd : float
        Its relative standard deviation.

    Returns
    -------
    PixelScale
        Of source ``follow_up``; it errs along with the baseline's.

    Raises
    ------
    ValueError
        If the ratio is not a positive number.
    """
    rel_sd = math.hypot(baseline.rel_sd, ratio_rel_sd)
    if not (math.isfinite(linear_ratio) and linear_ratio > 0):
        raise ValueError(f"linear_ratio is {linear_ratio}, must be a positive number")
    return PixelScale(baseline.mm_per_px / linear_ratio, rel_sd, "follow_up")


def dpi_scale(dpi: float, rel_sd: float) -> PixelScale:
    """The scale that a file's resolution would be, if it were the device's calibration.

    Parameters
    ----------
    dpi : float
        Pixels per inch.
    rel_sd : float
        How uncertain that is.

    Returns
    -------
    PixelScale
        Of source ``dpi``.

    Raises
    ------
    ValueError
        If `dpi` is not a positive number.
    """
    if not (math.isfinite(dpi) and dpi > 0):
        raise ValueError(f"dpi is {dpi}, must be a positive number")
    return PixelScale(_MM_PER_INCH / dpi, rel_sd, "dpi")
