"""Are spectacles seen, are bare faces left alone, and is what they hide left out? Real faces.

No photograph in shared/ shows spectacles: they are drawn on faces (`scarmetrics.phantom.wear`). One
real portrait with spectacles, Grace Hopper's, ships with Matplotlib.
Bare faces are taken as published, reduced, enlarged, rolled, turned in depth and with drawn scars.

Run:  python benchmarks/glasses.py [--people N]
"""

from __future__ import annotations

import argparse
import itertools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from _common import print_table, require, write_json
from _turned import relief_of, turned
from matplotlib.cbook import get_sample_data
from skimage import data
from skimage.io import imread

import scarmetrics as sm
from scarmetrics.face.glasses import find_glasses
from scarmetrics.face.mesh import posed_face
from scarmetrics.models import SIDES
from scarmetrics.opencv import cv2
from scarmetrics.phantom import FRAME_KINDS, FrameKind, draw_spectacles, render, scar_field, wear
from scarmetrics.pipeline.half import align_pair, measure_side
from scarmetrics.units import NOMINAL_INTERPUPILLARY_MM

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from scarmetrics.models import Image

LIMIT = sm.StudyConfig().face.min_glasses_score
FIRST_SEED = 5000  # others were used while the detector was made
SIZES = (1.0, 0.5, 0.3)
LEAST_PUPILS_PX = 50.0  # 1.3 mm per px: coarser ones are refused whatever they show
YAWS = (-40.0, -20.0, 20.0, 40.0)
TURNED_EACH = 8  # one of so many photographs is turned as well
MEASURED_KINDS: tuple[FrameKind, ...] = ("thick", "metal", "clear")


@dataclass(frozen=True)
class Seen:
    """One photograph's verdict.

    Attributes
    ----------
    group : str
        What kind of photograph.
    kind : str
        Of spectacles; empty for none.
    score : float
        Of `find_glasses`.
    hidden, beyond : float
        Share of the skin behind spectacles that is left out; share of the bare skin that is too.
    seconds : float
        What it took.
    """

    group: str
    kind: str
    score: float
    hidden: float = np.nan
    beyond: float = np.nan
    seconds: float = 0.0

    @property
    def found(self) -> bool:
        """Whether it counts as a face with spectacles."""
        return self.score > LIMIT


def seen(image: Image, group: str, kind: str = "", behind: np.ndarray | None = None) -> Seen | None:
    face = sm.detect_face(image)
    if not face:
        return None
    start = time.perf_counter()
    glasses = find_glasses(image, face)
    seconds = time.perf_counter() - start
    if behind is None:
        return Seen(group, kind, glasses.score, seconds=seconds)
    skin = face.skin_mask("left") | face.skin_mask("right")
    hidden, bare = skin & (behind > 0.5), skin & (behind <= 0.5)
    shares = [float((glasses.covered & part).sum() / max(1, part.sum())) for part in (hidden, bare)]
    return Seen(group, kind, glasses.score, shares[0], shares[1], seconds)


def resized(image: np.ndarray, zoom: float) -> np.ndarray:
    how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC
    return image if zoom == 1 else cv2.resize(image, None, fx=zoom, fy=zoom, interpolation=how)


def rolled(image: np.ndarray, face: sm.Face, degrees: float) -> np.ndarray:
    x, y = face.landmarks[:, :2].mean(axis=0)
    turn = cv2.getRotationMatrix2D((float(x), float(y)), degrees, 1)
    size = image.shape[1::-1]
    return cv2.warpAffine(image, turn, size, borderMode=cv2.BORDER_REFLECT)


def scarred(image: Image, face: sm.Face, seed: int) -> Image:
    mm_per_px = NOMINAL_INTERPUPILLARY_MM / face.interpupillary_px
    skin = face.skin_mask("left") | face.skin_mask("right")
    scars = scar_field(skin, mm_per_px=mm_per_px, seed=seed, area_fraction=0.06)
    return render(image, scars, mm_per_px=mm_per_px).image


def bare_faces(image: Image, face: sm.Face, group: str, number: int) -> Iterator[Seen | None]:
    rng = np.random.default_rng(FIRST_SEED + number)
    for zoom in SIZES:
        if zoom * face.interpupillary_px > LEAST_PUPILS_PX:
            yield seen(resized(image, zoom), group)
    if number % TURNED_EACH == 0:
        yield seen(resized(image, 2.0), "enlarged twice")
    yield seen(rolled(image, face, rng.uniform(-30, 30)), "rolled")
    yield seen(scarred(image, face, number), "with drawn scars")


def worn(image: Image, face: sm.Face, number: int) -> Iterator[Seen | None]:
    """Each kind once, of another size, roll and pair for each face."""
    for place, kind in enumerate(FRAME_KINDS):
        rng = np.random.default_rng([FIRST_SEED + number, place])
        dressed, behind = wear(image, face, draw_spectacles(kind, FIRST_SEED + number))
        roll = rng.choice([0.0, rng.uniform(-30, 30)])
        zoom = SIZES[(number + place) % len(SIZES)]
        if zoom * face.interpupillary_px < LEAST_PUPILS_PX:
            zoom = 1.0
        parts = [resized(rolled(part, face, roll), zoom) for part in (dressed, behind)]
        yield seen(parts[0], "frontal", kind, parts[1])


