"""Does registration know the same skin from another's? Real faces, right and wrong pairs.

Right: 36 people neutral and smiling (london), one person in four photographs of different light
and size (lisa). Wrong: two people, both neutral as well, and the right pairs with the follow-up
mirrored. Some of all are blurred: blur makes any two skins more alike.

Run:  python benchmarks/same_skin.py
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from _common import print_table, require, write_json

import scarmetrics as sm
from scarmetrics.opencv import cv2

if TYPE_CHECKING:
    from pathlib import Path

STRANGERS_PER_PERSON = 4
BLUR_PX = 2.0  # 0.6 mm
ACCEPTED = "accepted"

Picture = tuple[np.ndarray, sm.Face]


def load(path: Path) -> Picture:
    return with_face(sm.decode_photograph(path).pixels)


def with_face(pixels: np.ndarray) -> Picture:
    face = sm.detect_face(pixels)
    if not face:
        raise SystemExit(f"no face in a published photograph: {face.reason}")
    return pixels, face


def mirrored(picture: Picture) -> Picture:
    return with_face(np.ascontiguousarray(picture[0][:, ::-1]))


def blurred(picture: Picture, sigma_px: float = BLUR_PX) -> Picture:
    return cv2.GaussianBlur(picture[0], (0, 0), sigma_px), picture[1]


def verdict(fixed: Picture, moving: Picture) -> str:
    found = sm.register(fixed[0], moving[0], fixed_face=fixed[1], moving_face=moving[1])
    return ACCEPTED if found else found.reason_code


def main() -> None:
    folder = require("faces")
    people = sorted(path.name[:3] for path in folder.glob("london/*_08.jpg"))
    neutral = {person: load(folder / f"london/{person}_03.jpg") for person in people}
    smiling = {person: load(folder / f"london/{person}_08.jpg") for person in people}
    lisa = [load(path) for path in sorted(folder.glob("lisa/*.jpg"))]
    draw = random.Random(11)

    def other(person: str) -> str:
        return draw.choice([name for name in people if name != person])

    pairs = {
        "same person, smiling": [(neutral[p], smiling[p]) for p in people],
        "same person, other light and size": list(itertools.permutations(lisa, 2)),
        "another person": [
            (neutral[p], smiling[other(p)]) for p in people for _ in range(STRANGERS_PER_PERSON)
        ],
        "another person, other light and size": [
            pair
            for one in lisa
            for p in draw.sample(people, 6)
            for pair in ((one, neutral[p]), (neutral[p], one))
        ],
        "another person, both neutral": [
            (neutral[p], neutral[other(p)]) for p in people for _ in range(STRANGERS_PER_PERSON)
        ],
        "same person, smiling, blurred": [
            (blurred(neutral[p]), blurred(smiling[p])) for p in people
        ],
        "another person, both neutral, blurred": [
            (blurred(neutral[p]), blurred(neutral[other(p)])) for p in people for _ in range(2)
        ],
        "mirrored, neutral, blurred": [
            (blurred(neutral[p]), blurred(mirrored(neutral[p]))) for p in people
        ],
        "mirrored, smiling": [(neutral[p], mirrored(smiling[p])) for p in people],
        "mirrored, other light and size": [
            (one, mirrored(two)) for one, two in itertools.permutations(lisa, 2)
        ],
    }
    figures = {name: Counter(itertools.starmap(verdict, kind)) for name, kind in pairs.items()}
    print_table(
        "Pairs accepted as the same skin",
        ("pairs", "number", "accepted", "refused because"),
        [
            (
                name,
                count.total(),
                count[ACCEPTED],
                ", ".join(f"{code} {n}" for code, n in sorted(count.items()) if code != ACCEPTED),
            )
            for name, count in figures.items()
        ],
    )
    write_json("same_skin", figures)


if __name__ == "__main__":
    main()
