"""A made-up split-face study: exports as a device would leave them, and the truth beside them."""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.errors import UsageError
from scarmetrics.models import SIDES, Side
from scarmetrics.phantom.faces import PhantomFace, astronaut_face
from scarmetrics.phantom.recapture import draw_exposure, expose, recapture, to_jpeg
from scarmetrics.phantom.render import Phantom, coverage, render
from scarmetrics.phantom.scars import Scar, scar_field, shrink
from scarmetrics.phantom.shading import Light
from scarmetrics.phantom.trial import Treatment, answers, assign

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from scarmetrics.models import Image

VISITS = ("baseline", "month3")
_FIRST_DAY, _FOLLOW_UP_DAYS = dt.date(2024, 1, 8), 91
_MM_PER_PX_REL_SD = 0.01
_JPEG_QUALITY = 95
_SHRINKAGE: Mapping[Treatment, Mapping[str, float]] = {
    "adsc_cm": {"area_factor": 0.62, "depth_factor": 0.75, "healed_fraction": 0.10},
    "saline": {"area_factor": 0.86, "depth_factor": 0.90, "healed_fraction": 0.03},
}


@dataclass(frozen=True)
class DemoStudy:
    """Where a made-up study lies.

    Attributes
    ----------
    exports : pathlib.Path
        Photographs and ``manifest.csv``: what a device exports.
    truth : pathlib.Path
        CSV of true areas and of which half got what.
    allocation, questionnaires : pathlib.Path
        What ``scarmetrics link`` joins to the measurement.
    subjects : tuple of str
        Subject ids.
    """

    exports: Path
    truth: Path
    allocation: Path
    questionnaires: Path
    subjects: tuple[str, ...]


def make_demo_study(
    folder: Path,
    *,
    n_subjects: int = 6,
    seed: int = 1,
    mm_per_px: float = 0.18,
    progress: Callable[[int, int], None] | None = None,
) -> DemoStudy:
    """Write a made-up study.

    Every subject has two frontal photographs, three months apart. One half, balanced between left
    and right, was treated; its scars shrink more. The same arguments write the same bytes.

    Parameters
    ----------
    folder : pathlib.Path
        Gets ``exports/``, ``truth.csv``, ``allocation.csv`` and ``questionnaires.csv``; made if
        missing.
    n_subjects : int, optional
        How many, 1 to 99.
    seed : int, optional
        Of everything that is random.
    mm_per_px : float, optional
        About the size of a pixel; the manifest states the exact one of each photograph.
    progress : callable, optional
        Called with (subjects done, subjects in all).

    Returns
    -------
    DemoStudy
    """
    if not 1 <= n_subjects <= 99:
        raise UsageError(f"n_subjects is {n_subjects}", "choose 1 to 99")
    exports = folder / "exports"
    subjects = tuple(f"P{number:02d}" for number in range(1, n_subjects + 1))
    assigned = dict(zip(subjects, assign(n_subjects, seed), strict=True))
    manifest: list[dict[str, object]] = []
    truth: list[dict[str, object]] = []
    for number, (subject, (procedure, side)) in enumerate(assigned.items()):
        visits = _photograph((seed, number), side, mm_per_px)
        captured = _FIRST_DAY + dt.timedelta(days=7 * number)
        (exports / subject).mkdir(parents=True, exist_ok=True)
        for visit, shown in visits.items():
            path = f"{subject}/{visit}_frontal.jpg"
            (exports / path).write_bytes(to_jpeg(shown.image, _JPEG_QUALITY))
            manifest.append(
                {
                    "subject_id": subject,
                    "visit": visit,
                    "view": "frontal",
                    "path": path,
                    "captured_on": captured.isoformat(),
                    "mm_per_px": f"{shown.truth.mm_per_px:.6f}",
                    "mm_per_px_rel_sd": _MM_PER_PX_REL_SD,
                }
            )
            truth += [
                {
                    "subject_id": subject,
                    "side": half,
                    "visit": visit,
                    "true_area_mm2": f"{shown.area_mm2(half):.3f}",
                    "true_scar_count": shown.count(half),
                    "procedure": procedure,
                    "treatment": "adsc_cm" if half == side else "saline",
                }
                for half in SIDES
            ]
            captured += dt.timedelta(days=_FOLLOW_UP_DAYS)
        if progress:
            progress(number + 1, n_subjects)
    _write_csv(exports / "manifest.csv", manifest)
    study = DemoStudy(
        exports=exports,
        truth=folder / "truth.csv",
        allocation=folder / "allocation.csv",
        questionnaires=folder / "questionnaires.csv",
        subjects=subjects,
    )
    _write_csv(study.truth, truth)
    _write_csv(
        study.allocation,
        [
            {"subject_id": subject, "procedure": procedure, "treated_side": side}
            for subject, (procedure, side) in assigned.items()
        ],
    )
    _write_csv(study.questionnaires, answers(assigned, seed))
    return study


