"""A folder as a run leaves it, with drawn skin and views; small and quick to make."""

from __future__ import annotations

import csv
import datetime as dt
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from scarmetrics.config import StudyConfig
from scarmetrics.models import SIDES
from scarmetrics.opencv import cv2
from scarmetrics.overlay.strokes import FATE_STROKES
from scarmetrics.provenance import hash_outputs, write_json
from scarmetrics.runner.rows import CHANGES, FAILURES, MEASUREMENTS, SCARS
from scarmetrics.viewfile import HalfView, ViewExcluded, ViewScar

VISITS = ("baseline", "month3")
WHICH = ("baseline", "follow_up")
FATES = tuple(FATE_STROKES)
MM_PER_PX = 0.1


class MadeRun:
    """Writes OUT, half by half.

    Parameters
    ----------
    out : pathlib.Path
        The folder.
    size : tuple of int
        Width and height of the pictures, px.
    scars : int
        For each half.
    points : int
        For each outline.
    """

    def __init__(
        self, out: Path, *, size: tuple[int, int] = (360, 300), scars: int = 6, points: int = 16
    ) -> None:
        self.out, self.size, self.scar_count, self.points = out, size, scars, points
        self.measurements: list[dict[str, Any]] = []
        self.changes: list[dict[str, Any]] = []
        self.scars: list[dict[str, Any]] = []
        self.failures: list[dict[str, Any]] = []
        self.state, self.config = "finished", StudyConfig().model_dump(mode="json")
        self.config["study_id"] = "made"
        for name in ("masks", "rois", "overlays", "views"):
            (out / name).mkdir(parents=True, exist_ok=True)

    def half(
        self,
        subject_id: str,
        side: str,
        *,
        flags: str = "",
        scale: bool = True,
        seed: int = 0,
        hole: bool = False,
    ) -> None:
        """Add a half with pictures, view and rows."""
        rng = np.random.default_rng((seed, sum(map(ord, subject_id)), len(side)))
        width, height = self.size
        drawn: list[ViewScar] = []
        pictures = [self._skin(rng), self._skin(rng)]
        areas = [0.0, 0.0]
        ids = [0, 0]
        unit = MM_PER_PX if scale else None
        for index in range(self.scar_count):
            fate = FATES[index % len(FATES)]
            at = rng.uniform(0.2, 0.8, 2) * (width, height)
            axes = rng.uniform(0.015, 0.04, 2) * width
            growth = {"shrunk": 0.7, "grown": 1.3}.get(fate, 1.0)
            radii = [axes, axes * growth]
            here = [fate != "new", fate != "healed"]
            for visit in range(2):
                ids[visit] += here[visit]
            for visit in range(2):
                if not here[visit]:
                    continue
                turn = np.linspace(0, 2 * math.pi, self.points, endpoint=False)
                ring = at + radii[visit] * np.column_stack([np.cos(turn), np.sin(turn)])
                cv2.ellipse(pictures[visit], tuple(map(int, at)), tuple(map(int, radii[visit])),
                            0, 0, 360, (150, 105, 85), -1, cv2.LINE_AA)  # fmt: skip
                drawn.append(ViewScar(visit=WHICH[visit], scar_id=ids[visit], fate=fate,
                                      rings=(tuple(map(tuple, ring.tolist())),)))  # fmt: skip
                area_px = math.pi * float(np.prod(radii[visit]))
                areas[visit] += area_px
                other = ids[1 - visit] if here[1 - visit] else None
                self.scars.append({
                    "study_id": "made", "subject_id": subject_id, "side": side,
                    "visit": VISITS[visit], "scar_id": ids[visit], "matched_scar_id": other,
                    "fate": fate, "area_px": area_px,
                    "area_mm2": area_px * unit**2 if unit else None,
                    "area_change_mm2": 0.25 if other and unit else None,
                    "area_change_sd_mm2": 0.1 if other and unit else None,
                    "equivalent_diameter_mm": 2 * math.sqrt(area_px / math.pi) * unit
                    if unit else None,
                })  # fmt: skip
        self._rows((subject_id, side), areas, ids, unit, flags)
        self._pictures(subject_id, side, pictures)
        self._view(subject_id, side, drawn, unit, hole=hole)

    def failure(self, subject_id: str, side: str, code: str, remedy: str, path: str = "") -> None:
        """Add a failure."""
        named = {"subject_id": subject_id, "side": side, "path_relative": path}
        self.failures.append({**named, "reason_code": code, "reason": "why", "remedy": remedy})

    def write(self) -> Path:
        """Write the tables and run.json."""
        tables = {
            "measurements": (self.measurements, MEASUREMENTS),
            "changes": (self.changes, CHANGES),
            "scars": (self.scars, SCARS),
            "failures": (self.failures, FAILURES),
        }
        for name, (rows, columns) in tables.items():
            with (self.out / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, list(columns), lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
        names = [
            path.relative_to(self.out).as_posix()
            for folder in ("masks", "rois", "overlays")
            for path in (self.out / folder).iterdir()
        ]
        names += [f"{name}.csv" for name in tables]
        write_json(self.out / "run.json", {
            "tool": "scarmetrics", "version": "0.1.0", "state": self.state, "config": self.config,
            "started": "2026-01-05T08:00:00+00:00", "ended": "2026-01-05T08:20:00+00:00",
            "counts": {"halves_measured": len(self.changes)},
            "outputs": hash_outputs(self.out, names),
        })  # fmt: skip
        return self.out

    def _skin(self, rng: np.random.Generator) -> np.ndarray:
        width, height = self.size
        y, x = np.mgrid[:height, :width]
        light = 1 - 0.25 * np.hypot(x / width - 0.5, y / height - 0.5)
        rough = cv2.GaussianBlur(rng.normal(0, 30, (height, width)).astype(np.float32), (0, 0), 2)
        skin = light[..., None] * (208, 164, 140) + rough[..., None]
        return np.clip(skin, 0, 255).astype(np.uint8)

    def _rows(self, key, areas, ids, unit, flags) -> None:
        half = {"study_id": "made", "subject_id": key[0], "side": key[1]}
        status = "review" if flags else "pass"
        skin = 0.7 * self.size[0] * self.size[1]
        for visit in range(2):
            self.measurements.append({
                **half, "visit": VISITS[visit], "qc_status": status, "qc_flags": flags,
                "area_mm2": areas[visit] * unit**2 if unit else None,
                "area_sd_mm2": 0.2 * areas[visit] * unit**2 if unit else None,
                "projected_area_mm2": 0.8 * areas[visit] * unit**2 if unit else None,
                "roi_area_mm2": skin * unit**2 if unit else None,
                "area_fraction": areas[visit] / skin, "scar_count": ids[visit],
                "mm_per_px": unit, "mm_per_px_source": "manifest" if unit else None,
                "mm_per_px_rel_sd": 0.01 if unit else None, "blur_mm": 0.61, "exposure": 0.3,
                "not_measurable_fraction": 0.08, "captured_on": f"2024-0{1 + 3 * visit}-08",
                "view": "frontal",
            })  # fmt: skip
        change = areas[1] - areas[0]
        self.changes.append({
            **half, "baseline_visit": VISITS[0], "follow_up_visit": VISITS[1],
            "area_baseline_mm2": areas[0] * unit**2 if unit else None,
            "area_month3_mm2": areas[1] * unit**2 if unit else None,
            "change_mm2": change * unit**2 if unit else None,
            "change_sd_mm2": 0.1 * areas[0] * unit**2 if unit else None,
            "change_pct": 100 * change / areas[0] if areas[0] else None,
            "change_fraction": change / skin, "registration_residual_mm": 0.12,
            "registered_fraction": 0.98, "pose_difference_deg": 2.4,
            "qc_status": status, "qc_flags": flags,
        })  # fmt: skip

    def _pictures(self, subject_id: str, side: str, pictures: list[np.ndarray]) -> None:
        stem, small = f"{subject_id}_{side}", np.zeros((4, 4), np.uint8)
        for visit, which, picture in zip(VISITS, WHICH, pictures, strict=True):
            self._save(f"views/{stem}_{which}.jpg", picture)
            for folder in ("masks", "rois", "overlays"):
                self._save(f"{folder}/{stem}_{visit}.png", small)
        self._save(f"overlays/{stem}.png", small)
        pair = cv2.resize(np.hstack(pictures), (192, 96), interpolation=cv2.INTER_AREA)
        self._save(f"views/{stem}_thumb.jpg", pair)
        ramp = np.linspace(0, 255, self.size[0]).astype(np.uint8)
        heat = cv2.applyColorMap(np.repeat(ramp[None], self.size[1], 0), cv2.COLORMAP_VIRIDIS)
        heat = np.dstack([heat, np.full(heat.shape[:2], 110, np.uint8)])
        (self.out / f"views/{stem}_residual.png").write_bytes(cv2.imencode(".png", heat)[1])

    def _save(self, name: str, picture: np.ndarray) -> None:
        data = picture[..., ::-1] if picture.ndim == 3 else picture
        quality = [cv2.IMWRITE_JPEG_QUALITY, 90] if name.endswith("jpg") else []
        (self.out / name).write_bytes(cv2.imencode(Path(name).suffix, data, quality)[1].tobytes())

    def _view(self, subject_id, side, drawn, unit, *, hole: bool) -> None:
        width, height = self.size
        box = [(0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9)]
        part = [(0.3, 0.3), (0.4, 0.3), (0.4, 0.42), (0.3, 0.42)]
        view = HalfView(
            subject_id=subject_id, side=side, baseline_visit=VISITS[0], follow_up_visit=VISITS[1],
            baseline_date=dt.date(2024, 1, 8), follow_up_date=dt.date(2024, 4, 8),
            box=(10, 20, 10 + width, 20 + height), width_px=width, height_px=height,
            mm_per_px=unit, letters=("R", "L"),
            baseline_picture=f"views/{subject_id}_{side}_baseline.jpg",
            follow_up_picture=f"views/{subject_id}_{side}_follow_up.jpg",
            residual_picture=f"views/{subject_id}_{side}_residual.png",
            residual_mm=(0.0, 0.5), thumbnail=f"views/{subject_id}_{side}_thumb.jpg",
            eyes_hidden=False,
            regions=(tuple((x * width, y * height) for x, y in box),),
            scars=tuple(drawn),
            excluded=(ViewExcluded(visit="baseline", cause="deep_shadow", rings=(
                tuple((x * width, y * height) for x, y in part),)),) if hole else (),
        )  # fmt: skip
        text = json.dumps(view.model_dump(mode="json"), sort_keys=True)
        (self.out / f"views/{subject_id}_{side}.json").write_text(text, encoding="utf-8")


def made_study(out: Path, subjects: int = 2, **settings: Any) -> MadeRun:
    """Both halves of some subjects; not yet written."""
    made = MadeRun(out, **settings)
    for number in range(1, subjects + 1):
        for side in SIDES:
            flags = "blurred;no_scar_found" if number % 3 == 1 and side == "left" else ""
            made.half(f"P{number:02}", side, flags=flags, seed=number, hole=side == "left")
    return made
