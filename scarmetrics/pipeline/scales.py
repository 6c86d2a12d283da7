"""Which scale each photograph of a pair is measured with."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.models import FailedHalf
from scarmetrics.opencv import cv2
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
    from scarmetrics.models import Image, Mask
    from scarmetrics.units import ScaleSource

    StatedScales = PixelScale | Sequence[PixelScale] | None

LANDMARK_REL_SD = 0.01
"""Of the ratio of two photographs' sizes that the landmarks give."""


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


def carry_scale(
    choices: tuple[ScaleChoice, ScaleChoice],
    area_ratio: float,
    config: StudyConfig,
    ratio_rel_sd: float = LANDMARK_REL_SD,
) -> ScaleChoice:
    """The follow-up's choice, once the two photographs are aligned.

    Parameters
    ----------
    choices : tuple of ScaleChoice
        Baseline and follow-up, each alone.
    area_ratio : float
        px² of the follow-up per px² of the baseline, for unchanged skin.
    config : StudyConfig
        ``scale.prefer``.
    ratio_rel_sd : float, optional
        Relative standard deviation of the ratio of lengths.

    Returns
    -------
    ScaleChoice
        The same, unless the baseline's scale is preferred to what the follow-up has of its own.
    """
    baseline, follow_up = choices
    prefer = config.scale.prefer
    if baseline.used is None or "follow_up" not in prefer:
        return follow_up
    own = follow_up.used
    if own is not None and (
        own.source not in prefer or prefer.index(own.source) < prefer.index("follow_up")
    ):
        return follow_up
    carried = follow_up_scale(baseline.used, math.sqrt(area_ratio), ratio_rel_sd)
    found = [*follow_up.found, carried]
    return choose_scale(found, follow_up.failures, follow_up.covers, prefer=prefer)


def without_prints(skin: Mask, choice: ScaleChoice) -> Mask:
    """Skin that no marker or chart hides; shape (M, N)."""
    if not choice.covers:
        return skin
    canvas = skin.astype(np.uint8)
    for corners in choice.covers:
        cv2.fillPoly(canvas, [np.rint(np.array(corners)).astype(np.int32)], 0)
    return canvas > 0