@dataclass(frozen=True, eq=False)
class _Visit:
    """One photograph and what it shows on either side."""

    image: Image
    truth: Phantom
    n_left: int  # scars of the left side come first in the truth

    def _scars(self, side: Side) -> tuple[Scar, ...]:
        scars = self.truth.scars
        return scars[: self.n_left] if side == "left" else scars[self.n_left :]

    def area_mm2(self, side: Side) -> float:
        inside = coverage(self.image.shape[:2], self._scars(side), self.truth.mm_per_px)
        return float(inside.sum(dtype=np.float64)) * self.truth.mm_per_px**2

    def count(self, side: Side) -> int:
        """Scars that are not swallowed by deeper ones."""
        shown = np.unique(self.truth.labels)
        left = shown[(shown > 0) & (shown <= self.n_left)]
        return len(left) if side == "left" else len(shown[shown > 0]) - len(left)


def _photograph(seeds: tuple[int, int], treated: Side, mm_per_px: float) -> dict[str, _Visit]:
    """Both visits of one subject."""
    rng = np.random.default_rng(seeds)
    draw = iter(rng.integers(2**31, size=16).tolist())
    face = astronaut_face(next(draw), mm_per_px)
    before = _scars_of_both_halves(face, rng, draw_left=next(draw), draw_right=next(draw))
    after = {
        half: shrink(
            before[half],
            **_SHRINKAGE["adsc_cm" if half == treated else "saline"],
            spread=0.15,
            seed=next(draw),
        )
        for half in SIDES
    }
    light = Light(light_deg=float(rng.uniform(0, 360)))
    baseline = render(face.image, _in_order(before), mm_per_px=face.mm_per_px, light=light)
    camera = draw_exposure(next(draw), jpeg_quality=None)
    second = recapture(
        face.image,
        seed=next(draw),
        mm_per_px=face.mm_per_px,
        scars=_in_order(after),
        light=Light(light_deg=light.light_deg + float(rng.normal(0, 8))),
        exposure=draw_exposure(next(draw), jpeg_quality=None),
    )
    first = expose(baseline.image, camera, seed=next(draw))
    return {
        VISITS[0]: _Visit(first, baseline, len(before["left"])),
        VISITS[1]: _Visit(second.image, second.truth, len(after["left"])),
    }


def _in_order(scars: Mapping[Side, list[Scar]]) -> list[Scar]:
    return scars["left"] + scars["right"]


def _scars_of_both_halves(
    face: PhantomFace, rng: np.random.Generator, *, draw_left: int, draw_right: int
) -> dict[Side, list[Scar]]:
    share = rng.uniform(0.02, 0.045)  # a patient's halves are alike
    return {
        half: scar_field(
            face.face.skin_mask(half),
            mm_per_px=face.mm_per_px,
            seed=seed,
            area_fraction=float(share * rng.uniform(0.85, 1.15)),
            confluent_fraction=0.6,
        )
        for half, seed in zip(SIDES, (draw_left, draw_right), strict=True)
    }


def _write_csv(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    rows = list(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