def turned_faces(image: Image, face: sm.Face, number: int) -> Iterator[Seen | None]:
    rows, cols = face.shape
    depth = posed_face(face.landmarks, ((cols - 1) / 2, (rows - 1) / 2))[:, 2]
    relief = relief_of(image, face, depth)
    for place, yaw in enumerate(YAWS):
        picture, _ = turned(relief, yaw)
        yield seen(picture, "turned by 20° and 40°")
        own = sm.detect_face(picture)
        for step in range(3 if own else 0):
            kind = FRAME_KINDS[(3 * step + number // TURNED_EACH + place) % len(FRAME_KINDS)]
            assert own
            dressed, behind = wear(picture, own, draw_spectacles(kind, FIRST_SEED + number))
            yield seen(dressed, "turned", kind, behind)


def measured(neutral: Path, smiling: Path, number: int) -> Iterator[dict[str, object]]:
    """Scar area found at the later visit: bare, with spectacles left out, and with them not."""
    before, after = (sm.decode_photograph(path).pixels for path in (neutral, smiling))
    face = sm.detect_face(after)
    assert face
    kind = MEASURED_KINDS[number % len(MEASURED_KINDS)]
    dressed, _ = wear(after, face, draw_spectacles(kind, FIRST_SEED + number))
    for name, image, exclude in (
        ("bare", after, True), ("left out", dressed, True), ("measured", dressed, False),
    ):  # fmt: skip
        config = sm.StudyConfig.model_validate({"face": {"exclude_glasses": exclude}})
        pair = align_pair(before, image, scales=(None, None), config=config)
        for side in SIDES:
            half = measure_side(pair, side, config) if pair else pair
            row = {"kind": kind, "how": name, "measured": bool(half)}
            if isinstance(half, sm.HalfResult):
                row["fraction"] = half.follow_up.measurement.area_fraction
                row["skin_px"] = int(half.follow_up.roi.sum())
            yield row


def rates(all_seen: Sequence[Seen]) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    bare, dressed = [], []
    for group in sorted({one.group for one in all_seen if not one.kind}):
        some = [one for one in all_seen if one.group == group and not one.kind]
        scores = np.quantile([one.score for one in some], [0.5, 0.95, 1])
        bare.append((group, len(some), sum(one.found for one in some), *np.round(scores, 2)))
    for kind, group in itertools.product(FRAME_KINDS, ("frontal", "turned")):
        some = [one for one in all_seen if (one.kind, one.group) == (kind, group)]
        if some:
            found = [one for one in some if one.found]
            share = f"{len(found) / len(some):.2f}"
            hidden = np.quantile([one.hidden for one in found], [0.1, 0.5]) if found else [0, 0]
            beyond = np.median([one.beyond for one in found]) if found else 0
            numbers = [f"{value:.2f}" for value in (*hidden, beyond)]
            median = f"{np.median([one.score for one in some]):.2f}"
            dressed.append((kind, group, len(some), share, median, *numbers))
    return bare, dressed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, help="the first photographs of each folder only")
    count = parser.parse_args().people
    folder = require("faces")
    groups = {
        "London, neutral": sorted(folder.glob("london/*_03.jpg")),
        "London, smiling": sorted(folder.glob("london/*_08.jpg")),
        "Canada": sorted(folder.glob("canada/*.jpg")),
        "lisa and zoom": sorted([*folder.glob("lisa/*.jpg"), *folder.glob("zoom/*.jpg")]),
    }
    pictures = [
        (name, sm.decode_photograph(path).pixels, number)
        for name, paths in groups.items()
        for number, path in enumerate(paths[:count])
    ]
    pictures.append(("astronaut", data.astronaut(), 0))
    verdicts: list[Seen | None] = []
    for order, (name, image, number) in enumerate(pictures):
        face = sm.detect_face(image)
        if not face:
            raise SystemExit(f"no face in a published photograph of {name}: {face.reason}")
        verdicts += bare_faces(image, face, name, order)
        if name != "London, smiling":
            verdicts += worn(image, face, order)
        if number % TURNED_EACH == 0:
            verdicts += turned_faces(image, face, order)
    all_seen = [one for one in verdicts if one is not None]
    bare, dressed = rates(all_seen)
    print_table(
        f"Bare faces; found above a score of {LIMIT:g}",
        ("photographs", "number", "found", "median", "p95", "most"), bare,
    )  # fmt: skip
    print_table(
        "Spectacles drawn on them",
        ("kind", "head", "number", "found", "score", "hidden p10", "hidden", "beyond"), dressed,
    )  # fmt: skip
    pairs = list(zip(groups["London, neutral"], groups["London, smiling"], strict=True))
    halves = [row for i, pair in enumerate(pairs[: count or 12]) for row in measured(*pair, i)]
    print_table(
        "Scar area found at the later visit of bare faces",
        ("spectacles", "halves", "measured", "mean share of skin", "median skin, px"),
        [(how, *_areas([row for row in halves if row["how"] == how]))
         for how in ("bare", "left out", "measured")],
    )  # fmt: skip
    with get_sample_data("grace_hopper.jpg") as file:
        portrait = seen(imread(file), "portrait")
    assert portrait
    print(f"\nGrace Hopper, with real spectacles: {portrait.score:.2f}")
    cost_ms = 1000 * float(np.median([one.seconds for one in all_seen]))
    print(f"no face found: {len(verdicts) - len(all_seen)}; {cost_ms:.1f} ms a face")
    write_json(
        "glasses",
        {
            "bare": _plain(bare),
            "worn": _plain(dressed),
            "halves": halves,
            "portrait": portrait.score,
        },
    )


def _areas(rows: list[dict[str, object]]) -> tuple[object, ...]:
    done = [row for row in rows if row["measured"]]
    fractions = [float(str(row["fraction"])) for row in done]
    pixels = [float(str(row["skin_px"])) for row in done]
    return len(rows), len(done), f"{np.mean(fractions):.4f}", round(float(np.median(pixels)))


def _plain(rows: list[tuple[object, ...]]) -> list[list[object]]:
    return [[float(v) if isinstance(v, np.floating) else v for v in row] for row in rows]


if __name__ == "__main__":
    main()
