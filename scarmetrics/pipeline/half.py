"""One half, both visits, in memory: the only place that knows the order of the steps.

Registration carries the region and the identity of scars between the visits; each area is
measured in its own photograph's pixels. Noise, and with it the limit of detection, is one number
for the pair. Where one visit shows a scar that the other does not, the other is looked at again
there, by a lower limit, before anything is called healed or new.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.config import StudyConfig
from scarmetrics.face import REGIONS, Face, detect_face
from scarmetrics.measure import compare, match_scars, measure_labels, measure_regions, unmatched
from scarmetrics.models import FailedHalf, Image, Mask, Side, View
from scarmetrics.photometry import require_rgb
from scarmetrics.pipeline.crop import Crop, crop_to_side
from scarmetrics.pipeline.quality import (
    half_flags,
    pair_quality,
    refuse_pair,
    refuse_scale,
    refuse_side,
    refuse_view,
    visit_flags,
    visit_quality,
)
from scarmetrics.pipeline.results import HalfResult, Pair, VisitResult
from scarmetrics.pipeline.scales import carries_scale, carry_scale, pair_scales
from scarmetrics.pipeline.skin import SideSkin, side_skin
from scarmetrics.registration import Registration, register
from scarmetrics.segmentation import (
    Response,
    ScarLabels,
    Segmenter,
    make_segmenter,
    pool_noise,
)
from scarmetrics.units import NOMINAL_INTERPUPILLARY_MM, PixelScale

if TYPE_CHECKING:
    from scarmetrics.pipeline.scales import StatedScales


def measure_half(
    baseline: Image,
    follow_up: Image,
    *,
    side: Side,
    baseline_scale: PixelScale | float | None = None,
    follow_up_scale: PixelScale | float | None = None,
    config: StudyConfig | None = None,
) -> HalfResult | FailedHalf:
    """Measure the scars of one face half at both visits.

    Parameters
    ----------
    baseline, follow_up : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB, upright; sizes may differ.
    side : {'left', 'right'}
        Anatomical side. In a frontal photograph the left side is on the viewer's right.
    baseline_scale, follow_up_scale : PixelScale or float, optional
        mm per px; a bare number is taken with ``scale.manifest_rel_sd``. Without one, areas in
        mm² stay None and the half is flagged.
    config : StudyConfig, optional
        Parameters.

    Returns
    -------
    HalfResult or FailedHalf
        `FailedHalf` is falsy and says why.

    Raises
    ------
    ValueError
        If an image is not RGB of 8 or 16 bit, or `side` is neither word.

    Examples
    --------
    >>> import numpy as np
    >>> import scarmetrics as sm
    >>> blank = np.full((400, 400, 3), 128, np.uint8)
    >>> result = sm.measure_half(blank, blank, side="left")
    >>> bool(result), result.reason_code, result.visit
    (False, 'face_not_found', 'baseline')
    """
    if side not in ("left", "right"):
        raise ValueError(f"side is {side!r}, must be 'left' or 'right'")
    config = config or StudyConfig()
    scales = (_as_scale(baseline_scale, config), _as_scale(follow_up_scale, config))
    pair = align_pair(baseline, follow_up, scales=scales, config=config)
    return measure_side(pair, side, config) if isinstance(pair, Pair) else pair


def align_pair(
    baseline: Image,
    follow_up: Image,
    *,
    scales: tuple[StatedScales, StatedScales],
    config: StudyConfig,
    views: tuple[View | None, View | None] = (None, None),
    photo_flags: tuple[tuple[str, ...], tuple[str, ...]] = ((), ()),
) -> Pair | FailedHalf:
    """Find the face at both visits and align them, once for both halves.

    Parameters
    ----------
    baseline, follow_up : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB, upright.
    scales : tuple of PixelScale, sequence of PixelScale or None
        Theirs: one that is insisted on, or all that are stated, to choose from by
        ``scale.prefer`` together with what the photographs show.
    config : StudyConfig
        Parameters.
    views : tuple of {'frontal', 'left', 'right'} or None, optional
        What the photographs are declared to show; checked against the head's pose.
    photo_flags : tuple of tuple of str, optional
        Flags of the decoded files, to be carried by the results.

    Returns
    -------
    Pair or FailedHalf
    """
    visits = (config.pairing.baseline_visit, config.pairing.follow_up_visit)
    faces: list[Face] = []
    require_rgb(baseline)
    require_rgb(follow_up)
    for image, view, visit in zip((baseline, follow_up), views, visits, strict=True):
        face = detect_face(image, config=config.face)
        if not isinstance(face, Face):
            return FailedHalf(face.reason_code, face.reason, visit)
        conflict = refuse_view(face, view, visit)
        if conflict is not None:
            return conflict
        faces.append(face)
    choices = pair_scales((baseline, follow_up), (faces[0], faces[1]), scales, config)
    if isinstance(choices, FailedHalf):
        return choices
    used = [choice.used for choice in choices]
    detection = [
        scale.mm_per_px if scale else NOMINAL_INTERPUPILLARY_MM / face.interpupillary_px
        for scale, face in zip(used, faces, strict=True)
    ]
    for face, scale, mm_per_px, visit in zip(faces, used, detection, visits, strict=True):
        refused = refuse_scale(face, scale, mm_per_px, visit, config)
        if refused is not None:
            return refused
    registration = register(
        baseline,
        follow_up,
        fixed_face=faces[0],
        moving_face=faces[1],
        mm_per_px=detection[0],
        config=config.registration,
    )
    if not isinstance(registration, Registration):
        return refuse_pair(
            registration, (baseline, follow_up), (faces[0], faces[1]), detection, config
        )
    pair = Pair(
        images=(baseline, follow_up),
        faces=(faces[0], faces[1]),
        scales=(used[0], used[1]),
        scale_choices=choices,
        detection_mm_per_px=(detection[0], detection[1]),
        registration=registration,
        views=views,
        photo_flags=photo_flags,
    )
    return _with_carried_scale(pair, config)


def _with_carried_scale(pair: Pair, config: StudyConfig) -> Pair | FailedHalf:
    """The pair with the baseline's scale for the follow-up, where that is preferred."""
    if not carries_scale(pair.scale_choices, config):
        return pair
    carried = carry_scale(pair.scale_choices, pair.size_ratio, config)
    assert carried.used is not None
    visit, mm_per_px = config.pairing.follow_up_visit, carried.used.mm_per_px
    refused = refuse_scale(pair.faces[1], carried.used, mm_per_px, visit, config)
    if refused is not None:
        return refused
    return replace(
        pair,
        scales=(pair.scales[0], carried.used),
        detection_mm_per_px=(pair.detection_mm_per_px[0], mm_per_px),
        scale_choices=(pair.scale_choices[0], carried),
    )


