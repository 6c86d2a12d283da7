"""Which scale each photograph of a pair is measured with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.models import FailedHalf
from scarmetrics.scale import (
    ScaleChoice,
    choose_scale,
    follow_up_scale,
    image_scales,
)
from scarmetrics.units import PixelScale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scarmetrics.config import StudyConfig
    from scarmetrics.face import Face
    from scarmetrics.models import Image
    from scarmetrics.registration import Registration
    from scarmetrics.units import ScaleSource

    StatedScales = PixelScale | Sequence[PixelScale] | None

_SAMPLES = 40_000  # points of the skin that the ratio of sizes is taken from
_PIECES = 6  # an expression stretches skin in pieces of about a sixth of a face
_POSE_REL_SD = 0.002  # of a ratio of lengths, from the shape and pose of turned faces


@dataclass(frozen=True)
class SizeRatio:
    """How much larger unchanged skin is in the follow-up's pixels than in the baseline's.

    Attributes
    ----------
    area : float
        px² of the follow-up per px² of the baseline.
    rel_sd : float
        Relative standard deviation of the ratio of lengths, its root.
    """

    area: float
    rel_sd: float


def size_ratio(
    registration: Registration, faces: tuple[Face, Face], mm_per_px: tuple[float, float]
) -> SizeRatio:
    """Size of the follow-up's skin relative to the baseline's, from all skin that was aligned.

    The median over the skin of the alignment's area ratio. Where areas follow the curved surface,
    each visit's foreshortening is taken out first, so that a turn of the head is not taken for a
    change of distance.

    Parameters
    ----------
    registration : Registration
        From baseline to follow-up.
    faces : tuple of Face
        Theirs.
    mm_per_px : tuple of float
        Sizes of their pixels, nominal ones where there is no scale.

    Returns
    -------
    SizeRatio
        Its uncertainty comes from the alignment's expected error over the width of the skin, and
        from how unevenly the skin was stretched.
    """
    at = registration.samples(_SAMPLES)
    ratios = at.area_ratio
    if faces[0].config.surface == "curved":
        fixed, moving = (
            face.surface(mm).factor_at(points)
            for face, mm, points in zip(faces, mm_per_px, (at.fixed, at.moving), strict=True)
        )
        ratios = ratios * moving / fixed
    area = float(np.median(ratios))
    unevenness = 1.4826 * float(np.median(np.abs(ratios / area - 1))) / 2  # of lengths
    error_px = float(np.median(at.error_px))
    width_px = float(np.sqrt(at.fixed.var(axis=0).sum()))
    parts = (error_px / width_px, unevenness / math.sqrt(_PIECES), _POSE_REL_SD)
    return SizeRatio(area, float(np.linalg.norm(parts)))


def pair_scales(
    images: tuple[Image, Image],
    faces: tuple[Face, Face],
    stated: tuple[StatedScales, StatedScales],
    config: StudyConfig,
) -> tuple[ScaleChoice, ScaleChoice] | FailedHalf:
    """The scales of two photographs, from what is stated and what they show.

    Parameters
    ----------
    images : tuple of ndarray of uint8 or uint16, shape (M, N, 3)
        Baseline and follow-up, RGB, upright.
    faces : tuple of Face
        The faces in them.
    stated : tuple of PixelScale, sequence of PixelScale or None
        For each, one that a caller insists on, or several to choose from by ``scale.prefer``.
    config : StudyConfig
        Parameters.

    Returns
    -------
    tuple of ScaleChoice, or FailedHalf
        A failure where a source that the config promises gives no scale, no other does, and
        `carry_scale` will give none either.
    """
    first, second = (
        _photo_scale(image, face, one, config)
        for image, face, one in zip(images, faces, stated, strict=True)
    )
    carried = first.used is not None and "follow_up" in config.scale.prefer
    visits = (config.pairing.baseline_visit, config.pairing.follow_up_visit)
    for choice, visit in zip((first,) if carried else (first, second), visits, strict=False):
        if choice.used is None and choice.failures:
            cause = choice.failures[0]
            return FailedHalf(cause.reason_code, cause.reason, visit)
    return first, second


def _photo_scale(
    image: Image, face: Face, stated: StatedScales, config: StudyConfig
) -> ScaleChoice:
    shown = image_scales(image, face, config.scale)
    prefer: tuple[ScaleSource, ...] = config.scale.prefer
    if isinstance(stated, PixelScale):
        prefer, stated = (stated.source, *prefer), (stated,)
    found = [*(stated or ()), *shown.found]
    return choose_scale(found, shown.failures, shown.covers, prefer=prefer)


def carries_scale(choices: tuple[ScaleChoice, ScaleChoice], config: StudyConfig) -> bool:
    """Whether the baseline's scale is preferred to what the follow-up has of its own."""
    (baseline, follow_up), prefer = choices, config.scale.prefer
    if baseline.used is None or "follow_up" not in prefer:
        return False
    own = follow_up.used
    return own is None or (
        own.source in prefer and prefer.index("follow_up") < prefer.index(own.source)
    )


def carry_scale(
    choices: tuple[ScaleChoice, ScaleChoice], ratio: SizeRatio, config: StudyConfig
) -> ScaleChoice:
    """The follow-up's choice with the baseline's scale carried over.

    Parameters
    ----------
    choices : tuple of ScaleChoice
        Baseline and follow-up, each alone; the baseline has a scale.
    ratio : SizeRatio
        Of the follow-up's skin to the baseline's.
    config : StudyConfig
        ``scale.prefer``.

    Returns
    -------
    ScaleChoice
    """
    baseline, follow_up = choices
    assert baseline.used is not None
    carried = follow_up_scale(baseline.used, math.sqrt(ratio.area), ratio.rel_sd)
    found = [*follow_up.found, carried]
    return choose_scale(found, follow_up.failures, follow_up.covers, prefer=config.scale.prefer)
