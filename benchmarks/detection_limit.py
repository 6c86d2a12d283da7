"""How faint and how small a scar may be before it is missed.

Single scars of many diameters and depths are drawn, well apart, on clear skin: portraits with made
skin, and real faces where the folder of them is there. Each half is segmented as one photograph.

Run:  python benchmarks/detection_limit.py [--method NAME] [--portraits N] [--people N] [--figure]
"""

from __future__ import annotations

import argparse
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from _common import REPOSITORY, print_table, write_json
from _scarred import Skin, draw_lights, skins

import scarmetrics as sm
from scarmetrics.models import SIDES
from scarmetrics.opencv import cv2
from scarmetrics.phantom import Scar, draw_exposure, expose, render
from scarmetrics.photometry import blur, log_luminance

if TYPE_CHECKING:
    from collections.abc import Sequence

DIAMETERS_MM = (1.0, 1.5, 2.0, 3.0, 4.5)
DEPTHS_MM = (0.04, 0.08, 0.12, 0.16, 0.22, 0.3, 0.42, 0.6)
_APART_MM = 10.0
_CLEAR_MM = 3.0  # between a scar's outline and the border of the skin
_SEEN = 0.25  # share of an outline that a contour must cover
_LOOK_MM = 0.25  # sigma of the blur under which contrast is read
_FIGURE = REPOSITORY / "docs" / "images" / "detection_limit.png"
_COLUMNS = ("drawn", "seen", "share", "contrast", "area / true area")

Row = dict[str, Any]


def place(skin: Skin, side: str, rng: np.random.Generator) -> list[Scar]:
    """Single scars on a shaken grid, each of a diameter and depth drawn from the lists."""
    mask = skin.face.skin_mask(side).astype(np.uint8)
    room_mm = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) * skin.mm_per_px
    step = _APART_MM / skin.mm_per_px
    scars = []
    for y in np.arange(step / 2, mask.shape[0], step):
        for x in np.arange(step / 2, mask.shape[1], step):
            at_x, at_y = np.array([x, y]) + rng.uniform(-0.15, 0.15, 2) * step
            diameter, depth = float(rng.choice(DIAMETERS_MM)), float(rng.choice(DEPTHS_MM))
            row, col = (
                min(round(float(v)), n - 1) for v, n in zip((at_y, at_x), mask.shape, strict=True)
            )
            aspect = float(np.sqrt(rng.uniform(1, 1.4)))
            if room_mm[row, col] < diameter / 2 * aspect + _CLEAR_MM:
                continue
            scars.append(
                Scar(
                    x_px=float(at_x),
                    y_px=float(at_y),
                    rx_mm=diameter / 2 * aspect,
                    ry_mm=diameter / 2 / aspect,
                    angle_deg=float(rng.uniform(0, 180)),
                    depth_mm=depth,
                    profile=str(rng.choice(("boxcar", "rolling"))),
                    irregularity=0.3,
                    shape_seed=int(rng.integers(2**31)),
                )
            )
    return scars


def look(skin: Skin, number: int, method: str) -> tuple[list[Row], float, int]:
    """Each scar of a face with what became of it; also clear skin in cm², false scars on it."""
    rng = np.random.default_rng((13, number))
    scars = [scar for side in SIDES for scar in place(skin, side, rng)]
    light = draw_lights(rng, 1)[0]
    drawn = render(skin.image, scars, mm_per_px=skin.mm_per_px, light=light)
    image = expose(drawn.image, draw_exposure(number), seed=number)
    sigma = _LOOK_MM / skin.mm_per_px
    darker = 1 - np.exp(
        blur(log_luminance(drawn.image), sigma) - blur(log_luminance(skin.image), sigma)
    )
    config = sm.StudyConfig.model_validate(
        {"segmentation": {"method": method, "min_diameter_mm": 0.8}}
    )
    rows: list[Row] = []
    clear_cm2, false = 0.0, 0
    for side in SIDES:
        roi = skin.face.skin_mask(side)
        found = sm.segment(
            image, mm_per_px=skin.mm_per_px, roi=roi, config=config.segmentation
        ).labels
        clear_cm2 += float((roi & (drawn.labels == 0)).sum()) * skin.mm_per_px**2 / 100
        false += len(np.setdiff1d(np.unique(found), np.unique(found[drawn.coverage > 0])))
        for index in np.unique(drawn.labels[roi]):
            if index:
                rows.append(_row(scars[index - 1], drawn.labels == index, found, darker, skin))
    return rows, clear_cm2, false


def _row(scar: Scar, inside: Any, found: Any, darker: Any, skin: Skin) -> Row:
    there = found[inside]
    seen = float((there > 0).mean()) >= _SEEN
    labels = np.unique(there[there > 0])
    area = float(np.isin(found, labels).sum()) * skin.mm_per_px**2 if seen else None
    return {
        "kind": skin.kind,
        "diameter_mm": round(scar.equivalent_diameter_mm, 3),
        "depth_mm": scar.depth_mm,
        "contrast": float(darker[inside].max()),
        "seen": seen,
        "area_ratio": None if area is None else area / scar.area_mm2,
    }


