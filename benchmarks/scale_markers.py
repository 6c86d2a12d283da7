"""Scale from printed markers and colour charts, rendered into real faces at known tilt and size.

Each print hangs in space beside or on the face, at a random place, direction of tilt and distance
from the camera that the method is not told, is blurred, given noise and a camera's tone curve, and
saved as JPEG. The irises' scale is only compared with the usual distance between pupils, because
no true scale of these photographs is known.

Run:  python benchmarks/scale_markers.py [--people N]
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from _common import print_table, write_json
from _faces import load, names

from scarmetrics.phantom import Exposure, expose
from scarmetrics.phantom.light import decode, encode
from scarmetrics.phantom.prints import Print, View, chart_print, marker_print, place_print
from scarmetrics.scale import PlaneScale, ScaleNotFound, find_colorchecker, find_marker, iris_scale
from scarmetrics.scale.marker import predefined
from scarmetrics.units import NOMINAL_INTERPUPILLARY_MM, PixelScale

if TYPE_CHECKING:
    from collections.abc import Callable

    from _faces import Person

    from scarmetrics.models import Image

TILTS_DEG = (0, 15, 30, 45)
SIZES_MM = (10.0, 15.0, 20.0)
DICTIONARIES = ("aruco_4x4_50", "aruco_6x6_250", "apriltag_36h11")
PITCH_MM = 12.0
MEDIAN_TARGET, WORST_TARGET = 0.01, 0.03

Row = dict[str, float | str | None]


@dataclass(frozen=True)
class Try:
    """One print in one photograph."""

    kind: str
    size_px: float
    tilt_deg: int
    error: float | None  # relative, of mm per px
    rel_sd: float | None
    reason: str


def photographed(image: Image, thing: Print, view: View, rng: np.random.Generator) -> Image:
    """The face with the print, through a camera whose tone curve is not quite sRGB."""
    blur_px, light = rng.uniform(0.5, 1.2), rng.uniform(0.4, 0.9)
    placed = place_print(image, thing, view, light=light, blur_px=blur_px)
    toned = encode(decode(placed) ** np.float32(rng.uniform(0.85, 1.18)), np.uint8)
    quality = int(rng.integers(80, 96))
    return expose(toned, Exposure(jpeg_quality=quality), seed=int(rng.integers(2**31)))


def view_on(person: Person, tilt_deg: int, rng: np.random.Generator, margin_px: float) -> View:
    """Somewhere on the face or beside it, wholly inside the photograph."""
    rows, cols = person.image.shape[:2]
    x0, y0, x1, y1 = person.face.box
    low = np.maximum([x0 - margin_px / 2, y0], margin_px)
    high = np.minimum([x1 + margin_px / 2, y1], [cols - margin_px, rows - margin_px])
    x, y = rng.uniform(low, np.maximum(high, low + 1))
    return View(
        centre_px=(float(x), float(y)),
        mm_per_px=person.mm_per_px,
        tilt_deg=tilt_deg,
        azimuth_deg=rng.uniform(0, 360),
        turn_deg=rng.uniform(0, 360),
        distance_mm=rng.uniform(500, 1500),
        axis_px=((cols - 1) / 2, (rows - 1) / 2),
    )


def tried(
    kind: str,
    size_px: float,
    view: View,
    find: Callable[[], PlaneScale | ScaleNotFound],
) -> Try:
    found = find()
    if isinstance(found, ScaleNotFound):
        return Try(kind, size_px, round(view.tilt_deg), None, None, found.reason_code)
    error = found.mm_per_px / view.mm_per_px - 1
    return Try(kind, size_px, round(view.tilt_deg), error, found.rel_sd, "")


def person_tries(person: Person) -> list[Try]:
    rng = np.random.default_rng(person.number)
    tries = []
    for tilt in TILTS_DEG:
        for size in SIZES_MM:
            for name in DICTIONARIES:
                dictionary = predefined(name)
                number = int(rng.integers(50))
                thing = marker_print(size, dictionary=dictionary, marker_id=number)
                size_px = size / person.mm_per_px
                view = view_on(person, tilt, rng, 0.9 * size_px + 8)
                image = photographed(person.image, thing, view, rng)
                tries.append(
                    tried(
                        name,
                        size_px,
                        view,
                        lambda image=image, size=size, name=name: find_marker(
                            image, size_mm=size, dictionary=name
                        ),
                    )
                )
        pitch_px = PITCH_MM / person.mm_per_px
        view = view_on(person, tilt, rng, 4.2 * pitch_px)
        image = photographed(person.image, chart_print(PITCH_MM), view, rng)
        tries.append(
            tried(
                "colorchecker",
                pitch_px,
                view,
                lambda image=image: find_colorchecker(image, pitch_mm=PITCH_MM),
            )
        )
    return tries


def summary(tries: list[Try], **labels: str | float) -> Row:
    errors = np.array([one.error for one in tries if one.error is not None])
    sds = np.array([one.rel_sd for one in tries if one.rel_sd is not None])
    return {
        **labels,
        "tries": len(tries),
        "found_share": len(errors) / len(tries),
        "median_error": float(np.median(np.abs(errors))) if len(errors) else None,
        "worst_error": float(np.abs(errors).max()) if len(errors) else None,
        "bias": float(errors.mean()) if len(errors) else None,
        "within_2_sd": float(np.mean(np.abs(errors) < 2 * sds)) if len(errors) else None,
    }


def tables(tries: list[Try]) -> list[Row]:
    markers = [one for one in tries if one.kind != "colorchecker"]
    rows = [
        summary([one for one in markers if one.tilt_deg == tilt], what="markers", tilt_deg=tilt)
        for tilt in TILTS_DEG
    ]
    for low, high in ((0, 30), (30, 40), (40, 60), (60, 90), (90, 1000)):
        part = [one for one in markers if low <= one.size_px < high]
        if part:
            rows.append(summary(part, what=f"markers of {low} to {high} px", tilt_deg="all"))
    for name in DICTIONARIES:
        part = [one for one in markers if one.kind == name]
        rows.append(summary(part, what=name, tilt_deg="all"))
    for tilt in TILTS_DEG:
        part = [one for one in tries if one.kind == "colorchecker" and one.tilt_deg == tilt]
        rows.append(summary(part, what="colorchecker", tilt_deg=tilt))
    return rows


def percent(value: float | str | None) -> str:
    return f"{100 * value:.2f}" if isinstance(value, float) else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=None, help="the first N only")
    chosen = names()[: parser.parse_args().people]
    tries: list[Try] = []
    pupils_mm: dict[str, list[float]] = {"london": [], "canada": []}
    for name in chosen:
        person = load(name)
        tries += person_tries(person)
        iris = iris_scale(person.face.landmarks, person.face.yaw_deg)
        if isinstance(iris, PixelScale):
            group = name.partition("-")[0]
            pupils_mm[group].append(iris.mm_per_px * person.face.interpupillary_px)
    rows = tables(tries)
    print_table(
        f"Scale from prints in {len(chosen)} real faces, relative error in %",
        ("what", "tilt", "tries", "found %", "median", "worst", "bias", "within 2 sd %"),
        [
            (
                row["what"], row["tilt_deg"], row["tries"], percent(row["found_share"]),
                percent(row["median_error"]), percent(row["worst_error"]), percent(row["bias"]),
                percent(row["within_2_sd"]),
            )
            for row in rows
        ],
    )  # fmt: skip
    reasons = sorted({one.reason for one in tries if one.reason})
    print_table(
        "Not found, and why",
        ("reason", "number"),
        [(code, sum(one.reason == code for one in tries)) for code in reasons],
    )
    print_table(
        f"Distance between the pupils by the iris's scale, mm (usual: {NOMINAL_INTERPUPILLARY_MM})",
        ("faces", "number", "median", "sd"),
        [
            (group, len(mm), f"{np.median(mm):.1f}", f"{np.std(mm):.1f}")
            for group, mm in pupils_mm.items()
            if mm
        ],
    )
    errors = np.abs([one.error for one in tries if one.error is not None])
    median, worst = float(np.median(errors)), float(errors.max())
    met = median <= MEDIAN_TARGET and worst <= WORST_TARGET
    print(
        f"\nAll: median {100 * median:.2f} %, worst {100 * worst:.2f} %; targets "
        f"{100 * MEDIAN_TARGET:g} % and {100 * WORST_TARGET:g} %: {'met' if met else 'MISSED'}"
    )
    write_json("scale_markers", {"rows": rows, "pupils_mm": pupils_mm, "targets_met": met})


if __name__ == "__main__":
    main()
