"""What `scarmetrics train` learns from a few traced close-ups: all but one taught, that one tested.

Both readers' tracings of eight close-ups are taught together, each photograph in turn is left out
and judged against each reader. The models are thrown away.

Run:  python benchmarks/taught.py [--seed N]
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from _common import print_table, write_json
from _real_scars import load_crops

from scarmetrics.teach import Settings, make_lesson, teach

MM_PER_PX = 0.2
TARGETS = {"f1": 0.78, "dice": 0.68}


def as_labels(masks: list[np.ndarray]) -> np.ndarray:
    """Ellipses as labels; later ones lie on top."""
    labels = np.zeros(masks[0].shape, np.int32)
    for number, mask in enumerate(masks, start=1):
        labels[mask] = number
    return labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    crops = load_crops()
    lessons = [
        make_lesson(
            image,
            [as_labels(crops.readers[name][key]) for name in sorted(crops.readers)],
            mm_per_px=MM_PER_PX,
            name=key,
        )
        for key, image in crops.images.items()
    ]
    started = time.perf_counter()
    taught = teach(lessons, settings=Settings(seed=options.seed))
    seconds = time.perf_counter() - started
    rows = {**taught.tested, "all": taught.overall}
    print_table(
        "Taught on seven close-ups, tested on the eighth",
        ("close-up", "F1", "Dice", "area ratio"),
        [(n, f"{p.f1:.3f}", f"{p.dice:.3f}", f"{p.area_ratio:.2f}") for n, p in rows.items()],
    )
    overall = taught.overall
    print_table(
        f"Targets ({seconds:.0f} s for nine models)",
        ("figure", "target", "measured", "met"),
        [
            (name, f">= {least}", f"{getattr(overall, name):.3f}",
             "yes" if getattr(overall, name) >= least else "no")
            for name, least in TARGETS.items()
        ],
    )  # fmt: skip
    figures = {
        name: {"f1": p.f1, "dice": p.dice, "area_ratio": p.area_ratio} for name, p in rows.items()
    }
    write_json("taught", {"figures": figures, "seconds": seconds, "seed": options.seed})


if __name__ == "__main__":
    main()