def cells(rows: Sequence[Row]) -> list[Row]:
    """Share of scars seen for each diameter and depth."""
    table = []
    for diameter in DIAMETERS_MM:
        for depth in DEPTHS_MM:
            same = [r for r in rows if (r["diameter_mm"], r["depth_mm"]) == (diameter, depth)]
            if not same:
                continue
            seen = sum(row["seen"] for row in same)
            ratios = [row["area_ratio"] for row in same if row["seen"]]
            table.append(
                {
                    "diameter_mm": diameter,
                    "depth_mm": depth,
                    "drawn": len(same),
                    "seen": seen,
                    "share": seen / len(same),
                    "contrast": float(np.median([row["contrast"] for row in same])),
                    "area / true area": float(np.median(ratios)) if ratios else None,
                }
            )
    return table


def half_seen(table: Sequence[Row], diameter_mm: float) -> float | None:
    """Contrast at which half of the scars of a diameter are seen, between the cells."""
    row = [cell for cell in table if cell["diameter_mm"] == diameter_mm]
    for low, high in pairwise(row):
        if low["share"] < 0.5 <= high["share"]:
            part = (0.5 - low["share"]) / (high["share"] - low["share"])
            return float(low["contrast"] + part * (high["contrast"] - low["contrast"]))
    return None


def draw(table: Sequence[Row], method: str, path: Path) -> None:
    """The curves as a picture; needs the extra ``bench``."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    colours = ("#0072b2", "#009e73", "#e69f00", "#d55e00", "#7b3f8c")
    figure, axes = plt.subplots(figsize=(7, 4.2), dpi=110)
    markers = ("o", "s", "^", "D", "v")
    for diameter, colour, marker in zip(DIAMETERS_MM, colours, markers, strict=True):
        row = [cell for cell in table if cell["diameter_mm"] == diameter]
        share, drawn = (np.array([cell[key] for cell in row]) for key in ("share", "drawn"))
        axes.errorbar(
            [cell["contrast"] for cell in row],
            share,
            np.sqrt(np.maximum(share * (1 - share), 0.25 / drawn) / drawn),
            color=colour,
            marker=marker,
            markersize=4,
            capsize=2,
            label=f"{diameter:g} mm",
        )
    axes.set(
        xlabel="contrast: relative darkening at the darkest point",
        ylabel="share of scars found",
        ylim=(-0.03, 1.03),
        title=f"Single scars on clear skin, method {method}",
    )
    axes.grid(color="#dddddd")
    axes.legend(title="diameter", frameon=False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Software": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--method", default=sm.StudyConfig().segmentation.method)
    parser.add_argument("--portraits", type=int, default=16, help="faces with made skin")
    parser.add_argument("--people", type=int, default=10, help="real faces at 0.18 mm/px")
    parser.add_argument("--figure", action="store_true", help=f"draw {_FIGURE.name} anew")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    started = time.perf_counter()
    rows: list[Row] = []
    clear = {"portrait": [0.0, 0], "canada": [0.0, 0]}
    for number, skin in enumerate(
        skins(options.portraits, options.people, collections=("canada",))
    ):
        seen, clear_cm2, false = look(skin, number, options.method)
        rows += seen
        clear[skin.kind][0] += clear_cm2
        clear[skin.kind][1] += false
    table = cells(rows)
    print_table(
        f"Single scars on clear skin, method {options.method}",
        ("diameter, mm", "depth, mm", *_COLUMNS),
        [
            (cell["diameter_mm"], cell["depth_mm"], *(_text(cell[key]) for key in _COLUMNS))
            for cell in table
        ],
    )
    limits = {f"{diameter:g}": half_seen(table, diameter) for diameter in DIAMETERS_MM}
    print_table(
        "Contrast at which half are found",
        ("diameter, mm", "contrast"),
        [(diameter, _text(value)) for diameter, value in limits.items()],
    )
    print_table(
        "False scars where none was drawn",
        ("skin", "cm²", "false", "per cm²"),
        [(kind, f"{cm2:.0f}", n, f"{n / max(cm2, 1):.3f}") for kind, (cm2, n) in clear.items()],
    )
    print(f"\n{time.perf_counter() - started:.0f} s")
    path = write_json(
        f"detection_limit-{options.method}",
        {"method": options.method, "cells": table, "half_seen_contrast": limits, "clear": clear},
    )
    print(f"figures: {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")
    if options.figure:
        draw(table, options.method, _FIGURE)


def _text(value: Any) -> str:
    return "" if value is None else str(value) if isinstance(value, int) else f"{value:.2f}"


if __name__ == "__main__":
    main()