def measure_side(pair: Pair, side: Side, config: StudyConfig) -> HalfResult | FailedHalf:
    """Measure one side of an aligned pair.

    Parameters
    ----------
    pair : Pair
        From `align_pair`.
    side : {'left', 'right'}
        Anatomical side.
    config : StudyConfig
        Parameters.

    Returns
    -------
    HalfResult or FailedHalf
    """
    visits = (config.pairing.baseline_visit, config.pairing.follow_up_visit)
    for face, view, visit in zip(pair.faces, pair.views, visits, strict=True):
        refused = refuse_side(face, side, view, visit)
        if refused is not None:
            return refused
    crop = crop_to_side(pair, side)
    part = crop.part
    skins = [
        side_skin(
            part.images[i],
            part.faces[i],
            side,
            part.detection_mm_per_px[i],
            config,
            covers=pair.scale_choices[i].covers_in(*crop.boxes[i][:2], crop.binnings[i]),
            spectacles=_spectacles(crop, i, config),
        )
        for i in range(2)
    ]
    rois, registered_fraction = _common_rois(part, (skins[0], skins[1]))
    if not (rois[0].any() and rois[1].any()):
        return FailedHalf("no_skin")
    segmenter = make_segmenter(config.segmentation)
    responses = []
    for image, roi, mm_per_px in zip(part.images, rois, part.detection_mm_per_px, strict=True):
        response = segmenter.respond(image, roi, mm_per_px, max(part.detection_mm_per_px))
        if not isinstance(response, Response):
            return FailedHalf(response.reason_code, response.reason)
        responses.append(response)
    found = _label_both(part, segmenter, (responses[0], responses[1]), rois)
    results = [
        _visit_result(crop, i, rois[i], found[i], skin=skins[i], config=config) for i in range(2)
    ]
    return _half_result(crop, side, (results[0], results[1]), registered_fraction, config)


