"""All ways to find scars side by side: phantoms on real skin, change, clear skin, real scars.

Legs: phantoms (Dice, area), change (between visits, and retest), clear (false area), real
(close-ups against two readers, scarred against clear cheeks), marks (moles, freckles, red spots,
papules taken for scars), time. Methods: what a config may name, and peers made from scikit-image.

Run:  python benchmarks/segmentation.py [--methods NAME ...] [--legs NAME ...] [--people N]
      [--pictures FOLDER]
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _common import print_table, write_json
from _faces import HELD_OUT_CANADA, HELD_OUT_LONDON, Method
from _legs import MARKS, Leg, leg_change, leg_clear, leg_marks, leg_phantoms
from _peers import PEERS, register_peers
from _pictures import Gallery
from _real_scars import leg_real
from _targets import judge
from _timing import leg_time
from threadpoolctl import threadpool_limits

from scarmetrics.opencv import cv2
from scarmetrics.segmentation import segmenter_names

if TYPE_CHECKING:
    from collections.abc import Sequence

LEGS = ("phantoms", "change", "clear", "real", "marks", "time")
READERS = "readers"

# leg, key, what the table calls it, format
ROWS = (
    ("phantoms", "dice_isolated", "phantoms, isolated: Dice, median", ".3f"),
    ("phantoms", "dice_isolated_p10", "... p10", ".3f"),
    ("phantoms", "dice_confluent", "phantoms, confluent: Dice, median", ".3f"),
    ("phantoms", "dice_confluent_p10", "... p10", ".3f"),
    ("phantoms", "area_error_median", "phantoms: area error %, median", "+.1f"),
    ("phantoms", "area_error_p10", "... p10", "+.1f"),
    ("phantoms", "area_error_p90", "... p90", "+.1f"),
    ("change", "change_error_median", "change error, points, median", "+.1f"),
    ("change", "change_error_p10", "... p10", "+.1f"),
    ("change", "change_error_p90", "... p90", "+.1f"),
    ("change", "retest_cv_pct", "retest CV %", ".1f"),
    ("change", "retest_cv_over_truth_pct", "... of measured over true area", ".1f"),
    ("clear", "false_area_median", "clear skin: false area %, median", ".2f"),
    ("clear", "false_area_held_out_median", "... held-out faces only", ".2f"),
    ("clear", "false_area_mean", "... mean", ".2f"),
    ("clear", "false_area_p90", "... p90", ".2f"),
    ("clear", "false_area_max", "... most", ".2f"),
    ("real", "f1_A", "real scars: F1 against reader A", ".3f"),
    ("real", "f1_B", "... against reader B", ".3f"),
    ("real", "f1", "... mean", ".3f"),
    ("real", "dice_A", "real scars: Dice against reader A", ".3f"),
    ("real", "dice_B", "... against reader B", ".3f"),
    ("real", "dice", "... mean", ".3f"),
    ("real", "ratio_median", "real scars: area / readers' mean, median", ".2f"),
    ("real", "ratio_least", "... least", ".2f"),
    ("real", "ratio_most", "... most", ".2f"),
    ("real", "area_error_pct", "real scars: area error %, median", ".1f"),
    ("real", "rank_correlation", "real scars: rank correlation of area", ".2f"),
    ("real", "auc", "scarred against clear cheeks: AUC", ".3f"),
    ("marks", "marked_mole", "taken for scars, %: moles", ".1f"),
    ("marks", "marked_freckle", "... freckles", ".1f"),
    ("marks", "marked_erythema", "... red spots", ".1f"),
    ("marks", "marked_papule", "... papules", ".1f"),
    ("time", "seconds_half_pair", "seconds, 12 MP half, both visits, scars", ".2f"),
    ("time", "seconds_measure_side", "... with regions, areas and matching", ".2f"),
    ("time", "half_pair_over_reference", "... scars alone, over one blur of it", ".1f"),
    ("time", "seconds_per_megapixel", "seconds per megapixel at 0.2 mm/px", ".2f"),
)

Figures = dict[str, dict[str, dict[str, Any]]]  # leg, method, key


def run_leg(
    leg: str, methods: Sequence[Method], count: int | None, gallery: Gallery
) -> tuple[dict[str, dict[str, Any]], dict[str, list[dict[str, Any]]]]:
    """Figures per method, and single cases where the leg has them."""
    if leg == "real":
        return leg_real(methods, count, gallery), {}
    if leg == "time":
        return leg_time(methods), {}
    done: Leg = {
        "phantoms": lambda: leg_phantoms(methods, count, gallery),
        "change": lambda: leg_change(methods, count),
        "clear": lambda: leg_clear(methods, count, gallery),
        "marks": lambda: leg_marks(methods, count),
    }[leg]()
    return done.figures, done.rows


def derive(figures: Figures) -> None:
    """Figures that compare with the readers, and the kind of mark that is worst."""
    readers = figures.get("real", {}).get(READERS)
    for name, found in figures.get("real", {}).items():
        if readers is not None and name != READERS:
            found |= {f"{key}_below": readers[key] - found[key] for key in ("f1", "dice")}
    for found in figures.get("marks", {}).values():
        shares = [found[f"marked_{kind}"] for kind in MARKS if f"marked_{kind}" in found]
        if shares:
            found["marked_worst"] = max(shares)


def as_text(value: float | None, form: str) -> str:
    missing = value is None or math.isnan(value)
    return "-" if missing else format(value, form)


def cases(figures: Figures, leg: str, names: Sequence[str]) -> str:
    """On how many cases the figures of a leg rest."""
    counts = {figures[leg][name]["n"] for name in names if name in figures.get(leg, {})}
    return "/".join(str(n) for n in sorted(counts, reverse=True)) or "-"


def show(figures: Figures, methods: Sequence[Method]) -> None:
    """One table: figures down, methods across."""
    names = [method.name for method in methods]
    own = [method.name for method in methods if method.ours]
    peers = [name for name in names if name not in own]
    columns = [*names, *([READERS] if "real" in figures else [])]
    rows = []
    for leg, key, title, form in ROWS:
        if leg not in figures:
            continue
        values = [as_text(figures[leg].get(name, {}).get(key), form) for name in columns]
        rows.append((title, cases(figures, leg, own), cases(figures, leg, peers), *values))
    print_table(
        "Ways to find scars (n: halves, crops, marks or repeats; of the peers, n peers)",
        ("figure", "n", "n peers", *columns),
        rows,
    )


def show_targets(figures: Figures, methods: Sequence[Method]) -> dict[str, list[dict[str, Any]]]:
    """Targets of the package's own methods."""
    kept: dict[str, list[dict[str, Any]]] = {}
    for name in (method.name for method in methods if method.ours):
        verdicts = judge({leg: found.get(name, {}) for leg, found in figures.items()})
        words = {True: "yes", False: "no", None: "-"}
        print_table(
            f"Targets: {name}",
            ("figure", "target", "measured", "met"),
            [
                (v.target.title, v.target.text(), as_text(v.measured, ".3g"), words[v.met])
                for v in verdicts
            ],
        )
        kept[name] = [
            {"figure": v.target.title, "target": v.target.text(), "measured": v.measured,
             "met": v.met}
            for v in verdicts
        ]  # fmt: skip
    return kept


