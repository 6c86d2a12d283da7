"""Segmenters against two readers on close-ups of real atrophic scars.

Detections pair with a reader's ellipse at IoU above 0.15, best first; Dice and area are over all
pixels of the eight crops. The readers are compared with each other by the same code.

Run:  python benchmarks/real_scars.py
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from _common import print_table, require, write_json
from skimage.io import imread

import scarmetrics as sm

if TYPE_CHECKING:
    from collections.abc import Sequence

MM_PER_PX = 0.2
LEAST_IOU = 0.15
METHODS = ("classical",)

Masks = list[np.ndarray]


def ellipse_masks(ellipses: Sequence[Sequence[float]], shape: tuple[int, int]) -> Masks:
    """One mask per (cx, cy, rx, ry, angle in degrees, clockwise from +x)."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    masks = []
    for cx, cy, rx, ry, angle in ellipses:
        cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        along, across = (x - cx) * cos + (y - cy) * sin, (y - cy) * cos - (x - cx) * sin
        masks.append((along / rx) ** 2 + (across / ry) ** 2 <= 1)
    return masks


def pairs_found(first: Masks, second: Masks) -> int:
    """Pairs at IoU above the least, greedily, one to one."""
    if not first or not second:
        return 0
    iou = np.array([[(a & b).sum() / max(1, (a | b).sum()) for b in second] for a in first])
    count = 0
    while iou.max(initial=0) > LEAST_IOU:
        i, j = np.unravel_index(int(iou.argmax()), iou.shape)
        iou[i, :] = iou[:, j] = 0
        count += 1
    return count


def agreement(found: dict[str, Masks], reader: dict[str, Masks]) -> dict[str, Any]:
    """F1 of detections, Dice of pixels, area ratio per crop."""
    hits = sum(pairs_found(found[key], reader[key]) for key in reader)
    total = sum(len(found[key]) + len(reader[key]) for key in reader)
    union = {key: (_any(found[key], reader[key]), _any(reader[key], found[key])) for key in reader}
    both = sum(int((a & b).sum()) for a, b in union.values())
    area = sum(int(a.sum() + b.sum()) for a, b in union.values())
    ratios = [float(a.sum() / max(1, b.sum())) for a, b in union.values()]
    return {"f1": 2 * hits / max(1, total), "dice": 2 * both / max(1, area), "area_ratio": ratios}


def _any(masks: Masks, other: Masks) -> np.ndarray:
    return np.any(masks, axis=0) if masks else np.zeros_like(other[0])


def main() -> None:
    folder = require("scars")
    traced = {
        name: json.loads((folder / f"reader_{name}.json").read_text(encoding="utf-8"))
        for name in ("A", "B")
    }
    images = {key: imread(folder / f"{key}.jpg") for key in traced["A"]}
    readers = {
        name: {key: ellipse_masks(traced[name][key], images[key].shape[:2]) for key in images}
        for name in traced
    }
    methods: dict[str, tuple[dict[str, Masks], float]] = {}
    for method in METHODS:
        config = sm.StudyConfig.model_validate({"segmentation": {"method": method}}).segmentation
        started = time.perf_counter()
        found = {
            key: sm.segment(image, mm_per_px=MM_PER_PX, config=config)
            for key, image in images.items()
        }
        seconds = time.perf_counter() - started
        masks = {
            key: [labels.labels == i for i in range(1, labels.count + 1)]
            for key, labels in found.items()
        }
        megapixels = sum(image.shape[0] * image.shape[1] for image in images.values()) / 1e6
        methods[method] = (masks, seconds / megapixels)
    rows, figures = [], {}
    for name, (masks, seconds_per_mp) in methods.items():
        for reader, traces in readers.items():
            figures[f"{name} against {reader}"] = agreement(masks, traces)
        figures[f"{name} against A"]["seconds_per_megapixel"] = seconds_per_mp
    figures["reader A against B"] = agreement(readers["A"], readers["B"])
    for name, figure in figures.items():
        ratios = figure["area_ratio"]
        rows.append(
            (name, f"{figure['f1']:.3f}", f"{figure['dice']:.3f}", f"{np.median(ratios):.2f}",
             f"{min(ratios):.2f}", f"{max(ratios):.2f}")
        )  # fmt: skip
    print_table(
        "Eight close-ups of real scars, 0.2 mm/px assumed",
        ("comparison", "F1", "Dice", "area ratio", "least", "most"),
        rows,
    )
    write_json("real_scars", figures)


if __name__ == "__main__":
    main()
