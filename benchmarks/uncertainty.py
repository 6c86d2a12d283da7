"""Does the standard deviation cover the error? Halves with drawn scars, photographed repeatedly.

Each face gets scars on both halves and is photographed three times: before, after a treatment, and
again as before. Half of the faces are there to choose a method's constants by (`area_rel_sd`,
`change_rel_sd`, `repeat_rel_sd`, `scar_rel_sd`), the other half to report on what the constants in
the code do.

Run:  python benchmarks/uncertainty.py [--method NAME] [--portraits N] [--people N] [--seed N]
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from _common import print_table, write_json
from _scarred import measure_face, skins

import scarmetrics as sm
from scarmetrics.opencv import cv2
from scarmetrics.segmentation import make_segmenter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_Z = 1.96
_WANTED = 0.95
_STEPS = np.arange(0, 1.5, 0.005)
_CONSTANTS = ("area_rel_sd", "change_rel_sd", "repeat_rel_sd", "scar_rel_sd")
_FATES = ("persisted", "shrunk", "grown", "healed", "new")

Row = dict[str, Any]


def constants(method: str) -> dict[str, float]:
    """A method's constants as the code has them."""
    config = sm.StudyConfig.model_validate({"segmentation": {"method": method}})
    segmenter = make_segmenter(config.segmentation)
    holder = getattr(segmenter, "calibration", segmenter)
    return {name: float(getattr(holder, name)) for name in _CONSTANTS}


def fit(rows: Sequence[Row], now: dict[str, float]) -> dict[str, float]:
    """The least constants under which 95 % intervals hold 95 % of the fitting halves."""
    scar = [s for row in rows for s in row["scars"]]
    before, after, sd = (
        np.array([s[key] for s in scar]) for key in ("before_mm2", "after_mm2", "sd_mm2")
    )
    squares = before**2 + after**2
    contour = np.maximum(sd**2 - now["scar_rel_sd"] ** 2 * squares, 0)
    scar_rel = _least(lambda s: (after - before) / np.sqrt(contour + s**2 * squares))
    first, second = (_table(row["retest"][i] for row in rows) for i in (0, 1))
    repeat = _least(lambda r: _z_change(first, second, np.zeros(len(rows)), r, 0.0))
    visits = [_table(row["visits"][i] for row in rows) for i in (0, 1)]
    truth = np.array([row["true_mm2"] for row in rows]).T
    area_rel = _least(
        lambda m: np.concatenate(
            [_z_area(v, t, repeat, m) for v, t in zip(visits, truth, strict=True)]
        )
    )
    change_rel = _least(lambda c: _z_change(*visits, truth[1] - truth[0], repeat, c))
    return {
        "area_rel_sd": area_rel,
        "change_rel_sd": change_rel,
        "repeat_rel_sd": repeat,
        "scar_rel_sd": scar_rel,
    }


def _table(visits: Any) -> dict[str, np.ndarray]:
    rows = list(visits)
    return {key: np.array([row[key] for row in rows]) for key in rows[0]}


def _independent(visit: dict[str, np.ndarray], repeat: float) -> np.ndarray:
    parts = visit["boundary_sd_mm2"], visit["detection_sd_mm2"], repeat * visit["area_mm2"]
    return np.sum([part**2 for part in parts], axis=0)


def _z_area(
    visit: dict[str, np.ndarray], truth: np.ndarray, repeat: float, area_rel: float
) -> np.ndarray:
    variance = _independent(visit, repeat) + (area_rel * visit["area_mm2"]) ** 2
    return (visit["area_mm2"] - truth) / np.sqrt(variance)


def _z_change(
    first: dict[str, np.ndarray],
    second: dict[str, np.ndarray],
    truth: np.ndarray,
    repeat: float,
    change_rel: float,
) -> np.ndarray:
    change = second["area_mm2"] - first["area_mm2"]
    variance = _independent(first, repeat) + _independent(second, repeat)
    return (change - truth) / np.sqrt(variance + (change_rel * change) ** 2)


def _least(z_of: Callable[[float], np.ndarray]) -> float:
    for step in _STEPS:
        if np.mean(np.abs(z_of(float(step))) <= _Z) >= _WANTED:
            return round(float(step), 3)
    return float("nan")


