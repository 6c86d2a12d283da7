"""Halves with drawn scars, photographed three times: what the uncertainty is judged by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from _common import SHARED
from skimage.io import imread

import scarmetrics as sm
from scarmetrics.models import SIDES
from scarmetrics.phantom import (
    Light,
    astronaut_face,
    coverage,
    draw_exposure,
    recapture,
    scar_field,
    shrink,
)
from scarmetrics.pipeline import Pair, align_pair, measure_side
from scarmetrics.units import PixelScale

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scarmetrics.measure import ScarMatch
    from scarmetrics.phantom import Recaptured, Scar
    from scarmetrics.pipeline import HalfResult

_LONDON_MM, _CANADA_MM = 0.31, 0.18
_GONE, _LEFT = 0.05, 0.3  # share of a contour that the scars of the second visit cover


@dataclass(frozen=True, eq=False)
class Skin:
    """A face to draw on."""

    kind: str
    name: str
    image: Any
    mm_per_px: float
    min_diameter_mm: float
    face: sm.Face


def skins(
    portraits: int, people: int, seed: int = 0, collections: tuple[str, ...] = ("london", "canada")
) -> Iterator[Skin]:
    """Portraits with made skin, then real faces where the folder of them is there."""
    for face_seed in range(100 * (seed + 1), 100 * (seed + 1) + portraits):
        made = astronaut_face(face_seed)
        yield Skin("portrait", str(face_seed), made.image, made.mm_per_px, 0.8, made.face)
    for kind, pattern, mm_per_px, least_mm in (
        ("london", "*_03.jpg", _LONDON_MM, 1.25),
        ("canada", "*.jpg", _CANADA_MM, 0.8),
    ):
        if kind not in collections:
            continue
        for path in sorted((SHARED / "faces" / kind).glob(pattern))[:people]:
            image = imread(path)
            face = sm.detect_face(image)
            if face:
                yield Skin(kind, path.stem, image, mm_per_px, least_mm, face)


def draw_lights(rng: np.random.Generator, count: int) -> list[Light]:
    """The same light for several photographs, as far as a head is held the same way again."""
    light = Light(
        light_deg=float(rng.uniform(0, 360)),
        elevation_deg=float(rng.uniform(25, 45)),
        light_softness=float(rng.uniform(0.2, 0.5)),
    )
    return [
        replace(
            light,
            light_deg=light.light_deg + float(rng.normal(0, 6)),
            elevation_deg=light.elevation_deg + float(rng.normal(0, 1.5)),
        )
        for _ in range(count)
    ]


def measure_face(skin: Skin, number: int, method: str) -> list[dict[str, Any]]:
    """Baseline, treated and untreated second visit of both halves of a face.

    Truth is what was drawn, on real skin together with what is found there without it: a person's
    own marks are not known.
    """
    rng = np.random.default_rng((11, number))
    scars = _draw(skin, rng, number)
    treated = shrink(
        scars,
        float(rng.uniform(0.45, 1.0)),
        float(rng.uniform(0.6, 1.0)),
        healed_fraction=float(rng.uniform(0, 0.35)),
        spread=0.15,
        seed=number,
    )
    lights = draw_lights(rng, 3)
    photographs = [
        _photograph(skin, (number, visit), shown, lights[visit])
        for visit, shown in enumerate((scars, treated, scars))
    ]
    config = sm.StudyConfig.model_validate(
        {
            "segmentation": {"method": method, "min_diameter_mm": skin.min_diameter_mm},
            "face": {"surface": "flat"},  # scars are drawn in the picture, and so is their area
        }
    )
    change, retest = (_aligned(photographs[0], photographs[i], config) for i in (1, 2))
    if change is None or retest is None:
        return []
    clear = None
    if skin.kind != "portrait":
        bare = tuple(_photograph(skin, (number, i), (), lights[i]).image for i in (0, 1))
        clear = replace(change, images=bare)
    return [
        row
        for side in SIDES
        if (
            row := _half(
                skin, photographs, treated, (change, retest, clear), side=side, config=config
            )
        )
    ]


def _draw(skin: Skin, rng: np.random.Generator, number: int) -> list[Scar]:
    """Fields on both halves, of the same kind but not of the same amount."""
    confluent = float(rng.uniform(0, 0.9))
    return [
        scar
        for index, side in enumerate(SIDES)
        for scar in scar_field(
            skin.face.skin_mask(side),
            mm_per_px=skin.mm_per_px,
            seed=10 * number + index,
            area_fraction=float(rng.uniform(0.004, 0.06)),
            diameter_mm=(1.25 * skin.min_diameter_mm, 5.0),
            confluent_fraction=confluent,
        )
    ]


def _photograph(
    skin: Skin, seeds: tuple[int, int], scars: list[Scar] | tuple[()], light: Light
) -> Recaptured:
    seed = 100 * seeds[0] + seeds[1]
    return recapture(
        skin.image,
        seed=seed,
        mm_per_px=skin.mm_per_px,
        scars=scars,
        light=light,
        exposure=draw_exposure(seed),
    )


def _aligned(first: Recaptured, second: Recaptured, config: sm.StudyConfig) -> Pair | None:
    scales = (
        PixelScale(first.mm_per_px, 0.0, "api"),
        PixelScale(second.mm_per_px, 0.0, "api"),
    )
    pair = align_pair(first.image, second.image, scales=scales, config=config)
    return pair if isinstance(pair, Pair) else None


def _half(
    skin: Skin,
    photographs: list[Recaptured],
    treated: list[Scar],
    pairs: tuple[Pair, Pair, Pair | None],
    *,
    side: str,
    config: sm.StudyConfig,
) -> dict[str, Any] | None:
    results = [None if pair is None else measure_side(pair, side, config) for pair in pairs]
    half, again, clear = results
    if not half or not again or (pairs[2] is not None and not clear):
        return None
    own = [0.0, 0.0] if clear is None else [_area(clear.baseline), _area(clear.follow_up)]
    truth = [
        photograph.truth.area_within_mm2(visit.roi) + found
        for photograph, visit, found in zip(
            photographs, (half.baseline, half.follow_up), own, strict=False
        )
    ]
    return {
        "kind": skin.kind,
        "name": skin.name,
        "side": side,
        "clear_mm2": own[0] if clear else None,
        "true_mm2": truth,
        "visits": [_visit(half.baseline), _visit(half.follow_up)],
        "change_sd_mm2": half.change.change_sd_mm2,
        "retest": [_visit(again.baseline), _visit(again.follow_up)],
        "retest_sd_mm2": again.change.change_sd_mm2,
        "retest_fates": _count(match.fate for match in again.matches),
        "scars": [row for match in again.matches if (row := _followed(match, again)) is not None],
        "fates": _fates_by_truth(half, photographs[0], treated, skin.mm_per_px),
    }


def _area(visit: Any) -> float:
    return float(visit.measurement.area_mm2)


def _visit(visit: Any) -> dict[str, float]:
    measured = visit.measurement
    return {
        "area_mm2": measured.area_mm2,
        "sd_mm2": measured.area_sd_mm2,
        "boundary_sd_mm2": measured.boundary_sd_mm2,
        "detection_sd_mm2": measured.detection_sd_mm2,
    }


def _followed(match: ScarMatch, result: HalfResult) -> dict[str, float] | None:
    """Areas of a scar in two photographs and the standard deviation of their difference."""
    if match.area_change_mm2 is None:
        return None
    before = result.baseline.measurement.scars[match.baseline_id - 1]
    after = result.follow_up.measurement.scars[match.follow_up_id - 1]
    return {
        "before_mm2": before.area_mm2,
        "after_mm2": after.area_mm2,
        "sd_mm2": match.area_change_sd_mm2,
    }


def _fates_by_truth(
    half: HalfResult, first: Recaptured, treated: list[Scar], mm_per_px: float
) -> dict[str, dict[str, int]]:
    """Fates of the baseline's scars that have truly gone, and of those that are truly left."""
    shape = first.image.shape[:2]
    drawn = first.truth.coverage
    moved = first.warp.transform_scars(treated, mm_per_px, first.mm_per_px)
    still = coverage(shape, moved, first.mm_per_px)
    labels = half.baseline.labels
    px = np.maximum(np.bincount(labels.ravel()), 1)
    share_drawn, share_left = (np.bincount(labels.ravel(), x.ravel()) / px for x in (drawn, still))
    fates: dict[str, dict[str, int]] = {"gone": {}, "left": {}}
    told = {match.baseline_id: match.fate for match in half.matches if match.baseline_id}
    for label, fate in told.items():
        if share_drawn[label] < _LEFT:
            continue
        truth = (
            "gone" if share_left[label] < _GONE else "left" if share_left[label] >= _LEFT else None
        )
        if truth:
            fates[truth][fate] = fates[truth].get(fate, 0) + 1
    return fates


def _count(words: Any) -> dict[str, int]:
    table: dict[str, int] = {}
    for word in words:
        table[word] = table.get(word, 0) + 1
    return table
