"""The scale carried from baseline to follow-up: how well the ratio of sizes is known.

The same faces photographed again at a known zoom: moved in the picture, deformed a little, or
turned in depth. Three ways to take the ratio of lengths from the alignment are compared: the
affine map of the landmarks, the median of the alignment's area ratio, and the same with each
visit's foreshortening taken out, which is what the pipeline uses.

Run:  python benchmarks/size_ratio.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from _common import print_table, require, write_json
from _turned import relief_of, turned
from skimage.io import imread

import scarmetrics as sm
from scarmetrics.config import FaceConfig
from scarmetrics.phantom import astronaut_face, recapture
from scarmetrics.pipeline.scales import size_ratio

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scarmetrics.models import Image

LONDON = ("086", "092", "099", "105", "113")
CANADA = ("116m", "147m")
TURNS_DEG = (-12.0, -6.0, 6.0, 12.0)
WAYS = ("affine map of the landmarks", "median area ratio", "median, tilt taken out")

Row = tuple[float, float, float, float]
"""Errors of the three ways in %, and the last one's own standard deviation in %."""


def photographs() -> Iterator[tuple[Image, float]]:
    """Faces and their mm per px."""
    for seed in (1, 2, 3):
        yield astronaut_face(seed, 0.3).image, 0.3
    for code in LONDON:
        yield imread(require("faces/london") / f"{code}_03.jpg"), 0.31
    for code in CANADA:
        yield imread(require("faces/canada") / f"{code}.jpg"), 0.18


def errors(fixed: Image, moving: Image, mm_per_px: float, zoom: float) -> Row:
    ratios = []
    for surface in ("flat", "curved"):
        config = FaceConfig(surface=surface)
        faces = [sm.detect_face(image, config=config) for image in (fixed, moving)]
        found = sm.register(
            fixed, moving, fixed_face=faces[0], moving_face=faces[1], mm_per_px=mm_per_px
        )
        if not found:
            raise SystemExit(f"a pair of the same face was refused: {found.reason}")
        ratios.append(size_ratio(found, (faces[0], faces[1]), (mm_per_px, mm_per_px / zoom)))
    areas = (found.affine_area_ratio, ratios[0].area, ratios[1].area)
    affine, flat, curved = (100 * (np.sqrt(area) / zoom - 1) for area in areas)
    return affine, flat, curved, 100 * ratios[1].rel_sd


def recaptured(deformation_mm: float) -> Iterator[Row]:
    for number, (image, mm_per_px) in enumerate(photographs()):
        again = recapture(
            image,
            seed=number,
            mm_per_px=mm_per_px,
            max_zoom=0.2,
            max_roll_deg=5,
            deformation_mm=deformation_mm,
        )
        yield errors(image, again.image, mm_per_px, again.zoom)


def turned_heads() -> Iterator[Row]:
    for code in LONDON:
        image = imread(require("faces/london") / f"{code}_03.jpg")
        face = sm.detect_face(image)
        relief = relief_of(image, face, face.landmarks[:468, 2])
        front, _ = turned(relief, 0.0)
        for yaw_deg in TURNS_DEG:
            yield errors(front, turned(relief, yaw_deg)[0], 0.31, 1.0)


def main() -> None:
    kinds = {f"moved, deformed by {mm} mm": recaptured(mm) for mm in (0.0, 0.3, 1.0)}
    kinds["turned by 6° and 12°"] = turned_heads()
    figures = {name: np.array(list(rows)) for name, rows in kinds.items()}
    print_table(
        "Error of the ratio of lengths, %: root mean square (largest)",
        ("pairs", "number", *WAYS, "its own sd", "within 2 sd"),
        [
            (
                name,
                len(rows),
                *(
                    f"{np.sqrt((column**2).mean()):.2f} ({np.abs(column).max():.2f})"
                    for column in rows.T[:3]
                ),
                f"{np.median(rows[:, 3]):.2f}",
                f"{100 * np.mean(np.abs(rows[:, 2]) <= 2 * rows[:, 3]):.0f} %",
            )
            for name, rows in figures.items()
        ],
    )
    write_json("size_ratio", {name: rows.tolist() for name, rows in figures.items()})


if __name__ == "__main__":
    main()