def figures(rows: Sequence[Row]) -> dict[str, Any]:
    """What the code's own standard deviations do on these halves."""
    visits = [_table(row["visits"][i] for row in rows) for i in (0, 1)]
    truth = np.array([row["true_mm2"] for row in rows]).T
    area = np.concatenate([v["area_mm2"] for v in visits])
    area_sd = np.concatenate([v["sd_mm2"] for v in visits])
    true = truth.ravel()
    change = visits[1]["area_mm2"] - visits[0]["area_mm2"]
    change_error = change - (truth[1] - truth[0])
    change_sd = np.array([row["change_sd_mm2"] for row in rows])
    first, second = (_table(row["retest"][i] for row in rows)["area_mm2"] for i in (0, 1))
    retest_sd = np.array([row["retest_sd_mm2"] for row in rows])
    scar = [s for row in rows for s in row["scars"]]
    scar_z = [(s["after_mm2"] - s["before_mm2"]) / s["sd_mm2"] for s in scar]
    mean = (first + second) / 2
    clear = [row["clear_mm2"] for row in rows if row["clear_mm2"] is not None]
    return {
        "halves": len(rows),
        "area_coverage": _covered((area - true) / area_sd),
        "change_coverage": _covered(change_error / change_sd),
        "retest_coverage": _covered((second - first) / retest_sd),
        "scar_coverage": _covered(np.array(scar_z)),
        "area_error": _quantiles((area - true) / true),
        "area_rel_sd": _quantiles(area_sd / area),
        "change_error_mm2": _quantiles(change_error),
        "change_error_share_of_baseline": _quantiles(change_error / truth[0]),
        "change_sd_mm2": _quantiles(change_sd),
        "retest_cv": float(np.sqrt(np.mean((second - first) ** 2 / 2 / mean**2))),
        "true_area_mm2": _quantiles(true),
        "clear_mm2": _quantiles(clear) if clear else None,
        "fates": {
            truth_word: _sum(row["fates"][truth_word] for row in rows)
            for truth_word in ("gone", "left")
        }
        | {"retest": _sum(row["retest_fates"] for row in rows)},
    }


def _covered(z: np.ndarray) -> float:
    return float(np.mean(np.abs(z) <= _Z))


def _quantiles(values: Any) -> list[float]:
    return [float(value) for value in np.quantile(values, [0.1, 0.5, 0.9])]


def _sum(counts: Any) -> dict[str, int]:
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return dict(total)


def report(name: str, found: dict[str, Any]) -> None:
    """Print the figures of a set of halves."""
    print_table(
        f"{name}: {found['halves']} halves, share of 95 % intervals that hold the truth",
        ("area", "change", "change of the unchanged", "single scar, unchanged"),
        [[f"{found[key]:.2f}" for key in
          ("area_coverage", "change_coverage", "retest_coverage", "scar_coverage")]],
    )  # fmt: skip
    spreads = [
        ("area / true area - 1", "area_error"),
        ("area_sd_mm2 / area_mm2", "area_rel_sd"),
        ("error of change, mm²", "change_error_mm2"),
        ("error of change / true area at baseline", "change_error_share_of_baseline"),
        ("change_sd_mm2", "change_sd_mm2"),
        ("true area, mm²", "true_area_mm2"),
        ("found on the clear skin, mm²", "clear_mm2"),
    ]
    print_table(
        f"{name}: errors",
        ("figure", "p10", "median", "p90"),
        [(words, *(f"{v:.3g}" for v in found[key])) for words, key in spreads if found[key]],
    )
    print(f"coefficient of variation of the same half photographed again: {found['retest_cv']:.3f}")
    print_table(
        f"{name}: fates of the baseline's scars",
        ("truth", *_FATES),
        [(words, *(count.get(fate, 0) for fate in _FATES))
         for words, count in found["fates"].items()],
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--method", default=sm.StudyConfig().segmentation.method)
    parser.add_argument("--portraits", type=int, default=12, help="faces with made skin")
    parser.add_argument("--people", type=int, default=6, help="real faces of each collection")
    parser.add_argument("--seed", type=int, default=0, help="another gives other made faces, scars")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    started = time.perf_counter()
    sets: tuple[list[Row], list[Row]] = ([], [])
    for number, skin in enumerate(skins(options.portraits, options.people, options.seed)):
        scars_seed = 1000 * options.seed + number
        sets[number % 2].extend(measure_face(skin, scars_seed, options.method))
    now = constants(options.method)
    fitted = fit(sets[0], now)
    print_table("Constants", ("constant", "value"), [*now.items()])
    print_table("Fitted on the first set", ("constant", "value"), [*fitted.items()])
    made = [row for row in sets[1] if row["kind"] == "portrait"]
    real = [row for row in sets[1] if row["kind"] != "portrait"]
    found = {"fitting set": figures(sets[0]), "second set": figures(sets[1])}
    if real:
        found |= {"second set, made skin": figures(made), "second set, real skin": figures(real)}
    for name, values in found.items():
        report(name, values)
    print(f"\n{time.perf_counter() - started:.0f} s")
    path = write_json(
        f"uncertainty-{options.method}",
        {
            "method": options.method,
            "portraits": options.portraits,
            "people": options.people,
            "seed": options.seed,
            "constants": now,
            "fitted": fitted,
            "figures": found,
            "halves": [*sets[0], *sets[1]],
        },
    )
    print(f"figures: {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")


if __name__ == "__main__":
    main()
