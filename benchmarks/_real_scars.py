"""Close-ups of real atrophic scars against two readers' outlines, and against clear cheeks.

Detections pair with a reader's ellipse at an overlap above 0.15, best first; Dice and area are over
all pixels of the crops. The readers are compared with each other by the same code.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from _common import require
from _faces import CROP_MM_PER_PX, cheek_crops, names, people
from _scores import auc, dice, f1, masks_of, pairs_found
from scipy.stats import spearmanr
from skimage.io import imread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from _faces import Method
    from _pictures import Gallery

    from scarmetrics.models import Image, Mask

READERS = ("A", "B")

Masks = list[np.ndarray]


@dataclass(frozen=True, eq=False)
class Crops:
    """The close-ups and what the readers traced, by the crop's name."""

    images: dict[str, Image]
    readers: dict[str, dict[str, Masks]]

    def mean_area_px(self, key: str) -> float:
        """Area by the readers' mean."""
        return float(np.mean([united(r[key], self.images[key]).sum() for r in self._all()]))

    def _all(self) -> list[dict[str, Masks]]:
        return [self.readers[name] for name in READERS]


def load_crops() -> Crops:
    """Read ../shared/scars."""
    folder = require("scars")
    traced = {
        name: json.loads((folder / f"reader_{name}.json").read_text(encoding="utf-8"))
        for name in READERS
    }
    images = {key: imread(folder / f"{key}.jpg") for key in sorted(traced[READERS[0]], key=int)}
    readers = {
        name: {key: ellipse_masks(traced[name][key], images[key].shape[:2]) for key in images}
        for name in READERS
    }
    return Crops(images, readers)


def ellipse_masks(ellipses: Sequence[Sequence[float]], shape: tuple[int, ...]) -> Masks:
    """One mask per (cx, cy, rx, ry, angle in degrees, clockwise from +x)."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    masks = []
    for cx, cy, rx, ry, angle in ellipses:
        cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        along, across = (x - cx) * cos + (y - cy) * sin, (y - cy) * cos - (x - cx) * sin
        masks.append((along / rx) ** 2 + (across / ry) ** 2 <= 1)
    return masks


def united(masks: Masks, image: Image) -> Mask:
    """All of them together."""
    return np.any(masks, axis=0) if masks else np.zeros(image.shape[:2], bool)


def agreement(
    found: Mapping[str, Masks], reader: Mapping[str, Masks], images: Mapping[str, Image]
) -> dict[str, float]:
    """F1 of detections and Dice of pixels over all crops."""
    hits = sum(pairs_found(found[key], reader[key]) for key in reader)
    counts = [sum(len(masks[key]) for key in reader) for masks in (found, reader)]
    both = [
        np.concatenate([united(masks[key], images[key]).ravel() for key in reader])
        for masks in (found, reader)
    ]
    return {"f1": f1(hits, counts[0], counts[1]), "dice": dice(both[0], both[1])}


def mean_agreement(found: Mapping[str, Masks], crops: Crops) -> dict[str, float]:
    """Agreement with each reader, and the mean of the two."""
    each = {name: agreement(found, crops.readers[name], crops.images) for name in READERS}
    figures = {f"{key}_{name}": each[name][key] for name in READERS for key in ("f1", "dice")}
    means = {key: float(np.mean([each[name][key] for name in READERS])) for key in ("f1", "dice")}
    return figures | means


def area_figures(found: Mapping[str, Masks], crops: Crops) -> dict[str, Any]:
    """Area per crop against the readers' mean."""
    areas = [float(united(found[key], crops.images[key]).sum()) for key in crops.images]
    means = [crops.mean_area_px(key) for key in crops.images]
    ratios = np.array(areas) / means
    same = len(set(areas)) < 2  # no ranks
    return {
        "ratios": {key: float(r) for key, r in zip(crops.images, ratios, strict=True)},
        "ratio_median": float(np.median(ratios)),
        "ratio_least": float(ratios.min()),
        "ratio_most": float(ratios.max()),
        "area_error_pct": float(100 * np.median(np.abs(ratios - 1))),
        "rank_correlation": float("nan") if same else float(spearmanr(areas, means).statistic),
    }


def leg_real(
    methods: Sequence[Method], count: int | None, gallery: Gallery
) -> dict[str, dict[str, Any]]:
    """Figures per method, and the readers' under the name ``readers``."""
    crops = load_crops()
    clear = clear_fractions(methods, count)
    between = agreement(crops.readers["A"], crops.readers["B"], crops.images)
    figures: dict[str, dict[str, Any]] = {"readers": {"n": len(crops.images), **between}}
    for method in methods:
        found = {}
        for key, image in crops.images.items():
            labels = method.labels(image, CROP_MM_PER_PX)
            found[key] = masks_of(labels)
            both = [crops.readers[name][key] for name in READERS]
            gallery.crop(f"real_{key}_{method.name}", image, labels, both)
        scarred = [float(united(found[key], im).mean()) for key, im in crops.images.items()]
        figures[method.name] = {
            "n": len(crops.images),
            "n_clear": len(clear[method.name]),
            **mean_agreement(found, crops),
            **area_figures(found, crops),
            "auc": auc(scarred, clear[method.name]),
            "clear_crop_fraction_median": float(np.median(clear[method.name])),
        }
    return figures


def clear_fractions(methods: Sequence[Method], count: int | None) -> dict[str, list[float]]:
    """Share of the skin of each clear cheek crop that each method takes for scar."""
    fractions: dict[str, list[float]] = {method.name: [] for method in methods}
    for _, person in people(names(), count):
        for _, image, skin in cheek_crops(person):
            for method in methods:
                labels = method.labels(image, CROP_MM_PER_PX, skin)
                fractions[method.name].append(float((labels > 0).sum() / skin.sum()))
    return fractions
