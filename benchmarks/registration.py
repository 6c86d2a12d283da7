"""How well and how fast two visits are aligned, beside elastix, SimpleITK, TV-L1 and plain DIS.

All start from the same landmarks, on the same box at the same resolution, on one thread; ours is
timed with its start, the others without. (a) People neutral and smiling, at keypoints that no
method has seen. (b) Real faces under a known warp, light, noise and JPEG. (c) The same with drawn
scars that lose 40 % of their area in the follow-up.

Run:  python benchmarks/registration.py [--people N] [--ours-only] [--fit]
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import _registration_peers as peers
import numpy as np
from _common import print_table, write_json
from _measured import measured
from _registration_evidence import bounds, fit_expected_error, print_evidence
from _registration_truth import (
    Warped,
    canada_codes,
    keypoint_matches,
    load_london,
    london_pairs,
    outline,
    shrunk_pairs,
    warped_pair,
)
from scipy.spatial import cKDTree

import scarmetrics as sm
from scarmetrics.config import RegistrationConfig
from scarmetrics.opencv import cv2
from scarmetrics.photometry import luminance, warp_affine_reduced
from scarmetrics.registration.flow import follow
from scarmetrics.registration.frame import working_frame
from scarmetrics.registration.result import apply_affine
from scarmetrics.registration.start import face_subject, start_from_landmarks

if TYPE_CHECKING:
    from collections.abc import Callable

    from _registration_truth import Pair
    from numpy.typing import NDArray

    from scarmetrics.models import Points

    Transform = Callable[[Points], Points]

OURS = "scarmetrics"
START = "landmarks only"
SHRINKS_TO = 0.6
POINTS = 3000
PERSISTENT_PX = 0.3


@dataclass(frozen=True)
class Run:
    """What a method made of a pair."""

    transform: Transform
    seconds: float
    peak_mib: float
    found: sm.Registration | None = None


def ours(pair: Pair) -> Run | None:
    """None where the pair was refused."""
    for face in pair.faces:  # masks belong to the face and not to its alignment
        face.skin_mask("left")
    found, seconds, peak_mib = measured(_register, pair)
    return Run(found.transform_points, seconds, peak_mib, found) if found else None


def _register(pair: Pair) -> sm.Registration | sm.FailedRegistration:
    (fixed, moving), (first, second) = pair.images, pair.faces
    return sm.register(fixed, moving, fixed_face=first, moving_face=second)


def others(pair: Pair, chosen: tuple[str, ...]) -> dict[str, Run]:
    """Other methods, and what they all start from."""
    mm_per_px = pair.mm_per_px
    zoom = min(1.0, mm_per_px / RegistrationConfig().working_mm_per_px)
    to_work, size = working_frame(pair.faces[0].box, zoom)
    subjects = [face_subject(i, f) for i, f in zip(pair.images, pair.faces, strict=True)]
    start = start_from_landmarks(subjects[0], subjects[1], to_work, size, mirrored=False)
    assert start is not None
    maps = (to_work, cv2.invertAffineTransform(start.work_to_moving))
    fixed, moving = (
        255 * np.sqrt(luminance(warp_affine_reduced(image, matrix, size)))  # about sRGB's curve
        for image, matrix in zip(pair.images, maps, strict=True)
    )
    moving = follow(moving, start.flow, cv2.INTER_CUBIC)
    skin = cv2.warpAffine(pair.skin.astype(np.uint8), to_work, size, flags=cv2.INTER_NEAREST) > 0

    def transform(field: NDArray[np.float32]) -> Transform:
        total = field + follow(start.flow, field)

        def move(xy: Points) -> Points:
            at = apply_affine(to_work, xy)
            x, y = (at[:, i].astype(np.float32)[:, None] for i in (0, 1))
            shift = cv2.remap(
                total, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            ).reshape(-1, 2)
            return apply_affine(start.work_to_moving, at + shift)

        return move

    runs = {START: Run(transform(np.zeros_like(start.flow)), 0.0, 0.0)}
    for name in chosen:
        field, seconds, peak_mib = measured(
            peers.PEERS[name], fixed, moving, skin, mm_per_px / zoom
        )
        runs[name] = Run(transform(field), seconds, peak_mib)
    return runs


class Figures:
    """Errors, times and memory of each method, person by person."""

    def __init__(self) -> None:
        self.error_mm: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
        self.error_px: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
        self.shared: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.peak_mib: dict[str, list[float]] = defaultdict(list)
        self.refused: list[str] = []

    def add(self, name: str, run: Run, pair: Pair, points: Points, truth: Points) -> None:
        """Take in a method's answer for one person; errors in the fixed photograph's pixels."""
        magnification = pair.faces[1].interpupillary_px / pair.faces[0].interpupillary_px
        off_px = (run.transform(points) - truth) / magnification
        self.error_px[name].append(np.hypot(*off_px.T))
        self.error_mm[name].append(np.hypot(*off_px.T) * pair.mm_per_px)
        self.shared[name].append(_shared(points, off_px, pair.mm_per_px))
        self.seconds[name].append(run.seconds)
        self.peak_mib[name].append(run.peak_mib)

    def rows(self) -> dict[str, dict[str, float]]:
        """One row per method."""
        table = {}
        for name in self.error_mm:
            mm, px = np.concatenate(self.error_mm[name]), np.concatenate(self.error_px[name])
            shared = np.concatenate(self.shared[name]).mean()
            table[name] = {
                "median mm": float(np.median(mm)),
                "p90 mm": float(np.percentile(mm, 90)),
                "median px": float(np.median(px)),
                "p90 px": float(np.percentile(px, 90)),
                "p99 px": float(np.percentile(px, 99)),
                "shared mm": float(np.sign(shared) * np.sqrt(abs(shared))),
                "CPU s": float(np.median(self.seconds[name])),
                "times ours": float(np.median(self.seconds[name]) / np.median(self.seconds[OURS])),
                "peak MiB": float(np.median(self.peak_mib[name])),
            }
        return table


def _shared(points: Points, off_px: Points, mm_per_px: float) -> NDArray[np.float64]:
    """Products of neighbours' errors, mm^2.

    What neighbours share is the map's error and not the keypoints' own, which is independent.
    """
    off = off_px * mm_per_px
    pairs = cKDTree(points).query_pairs(3.0 / mm_per_px, output_type="ndarray")
    apart = np.hypot(*(points[pairs[:, 0]] - points[pairs[:, 1]]).T) * mm_per_px > 0.8
    near = np.hypot(*off.T) < 0.8  # a wrong match says nothing about the map
    pairs = pairs[apart & near[pairs[:, 0]] & near[pairs[:, 1]]][:20000]
    return np.asarray((off[pairs[:, 0]] * off[pairs[:, 1]]).sum(axis=1), np.float64)


def _print(title: str, rows: dict[str, dict[str, float]]) -> None:
    columns = list(next(iter(rows.values())))
    print_table(
        title, ("method", *columns),
        [(name, *(f"{row[key]:.3f}" for key in columns)) for name, row in rows.items()],
    )  # fmt: skip


def expressions(count: int | None, chosen: tuple[str, ...]) -> dict[str, Any]:
    """(a) Neutral and smiling."""
    figures, tested = Figures(), 0
    for code in london_pairs(count):
        pair = load_london(code)
        points, truth = keypoint_matches(pair)
        if len(points) < 3:  # smooth skin: nothing to test with
            continue
        tested += 1
        run = ours(pair)
        if run is None:
            figures.refused.append(pair.name)
            continue
        for name, other in {OURS: run, **others(pair, chosen)}.items():
            figures.add(name, other, pair, points, truth)
    rows = figures.rows()
    number = sum(len(errors) for errors in figures.error_mm[OURS])
    _print(f"(a) Neutral and smiling, {tested} people, {number} keypoints", rows)
    return {"people": tested, "keypoints": number, "refused": figures.refused, "methods": rows}


def warps(count: int | None, chosen: tuple[str, ...]) -> dict[str, Any]:
    """(b) Known warps, light, noise and JPEG."""
    figures, inside, covered, evidence = Figures(), [], [], []
    for code in canada_codes(count):
        pair = warped_pair("canada", code)
        run = ours(pair)
        if run is None or run.found is None:
            figures.refused.append(pair.name)
            continue
        points = _skin_points(pair)
        truth = pair.warp.transform_points(points)
        for name, other in {OURS: run, **others(pair, chosen)}.items():
            figures.add(name, other, pair, points, truth)
        x, y = points.astype(int).T
        believed = run.found.registered_mask[y, x]
        inside.append(figures.error_px[OURS][-1][believed])
        covered.append(float(believed.mean()))
        evidence.append(bounds(run.found, points[believed], figures.error_mm[OURS][-1][believed]))
    rows = figures.rows()
    _print(f"(b) Known warps of {len(covered)} faces, whole skin", rows)
    errors = np.concatenate(inside)
    summary = {
        "median px": float(np.median(errors)),
        "p99 px": float(np.percentile(errors, 99)),
        "covered share, mean": float(np.mean(covered)),
        "covered share, least": float(np.min(covered)),
    }
    print_table("(b) Inside registered_mask, ours", list(summary),
                [[f"{value:.3f}" for value in summary.values()]])  # fmt: skip
    return {
        "refused": figures.refused, "methods": rows, "inside": summary,
        "residual": print_evidence(evidence),
    }  # fmt: skip


def _skin_points(pair: Warped) -> Points:
    y, x = np.nonzero(pair.skin)
    chosen = np.random.default_rng(0).choice(len(x), POINTS, replace=False)
    return np.column_stack([x[chosen], y[chosen]]).astype(np.float64)


def shrinking(count: int | None, chosen: tuple[str, ...]) -> dict[str, Any]:
    """(c) Scars that shrink, and whether the flow at their old outline moves."""
    moved: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
    off: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
    matched = scars = 0
    for code in canada_codes(count):
        pairs = shrunk_pairs("canada", code, SHRINKS_TO)
        runs = [ours(pair) for pair in pairs]
        if runs[0] is None or runs[1] is None:
            continue
        points = np.concatenate([outline(scar, pairs[0].mm_per_px) for scar in pairs[0].scars])
        both = zip(*({OURS: run, **others(pair, chosen)}.items()
                     for run, pair in zip(runs, pairs, strict=True)), strict=True)  # fmt: skip
        truth = pairs[0].warp.transform_points(points)
        for (name, unchanged), (_, shrunk) in both:
            after = shrunk.transform(points)
            moved[name].append(np.hypot(*(after - unchanged.transform(points)).T))
            off[name].append(np.hypot(*(after - truth).T))
        scars += len(pairs[0].scars)
        matched += _matched(pairs[1], runs[1])
    rows = {}
    for name, parts in moved.items():
        shift, error = np.concatenate(parts), np.concatenate(off[name])
        rows[name] = {
            "shift median px": float(np.median(shift)),
            "p90": float(np.percentile(shift, 90)),
            "p95": float(np.percentile(shift, 95)),
            f"share < {PERSISTENT_PX} px": float((shift < PERSISTENT_PX).mean()),
            "error median px": float(np.median(error)),
        }
    _print(f"(c) {scars} scars lose 40 % of their area: shift of the map at their outlines", rows)
    print(f"matched: {matched} of {scars} scars ({100 * matched / max(scars, 1):.1f} %)")
    return {"methods": rows, "scars": scars, "matched": matched}


def _matched(pair: Warped, run: Run) -> int:
    """Scars whose centre comes to lie inside the true outline of the same scar, shrunk."""
    centres = np.array([[scar.x_px, scar.y_px] for scar in pair.scars])
    back = pair.warp.inverse_points(run.transform(centres))  # as the fixed photograph's points
    off_mm = np.hypot(*(back - centres).T) * pair.mm_per_px
    least = np.array([min(scar.rx_mm, scar.ry_mm) for scar in pair.scars]) * SHRINKS_TO**0.5
    return int((off_mm < least).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--people", type=int, help="only so many people of each kind")
    parser.add_argument("--ours-only", action="store_true", help="leave out the other tools")
    parser.add_argument("--fit", action="store_true", help="fit the expected error's constants")
    arguments = parser.parse_args()
    if arguments.fit:
        fit_expected_error()
        return
    chosen: tuple[str, ...] = () if arguments.ours_only else tuple(peers.PEERS)
    if chosen:
        peers.load()
        peers.limit_threads(1)
    cv2.setNumThreads(1)
    path = write_json(
        "registration",
        {
            "versions": peers.versions(),
            "expressions": expressions(arguments.people, chosen),
            "warps": warps(arguments.people, chosen),
            "shrinking": shrinking(
                arguments.people, tuple(c for c in chosen if c in ("tvl1", "dis"))
            ),
        },
    )
    print(f"\nwritten: {path.name}")


if __name__ == "__main__":
    main()
