"""Numbers of photographic quality on real faces, and what blur does to scar area.

London neutral against smiling, Canada, one person in other light and size (lisa), one at several
distances (zoom); no scale is known, so 63 mm between the pupils are assumed.

Run:  python benchmarks/quality.py
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
from _common import print_table, require, write_json
from skimage.io import imread

import scarmetrics as sm
from scarmetrics.config import QualityConfig
from scarmetrics.face.expression import expression_difference, pose_difference_deg
from scarmetrics.face.measurable import skin_exposure
from scarmetrics.face.sharpness import edge_blur_px
from scarmetrics.models import SIDES
from scarmetrics.opencv import cv2
from scarmetrics.phantom import astronaut_face, render, scar_field
from scarmetrics.phantom.light import decode, encode
from scarmetrics.units import NOMINAL_INTERPUPILLARY_MM

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from scarmetrics.models import Image

BLURS_MM = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
LIMITS = QualityConfig()

Shot = tuple[sm.Face, float, list[tuple[float, float]]]
"""Face, blur in mm, exposure and clipped share of both sides."""


def shot(path: Path) -> Shot:
    image = imread(path)
    face = sm.detect_face(image)
    if not face:
        raise SystemExit(f"no face in a published photograph, {path.name}: {face.reason}")
    mm_per_px = NOMINAL_INTERPUPILLARY_MM / face.interpupillary_px
    blur_px = edge_blur_px(image, face.face_mask, mm_per_px)
    exposures = [skin_exposure(image, face.skin_mask(side)) for side in SIDES]
    return face, mm_per_px * (blur_px or 0.0), exposures


def spread(values: Sequence[float]) -> list[str]:
    return [f"{value:.3f}" for value in np.quantile(values, [0, 0.05, 0.5, 0.95, 1])]


def areas_by_blur() -> dict[str, list[float]]:
    """Measured over drawn area of the left half, for photographs blurred in linear light."""
    found = {}
    for seed, mm_per_px in ((1, 0.15), (2, 0.2), (3, 0.3), (4, 0.2)):
        face = astronaut_face(seed, mm_per_px)
        skin = face.face.skin_mask("left")
        scars = scar_field(skin, mm_per_px=mm_per_px, seed=seed, area_fraction=0.04)
        scarred = render(face.image, scars, mm_per_px=mm_per_px)
        true = float((scarred.coverage * skin).sum())
        found[f"{seed}, {mm_per_px} mm/px"] = [
            float((_found(scarred.image, mm, mm_per_px, skin) > 0).sum() / true) for mm in BLURS_MM
        ]
    return found


def _found(image: Image, blur_mm: float, mm_per_px: float, skin: np.ndarray) -> np.ndarray:
    if blur_mm:
        light = cv2.GaussianBlur(decode(image), (0, 0), blur_mm / mm_per_px)
        image = encode(light, image.dtype)
    labels = sm.segment(image, mm_per_px=mm_per_px, roi=skin)
    if not labels:
        raise SystemExit(labels.reason)
    return labels.labels


def main() -> None:
    folder = require("faces")
    groups = {
        "London, neutral": [shot(path) for path in sorted(folder.glob("london/*_03.jpg"))],
        "London, smiling": [shot(path) for path in sorted(folder.glob("london/*_08.jpg"))],
        "Canada": [shot(path) for path in sorted(folder.glob("canada/*.jpg"))],
        "lisa": [shot(path) for path in sorted(folder.glob("lisa/*.jpg"))],
        "zoom": [shot(path) for path in sorted(folder.glob("zoom/*.jpg"))],
    }
    print_table(
        "Each photograph",
        ("photographs", "number", "least", "p5", "median", "p95", "most", "flagged"),
        [
            row
            for name, shots in groups.items()
            for row in (
                (f"{name}: blur, mm", *_column([blur for _, blur, _ in shots], LIMITS.max_blur_mm)),
                (f"{name}: exposure", *_column(_sides(shots, 0), LIMITS.exposure[1])),
                (f"{name}: clipped", *_column(_sides(shots, 1), LIMITS.max_clipped)),
            )
        ],
    )
    pairs = {
        "neutral, smiling": list(
            zip(groups["London, neutral"], groups["London, smiling"], strict=True)
        ),
        "lisa": list(itertools.combinations(groups["lisa"], 2)),
    }
    differences = {
        name: {
            "pose, °": [pose_difference_deg(one[0], two[0]) for one, two in kind],
            "expression": [expression_difference(one[0], two[0]) for one, two in kind],
            "blur, mm": [float(np.sqrt(abs(one[1] ** 2 - two[1] ** 2))) for one, two in kind],
        }
        for name, kind in pairs.items()
    }
    limits = (
        LIMITS.max_pose_difference_deg,
        LIMITS.max_expression_difference,
        LIMITS.max_blur_difference_mm,
    )
    print_table(
        "Each pair",
        ("pairs", "number", "least", "p5", "median", "p95", "most", "flagged"),
        [
            (f"{name}: {what}", *_column(values, limit))
            for name, kinds in differences.items()
            for (what, values), limit in zip(kinds.items(), limits, strict=True)
        ],
    )
    areas = areas_by_blur()
    print_table(
        "Area found over area drawn, by blur in mm",
        ("phantom", *map(str, BLURS_MM)),
        [(name, *(f"{value:.2f}" for value in values)) for name, values in areas.items()],
    )
    photographs = {
        name: {
            "blur_mm": [blur for _, blur, _ in shots],
            "exposure": _sides(shots, 0),
            "clipped": _sides(shots, 1),
        }
        for name, shots in groups.items()
    }
    figures = {"photographs": photographs, "pairs": differences, "area_by_blur": areas}
    write_json("quality", figures)


def _sides(shots: list[Shot], index: int) -> list[float]:
    return [side[index] for _, _, sides in shots for side in sides]


def _column(values: Sequence[float], limit: float) -> tuple[object, ...]:
    return (len(values), *spread(values), int(sum(value > limit for value in values)))


if __name__ == "__main__":
    main()
