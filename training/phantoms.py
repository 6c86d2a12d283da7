"""Render the training set: halves of faces as the net sees them, with their truth.

Run:  python training/phantoms.py FACES OUT [--rounds N] [--seed S]

FACES holds ``london/`` and ``canada/`` (see the model card). OUT gets one ``.npz`` per phantom.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from backgrounds import halves, training_photographs
from recipe import draw_example

from scarmetrics.opencv import cv2
from scarmetrics.segmentation.normalise import skin_planes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--rounds", type=int, default=8, help="phantoms per half of a face")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--part", default="0/1", help="K/N: only every Nth photograph from the Kth")
    options = parser.parse_args()
    part, parts = (int(text) for text in options.part.split("/"))
    options.out.mkdir(parents=True, exist_ok=True)
    started, made = time.perf_counter(), 0
    photographs = training_photographs(options.faces)
    cv2.setNumThreads(1)
    for number, photograph in enumerate(photographs):
        if number % parts != part:
            continue
        for half, background in enumerate(halves(photograph)):
            for turn in range(options.rounds):
                seed = ((options.seed * 1000 + number) * 2 + half) * 1000 + turn
                example = draw_example(
                    background.image, background.skin, background.mm_per_px, seed
                )
                seen = skin_planes(example.image, example.roi, example.mm_per_px)
                assert seen is not None, "the half has skin"

                def on_grid(plane, grid=seen.grid):
                    return cv2.resize(plane[grid.window], grid.size, interpolation=cv2.INTER_AREA)

                np.savez(
                    options.out / f"{background.name}-{turn:02d}.npz",
                    planes=seen.planes.astype(np.float16),
                    roi=seen.roi,
                    inside=np.round(255 * on_grid(example.inside)).astype(np.uint8),
                    relative=np.round(255 * on_grid(example.relative_depth)).astype(np.uint8),
                    kind=example.kind,
                )
                made += 1
        print(f"{number + 1}/{len(photographs)}: {made}, {time.perf_counter() - started:.0f} s",
              flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
