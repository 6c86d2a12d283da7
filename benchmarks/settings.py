"""What the settings of the segmentation do: sensitivity and the smallest diameter.

On held-out faces with drawn scars, on the same faces as published, and on close-ups that two
readers traced.

Run:  python benchmarks/settings.py [--method NAME] [--people N] [--figure]
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from _common import REPOSITORY, print_table, write_json
from _faces import held_out_names, measured_skin, people
from _legs import scarred
from _real_scars import load_crops, mean_agreement

import scarmetrics as sm
from scarmetrics.config import SegmentationConfig
from scarmetrics.models import SIDES
from scarmetrics.segmentation import make_segmenter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scarmetrics.models import Image, Mask

SENSITIVITIES = (0.1, 0.3, 0.5, 0.7, 0.9)
DIAMETERS_MM = (0.6, 0.8, 1.0, 1.5, 2.0)
FIGURE = REPOSITORY / "docs" / "images" / "settings.png"


@dataclass(frozen=True, eq=False)
class Shown:
    """Skin with what is true of it; `true_px` is 0 on clear skin."""

    image: Image
    roi: Mask
    mm_per_px: float
    true_px: float


def shown(count: int | None) -> Iterator[Shown]:
    """Halves of held-out faces, with mixed scars and without."""
    for _, person in people(held_out_names(), count):
        rng = np.random.default_rng((31, person.number))
        drawn = scarred(person, "mixed", rng)
        for side in SIDES:
            roi = measured_skin(person.image, person.face, side, person.mm_per_px)
            true_px = float(drawn.coverage[roi].sum(dtype=np.float64))
            yield Shown(drawn.image, roi, person.mm_per_px, true_px)
            yield Shown(person.image, roi, person.mm_per_px, 0.0)


def figures(config: SegmentationConfig, halves: list[Shown]) -> dict[str, float]:
    """Area found over area drawn, false area, agreement with the readers."""
    segmenter = make_segmenter(config)
    ratios, false = [], []
    for half in halves:
        response = segmenter.respond(half.image, half.roi, half.mm_per_px, half.mm_per_px)
        if isinstance(response, sm.FailedSegmentation):
            raise SystemExit(f"nothing to work on: {response.reason}")
        found_px = (segmenter.label(response, half.roi, response.noise).labels > 0).sum()
        if half.true_px:
            ratios.append(found_px / half.true_px)
        else:
            false.append(100 * found_px / half.roi.sum())
    crops = load_crops()
    found = {}
    for key, image in crops.images.items():
        labels = sm.segment(image, mm_per_px=0.2, config=config).labels
        found[key] = [labels == number for number in range(1, labels.max() + 1)]
    agreement = mean_agreement(found, crops)
    return {
        "area_ratio": float(np.median(ratios)),
        "false_area_pct": float(np.mean(false)),
        "f1": agreement["f1"],
        "dice": agreement["dice"],
    }


def draw(curves: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """The table as curves."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), constrained_layout=True)
    for axis, (name, rows) in zip(axes, curves.items(), strict=True):
        x = [row[name] for row in rows]
        axis.plot(x, [row["area_ratio"] for row in rows], "o-", label="area found / drawn")
        axis.plot(x, [row["f1"] for row in rows], "s--", label="F1, real scars")
        axis.plot(x, [row["false_area_pct"] for row in rows], "^:", label="false area, % of skin")
        axis.set_xlabel({"min_diameter_mm": "min_diameter_mm, mm"}.get(name, name))
        axis.set_ylim(0, 1.4)
        axis.grid(alpha=0.3)
    axes[0].legend(fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--method", default=SegmentationConfig().method)
    parser.add_argument("--people", type=int, default=6)
    parser.add_argument("--figure", action="store_true", help="needs the extra 'bench'")
    options = parser.parse_args()
    halves = list(shown(options.people))
    curves: dict[str, list[dict[str, Any]]] = {}
    for name, values in (("sensitivity", SENSITIVITIES), ("min_diameter_mm", DIAMETERS_MM)):
        curves[name] = [
            {
                name: value,
                **figures(SegmentationConfig(method=options.method, **{name: value}), halves),
            }
            for value in values
        ]
        print_table(
            f"{options.method}: {name}",
            (name, "area found / drawn", "false area %", "F1", "Dice"),
            [
                (row[name], f"{row['area_ratio']:.2f}", f"{row['false_area_pct']:.2f}",
                 f"{row['f1']:.3f}", f"{row['dice']:.3f}")
                for row in curves[name]
            ],
        )  # fmt: skip
    write_json("settings", {"method": options.method, "curves": curves})
    if options.figure:
        draw(curves, FIGURE)
        print(f"figure: {FIGURE.relative_to(REPOSITORY)}")


if __name__ == "__main__":
    main()
