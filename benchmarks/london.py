"""The whole pipeline on real faces: the Face Research Lab London Set as a study.

Two studies of the same 36 people, neutral as baseline and smiling as month3, 0.31 mm/px declared
for the device:

1. as published: every half must be measured, and any scar found is a false one (or a real mark);
2. with phantom scars rendered on the baseline: the area measured in addition to the first study
   must be the area that was rendered.

Run:  python benchmarks/london.py [--workers N] [--people N] [--out FOLDER]
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from _common import RESULTS, print_table, require, write_json
from skimage.io import imread, imsave

import scarmetrics as sm
from scarmetrics.models import SIDES
from scarmetrics.phantom import Light, render, scar_field
from scarmetrics.provenance import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence

MM_PER_PX = 0.31
CONFIG = f"""
study_id: london
scale:
  device_mm_per_px: {MM_PER_PX}
  device_rel_sd: 0.03
face:
  surface: flat  # scars are drawn in the picture, and so is their true area
segmentation:
  min_diameter_mm: 1.25  # four pixels
"""
MANIFEST = "subject_id,visit,view,path\n"


def people(folder: Path, count: int | None) -> list[str]:
    """Ids of the people with both expressions."""
    found = sorted(path.name[:3] for path in folder.glob("*_03.jpg"))
    return [person for person in found if (folder / f"{person}_08.jpg").is_file()][:count]


def make_study(
    source: Path, ids: Sequence[str], target: Path, *, scarred: bool
) -> dict[tuple[str, str], dict[str, Any]]:
    """Write exports and a manifest; the truth of each half where scars were rendered."""
    target.mkdir(parents=True, exist_ok=True)
    rows, truth = [], {}
    for number, person in enumerate(ids):
        for visit, code in (("baseline", "03"), ("month3", "08")):
            name = f"{person}_{visit}.png"
            pixels = imread(source / f"{person}_{code}.jpg")
            if scarred and visit == "baseline":
                pixels, halves = scar_both_halves(pixels, number)
                truth |= {(person, side): known for side, known in halves.items()}
            imsave(target / name, pixels, check_contrast=False)
            rows.append(f"{person},{visit},frontal,{name}\n")
    write_text(target / "manifest.csv", MANIFEST + "".join(rows))
    return truth


def scar_both_halves(
    pixels: np.ndarray, number: int
) -> tuple[np.ndarray, dict[str, dict[str, Any]]]:
    """Render a field of scars on each half; light, amount and placement differ by person."""
    rng = np.random.default_rng((7, number))
    face = sm.detect_face(pixels)
    if not face:
        raise SystemExit(f"no face in a published photograph: {face.reason}")
    scars, counts = [], []
    for index, side in enumerate(SIDES):
        field = scar_field(
            face.skin_mask(side),
            mm_per_px=MM_PER_PX,
            seed=10 * number + index,
            area_fraction=float(rng.uniform(0.01, 0.05)),
            diameter_mm=(1.5, 5.0),
        )
        scars += field
        counts.append(len(field))
    light = Light(light_deg=float(rng.uniform(0, 360)))
    phantom = render(pixels, scars, mm_per_px=MM_PER_PX, light=light)
    left = (phantom.labels > 0) & (phantom.labels <= counts[0])
    masks = {"left": left, "right": (phantom.labels > 0) & ~left}
    return phantom.image, {side: {"mask": mask, "image": phantom} for side, mask in masks.items()}


def measure(study: Path, out: Path, workers: int) -> tuple[sm.RunSummary, float]:
    """Run the pipeline; the summary and the seconds."""
    config = study.parent / "london.yaml"
    write_text(config, CONFIG)
    started = time.perf_counter()
    summary = sm.Study.from_config(config).run(study, out=out, workers=workers)
    return summary, time.perf_counter() - started


def status_counts(summary: sm.RunSummary) -> dict[str, int]:
    """Halves by quality status."""
    names = [row["qc_status"] for row in summary.changes]
    return {name: names.count(name) for name in ("pass", "review", "fail")}


def placed_and_found(
    truth: dict[tuple[str, str], dict[str, Any]],
    clean: sm.RunSummary,
    scarred: sm.RunSummary,
) -> list[dict[str, Any]]:
    """True and measured area per half, baseline visit, inside the measured skin."""
    before = {(r["subject_id"], r["side"]): r["area_baseline_mm2"] for r in clean.changes}
    rows = []
    for row in scarred.changes:
        key = (row["subject_id"], row["side"])
        stem = f"{key[0]}_{key[1]}_baseline.png"
        roi = imread(scarred.out / "rois" / stem) > 0
        labels = imread(scarred.out / "masks" / stem) > 0
        mask = truth[key]["mask"] & roi
        cover = truth[key]["image"].coverage
        true_mm2 = float((cover * mask).sum() * MM_PER_PX**2)
        overlap = float((mask & labels).sum())
        rows.append(
            {
                "person": key[0],
                "side": key[1],
                "true_mm2": true_mm2,
                "measured_mm2": row["area_baseline_mm2"],
                "added_mm2": row["area_baseline_mm2"] - before.get(key, 0.0),
                "recall": overlap / max(1, mask.sum()),
                "dice": 2 * overlap / max(1, mask.sum() + labels.sum()),
            }
        )
    return rows


def quantiles(values: Sequence[float]) -> list[str]:
    """p10, median and p90 as text."""
    return [f"{value:.3f}" for value in np.quantile(values, [0.1, 0.5, 0.9])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--people", type=int, default=None, help="the first N only")
    parser.add_argument("--out", type=Path, default=RESULTS / "london")
    options = parser.parse_args()
    source = require("faces/london")
    ids = people(source, options.people)
    summaries, seconds = {}, {}
    truth: dict[tuple[str, str], dict[str, Any]] = {}
    for name in ("clean", "scarred"):
        print(f"{name}: {len(ids)} people", flush=True)
        exports = options.out / f"{name}-exports"
        truth |= make_study(source, ids, exports, scarred=name == "scarred")
        summaries[name], seconds[name] = measure(exports, options.out / name, options.workers)
    print_table(
        "Halves",
        ("study", "halves", "measured", "pass", "review", "fail", "seconds"),
        [
            (name, 2 * len(ids), s.halves_measured, *status_counts(s).values(),
             f"{seconds[name]:.0f}")
            for name, s in summaries.items()
        ],
    )  # fmt: skip
    clean_rows = summaries["clean"].measurements
    fraction = [row["area_fraction"] for row in clean_rows]
    residual = [row["registration_residual_mm"] for row in summaries["clean"].changes]
    registered = [row["registered_fraction"] for row in summaries["clean"].changes]
    rows = placed_and_found(truth, summaries["clean"], summaries["scarred"])
    error = [row["added_mm2"] / row["true_mm2"] - 1 for row in rows]
    print_table(
        "Real skin, neutral against smiling",
        ("figure", "p10", "median", "p90"),
        [
            ("scar area found on clear skin, share of ROI", *quantiles(fraction)),
            ("registration residual, mm", *quantiles(residual)),
            ("registered share of common skin", *quantiles(registered)),
            ("phantom scars: added area / true area - 1", *quantiles(error)),
            ("phantom scars: share of true pixels found", *quantiles([r["recall"] for r in rows])),
        ],
    )
    true = [row["true_mm2"] for row in rows]
    added = [row["added_mm2"] for row in rows]
    correlation = float(np.corrcoef(true, added)[0, 1]) if len(rows) > 2 else float("nan")
    print(f"\ncorrelation of added with true area over {len(rows)} halves: {correlation:.3f}")
    for name, summary in summaries.items():
        for failure in summary.failures:
            print(f"{name}: {failure.subject_id} {failure.side}: {failure.reason}")
    path = write_json(
        "london",
        {
            "people": len(ids),
            "seconds": seconds,
            "status": {name: status_counts(s) for name, s in summaries.items()},
            "measured": {name: s.halves_measured for name, s in summaries.items()},
            "false_area_fraction_median": statistics.median(fraction),
            "residual_mm_median": statistics.median(residual),
            "registered_fraction_median": statistics.median(registered),
            "added_area_error_median": statistics.median(error),
            "correlation": correlation,
            "halves": rows,
        },
    )
    print(f"figures: {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")
    print(f"overlays: {options.out / 'clean' / 'overlays'} and {options.out / 'scarred'}")


if __name__ == "__main__":
    main()