def _label_both(
    pair: Pair, segmenter: Segmenter, responses: tuple[Response, Response], rois: tuple[Mask, Mask]
) -> list[ScarLabels]:
    """Scars of both visits: each judged alone, then once more where only the other shows one."""
    noise = pool_noise(responses)
    alone = [segmenter.label(responses[i], rois[i], noise) for i in range(2)]
    healed, new = unmatched(
        alone[0].labels,
        alone[1].labels,
        registration=pair.registration,
        area_ratio=_unchanged_area_ratio(pair),
    )
    known = (
        rois[0] & pair.registration.to_fixed(new),
        rois[1] & pair.registration.to_moving(healed),
    )
    return [
        segmenter.label(responses[i], rois[i], noise, known[i]) if known[i].any() else alone[i]
        for i in range(2)
    ]


def _spectacles(crop: Crop, visit: int, config: StudyConfig) -> Mask | None:
    """What spectacles cover at a visit, where there are any to be left out."""
    glasses = crop.pair.glasses[visit]
    worn = glasses.score > config.face.min_glasses_score
    return crop.of(glasses.covered, visit) if worn and config.face.exclude_glasses else None


def _as_scale(value: PixelScale | float | None, config: StudyConfig) -> PixelScale | None:
    if value is None or isinstance(value, PixelScale):
        return value
    return PixelScale(float(value), config.scale.manifest_rel_sd, "api")


def _common_rois(pair: Pair, skins: tuple[SideSkin, SideSkin]) -> tuple[tuple[Mask, Mask], float]:
    """The same anatomical skin at both visits, and its share of the skin that both show."""
    common = skins[0].mask & pair.registration.to_fixed(skins[1].mask)
    baseline = common & pair.registration.registered_mask
    follow_up = skins[1].mask & pair.registration.to_moving(baseline)
    return (baseline, follow_up), float(baseline.sum() / max(1, common.sum()))


def _visit_result(
    crop: Crop,
    visit: int,
    roi: Mask,
    found: ScarLabels,
    *,
    skin: SideSkin,
    config: StudyConfig,
) -> VisitResult:
    pair, face = crop.pair, crop.part.faces[visit]
    if config.face.surface == "curved":
        factor = face.surface_factor(crop.part.detection_mm_per_px[visit])
        surface_rel_sd = config.face.surface_rel_sd
    else:
        factor, surface_rel_sd = np.broadcast_to(np.float32(1), face.shape), 0.0
    counted = crop.part.scales[visit]
    measurement = measure_labels(found, roi, factor, counted, surface_rel_sd)
    quality = visit_quality(pair, visit, skin)
    return VisitResult(
        labels=found.labels,
        roi=roi,
        measurement=measurement,
        scale=pair.scales[visit],
        flags=visit_flags(pair, visit, measurement, quality, config),
        regions=measure_regions(
            found.labels, roi, factor, regions=skin.regions, names=REGIONS, scale=counted
        ),
        quality=quality,
        scale_choice=pair.scale_choices[visit],
        skin_states=skin.states,
    )


def _half_result(
    crop: Crop,
    side: Side,
    results: tuple[VisitResult, VisitResult],
    registered_fraction: float,
    config: StudyConfig,
) -> HalfResult:
    pair, registration = crop.pair, crop.part.registration
    baseline, follow_up = results
    quality = pair_quality(pair)
    residual_mm = float(np.nanmedian(registration.residual_mm[baseline.roi]))
    residual_px = residual_mm / pair.registration.mm_per_px
    flags = {
        *baseline.flags,
        *follow_up.flags,
        *half_flags(pair, registered_fraction, residual_px, quality, config),
    }
    scale = baseline.scale
    return HalfResult(
        side=side,
        baseline=crop.whole(baseline, 0),
        follow_up=crop.whole(follow_up, 1),
        change=compare(
            baseline.measurement, follow_up.measurement, baseline.scale, follow_up.scale
        ),
        matches=match_scars(
            baseline.labels,
            follow_up.labels,
            baseline.measurement.scars,
            follow_up.measurement.scars,
            registration=registration,
            area_ratio=_unchanged_area_ratio(crop.part),
            scales=pair.scales,
        ),
        registration=pair.registration,
        residual_px=residual_px,
        residual_mm=None if scale is None else residual_px * scale.mm_per_px,
        registered_fraction=registered_fraction,
        flags=tuple(sorted(flags)),
        quality=quality,
    )


def _unchanged_area_ratio(pair: Pair) -> float:
    """px² of the follow-up per px² of the baseline for unchanged skin."""
    first, second = pair.scales
    if first and second:
        return (first.mm_per_px / second.mm_per_px) ** 2
    return pair.size_ratio.area