def at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is too few: give 1 or more")
    return number


def arguments() -> argparse.Namespace:
    own = segmenter_names()
    register_peers()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    known = [*own, *PEERS]
    parser.add_argument("--methods", nargs="+", choices=known, default=known, metavar="NAME",
                        help=f"of {', '.join(known)}; all by default")  # fmt: skip
    parser.add_argument("--legs", nargs="+", choices=LEGS, default=LEGS, metavar="NAME",
                        help=f"of {', '.join(LEGS)}; all by default")  # fmt: skip
    parser.add_argument("--people", type=at_least_one, default=None, metavar="N",
                        help="the first N of each leg only")  # fmt: skip
    parser.add_argument("--pictures", type=Path, default=None, metavar="FOLDER",
                        help="write enlargements with contours")  # fmt: skip
    return parser.parse_args()


def main() -> None:
    options = arguments()
    methods = [Method(name) for name in options.methods]
    gallery = Gallery(options.pictures)
    figures: Figures = {}
    rows: dict[str, Any] = {}
    cv2.setNumThreads(1)
    with threadpool_limits(1):
        for leg in (leg for leg in LEGS if leg in options.legs):
            print(f"{leg} ...", end=" ", flush=True)
            started = time.perf_counter()
            figures[leg], rows[leg] = run_leg(leg, methods, options.people, gallery)
            print(f"{time.perf_counter() - started:.0f} s", flush=True)
    gallery.close()
    derive(figures)
    show(figures, methods)
    targets = show_targets(figures, methods)
    held_out = {"london": HELD_OUT_LONDON, "canada": HELD_OUT_CANADA}
    path = write_json(
        "segmentation",
        {"figures": figures, "targets": targets, "cases": rows, "held_out": held_out},
    )
    print(f"\nfigures: {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")


if __name__ == "__main__":
    main()
