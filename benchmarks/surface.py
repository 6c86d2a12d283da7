"""Millimetres on the skin: landmarks, surface and measurable skin of real faces.

1. Landmarks: found, and how far the pupils are off, on photographs as published and on the same
   turned by up to 30° and scaled by 0.3 to 2.
2. Surface: photographs from the front are turned in depth by 0 to 45° (a surface through the
   landmarks, textured with the photograph), the landmark net runs on the result, and the area of
   patches is compared with the truth. The depth of the truth is the net's own, or the canonical
   face's, or that made 12 % deeper or shallower: nobody knows these people's true shape.
3. Perspective: one person photographed from near and farther, millimetres from the iris.
4. Measurable skin: what is left out of clear faces, and of scars that readers traced.

Run:  python benchmarks/surface.py [--people N] [--figure]
"""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

import numpy as np
from _common import print_table, require, write_json
from _faces import names
from _surface_figure import draw_figure
from _turned import carried, relief_of, seen_area, turned

import scarmetrics as sm
from scarmetrics.config import FaceConfig
from scarmetrics.face.measurable import measurable_skin
from scarmetrics.face.mesh import mesh_triangles, mirror_order, posed_face
from scarmetrics.face.surface import mesh_surface
from scarmetrics.models import SIDES
from scarmetrics.opencv import cv2
from scarmetrics.phantom import astronaut_face

if TYPE_CHECKING:
    from pathlib import Path

    from scarmetrics.models import Image, Mask

YAWS = (0, 15, 30, 45)
WORKING_IPD_PX = 90
MAX_TILT_DEG = 60.0
LEAST_PATCH_PX = 120
IRIS_MM = 11.7
RIGHT_CHEEK = (116, 117, 118, 101, 36, 205, 187, 123)
LOW_RIGHT_CHEEK = (147, 187, 207, 214, 135, 138, 215, 177)
FOREHEAD = (67, 69, 66, 107, 9, 336, 296, 299, 297, 338, 10, 109)
CHIN = (194, 201, 200, 421, 418, 396, 175, 171)
PHONE_FOCAL_PX = 1153  # of 1536: the usual 26 mm equivalent of a telephone's main camera


def mirrored(ring: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(mirror_order()[list(ring)].tolist())


PATCHES = {
    "right cheek": RIGHT_CHEEK,
    "left cheek": mirrored(RIGHT_CHEEK),
    "low right cheek": LOW_RIGHT_CHEEK,
    "low left cheek": mirrored(LOW_RIGHT_CHEEK),
    "forehead": FOREHEAD,
    "chin": CHIN,
}
FACING = ("left cheek", "low left cheek", "forehead", "chin")  # at a positive yaw


def read(path: Path) -> Image:
    return cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)


def path_of(name: str) -> Path:
    group, _, code = name.partition("-")
    return require("faces") / group / (f"{code}_03.jpg" if group == "london" else f"{code}.jpg")


def filled(landmarks: np.ndarray, ring: tuple[int, ...], shape: tuple[int, int]) -> Mask:
    canvas = np.zeros(shape, np.uint8)
    points = np.rint(16 * landmarks[list(ring), :2]).astype(np.int32)
    cv2.fillPoly(canvas, [points], 1, cv2.LINE_8, 4)
    return canvas > 0


# --- landmarks ---


def pupil_errors(name: str, rng: np.random.Generator | None) -> list[float] | None:
    """Distance of both pupils from the published ones, over their own distance; None: not found."""
    path = path_of(name)
    image = read(path)
    lines = path.with_suffix(".tem").read_text(encoding="utf-8").splitlines()[1:3]
    pupils = np.array([line.split()[:2] for line in lines], float)
    if rng is not None:
        turn, zoom = rng.uniform(-30, 30), float(np.exp(rng.uniform(np.log(0.3), np.log(2))))
        rows, cols = image.shape[:2]
        size = (round(1.2 * zoom * cols), round(1.2 * zoom * rows))
        matrix = cv2.getRotationMatrix2D(((cols - 1) / 2, (rows - 1) / 2), turn, zoom)
        matrix[:, 2] += (np.array(size) - (cols, rows)) / 2
        if zoom < 1:
            image = cv2.GaussianBlur(image, (0, 0), 0.4 / zoom)
        image = cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE)
        pupils = pupils @ matrix[:, :2].T + matrix[:, 2]
    face = sm.detect_face(image)
    if not face:
        return None
    off = np.hypot(*(face.landmarks[[468, 473], :2] - pupils).T)
    return (off / np.hypot(*(pupils[1] - pupils[0]))).tolist()


def landmark_leg(chosen: list[str]) -> dict[str, Any]:
    figures = {}
    for label, moved in (("as published", False), ("turned and scaled", True)):
        rng = np.random.default_rng(5)
        found = [pupil_errors(name, rng if moved else None) for name in chosen]
        errors = 100 * np.array([error for pair in found if pair for error in pair])
        figures[label] = {
            "faces": len(found),
            "found": sum(pair is not None for pair in found),
            "pupil_error_pct": np.quantile(errors, [0.5, 0.95, 1.0]).tolist(),
        }
    return figures


# --- surface ---


def small_face(image: Image) -> tuple[Image, sm.Face]:
    """A photograph reduced to a working size, and its face."""
    face = sm.detect_face(image)
    zoom = WORKING_IPD_PX / face.interpupillary_px
    image = cv2.resize(image, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
    room = image.shape[1] // 4  # a turned head needs more width
    image = cv2.copyMakeBorder(image, 0, 0, room, room, cv2.BORDER_REPLICATE)
    return image, sm.detect_face(image)


def depths(face: sm.Face) -> dict[str, np.ndarray]:
    canonical = posed_face(face.landmarks, (0.0, 0.0))[:, 2]
    return {
        "the net's": face.landmarks[:468, 2],
        "canonical": canonical,
        "12 % deeper": 1.12 * canonical,
        "12 % shallower": 0.88 * canonical,
    }


def true_surface(
    face: sm.Face, depth: np.ndarray, pivot: tuple[float, float], yaw_deg: float
) -> Any:
    cos, sin = np.cos(np.radians(yaw_deg)), np.sin(np.radians(yaw_deg))
    x, z = face.landmarks[:468, 0] - pivot[0], depth - pivot[1]
    vertices = np.column_stack(
        [cos * x + sin * z + pivot[0], face.landmarks[:468, 1], cos * z - sin * x]
    )
    return mesh_surface(vertices, mesh_triangles(), face.shape)


def surface_rows(name: str, image: Image, face: sm.Face) -> list[dict[str, Any]]:
    """Errors of area per shape, yaw and patch."""
    rows = []
    labels = np.zeros(face.shape, int)
    for i, patch in enumerate(PATCHES, start=1):
        labels[filled(face.landmarks, PATCHES[patch], face.shape)] = i
    half = np.where(face.skin_mask("left"), 1, 0)
    for shape, depth in depths(face).items():
        relief = relief_of(image, face, depth)
        for yaw_deg in YAWS:
            shown, source = turned(relief, yaw_deg)
            found = sm.detect_face(shown)
            row = {"name": name, "shape": shape, "yaw": yaw_deg}
            if not found:
                rows.append(row | {"found": False})
                continue
            factors = {
                "flat": np.ones(face.shape, np.float32),
                "net": found.surface_factor(),
                "true mesh": true_surface(face, depth, relief.pivot, yaw_deg).factor(),
            }
            truth = seen_area(relief, source)
            skin = (truth > 0) & (truth < 1 / np.cos(np.radians(MAX_TILT_DEG)))
            keep = [i for i, patch in enumerate(PATCHES, start=1) if patch in FACING]
            for what, where, wanted in (("patch", labels, keep), ("half", half, [1])):
                here = np.where(skin, carried(where, source), 0).ravel()
                true = np.bincount(here, truth.ravel(), minlength=max(wanted) + 1)
                for method, factor in factors.items():
                    got = np.bincount(here, factor.ravel(), minlength=len(true))
                    row[f"{what} {method}"] = [
                        float(got[i] / true[i] - 1) for i in wanted if true[i] > LEAST_PATCH_PX
                    ]
            rows.append(row | {"found": True, "yaw_found": found.yaw_deg})
    return rows


def surface_leg(chosen: list[str]) -> list[dict[str, Any]]:
    rows = []
    for name in chosen:
        image, face = small_face(read(path_of(name)))
        rows += surface_rows(name, image, face)
        print(f"  {name}", flush=True)
    return rows


def percent(errors: np.ndarray) -> str:
    return f"{100 * np.mean(errors):+.1f} ± {100 * np.std(errors):.1f}"


def print_surface(rows: list[dict[str, Any]]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    seen = [row for row in rows if row["found"]]
    for what in ("patch", "half"):
        table = []
        for shape in dict.fromkeys(row["shape"] for row in seen):
            for yaw in YAWS:
                own = [row for row in seen if (row["shape"], row["yaw"]) == (shape, yaw)]
                errors = {
                    method: np.concatenate([row[f"{what} {method}"] for row in own])
                    for method in ("flat", "net", "true mesh")
                }
                table.append((shape, f"{yaw}°", *(percent(e) for e in errors.values()),
                              f"{100 * np.median(np.abs(errors['net'])):.1f}"))  # fmt: skip
                for method, e in errors.items():
                    figures[f"{what}, {shape}, {yaw}, {method}"] = [float(e.mean()), float(e.std())]
        print_table(
            f"Error of the area of a {what}, %, mean ± sd",
            ("depth of the truth", "yaw", "flat", "net", "true mesh", "net: median |error|"),
            table,
        )
    every = np.concatenate([row["half net"] for row in seen])
    figures["half_rms"] = float(np.sqrt(np.mean(every**2)))
    print(f"root mean square error of the area of a half: {100 * figures['half_rms']:.1f} %")
    print(f"turned faces found: {len(seen)} of {len(rows)}")
    return figures


# --- perspective ---


def perspective_leg() -> dict[str, Any]:
    """Areas of the same patches in four photographs of one person from different distances."""
    shots = []
    for path in sorted((require("faces") / "zoom").glob("*.jpg")):
        image = read(path)
        face = sm.detect_face(image)
        iris_px = np.mean(
            [
                np.hypot(*(face.landmarks[a, :2] - face.landmarks[b, :2]))
                for a, b in ((469, 471), (474, 476))
            ]
        )
        shots.append((float(path.stem.removesuffix("cm")) * 10, face, IRIS_MM / iris_px))
    ways = {
        "flat": lambda _: None,
        "curved, far camera": lambda _: None,
        "curved, distance as stated": lambda shot: shot[0],
        "curved, distance by one focal length": lambda shot: PHONE_FOCAL_PX * shot[2],
    }
    figures, table = {}, []
    for way, distance_of in ways.items():
        areas = []
        for shot in shots:
            _, face, mm_per_px = shot
            distance_mm = distance_of(shot)
            config = FaceConfig(camera_distance_mm=distance_mm)
            near = sm.Face(**{**vars_of(face), "config": config})
            factor = near.surface_factor(mm_per_px)
            if way == "flat":
                factor = np.ones_like(factor)
            areas.append([
                float(factor[filled(face.landmarks, ring, face.shape)].sum() * mm_per_px**2)
                for ring in PATCHES.values()
            ])  # fmt: skip
        spread = np.std(areas, axis=0) / np.mean(areas, axis=0)
        figures[way] = {"areas_mm2": areas, "cv": spread.tolist()}
        totals = [f"{sum(a):.0f}" for a in areas]
        table.append((way, *totals, f"{100 * np.mean(spread):.1f}", f"{100 * np.max(spread):.1f}"))
    print_table(
        "One person from four distances: area of six patches, mm², scale from the iris",
        ("way", *(f"{shot[0] / 10:.0f} cm" for shot in shots), "mean CV %", "largest CV %"),
        table,
    )
    print_table(
        "What the iris says of the distances",
        ("stated, cm", "mm/px", "pupils, mm", "cm by one focal length"),
        [
            (f"{d / 10:.0f}", f"{mm:.4f}", f"{mm * face.interpupillary_px:.1f}",
             f"{PHONE_FOCAL_PX * mm / 10:.0f}")
            for d, face, mm in shots
        ],
    )  # fmt: skip
    return figures


def vars_of(face: sm.Face) -> dict[str, Any]:
    return {name: getattr(face, name) for name in face.__dataclass_fields__}


# --- measurable skin ---


def measurable_leg(chosen: list[str]) -> dict[str, Any]:
    shares: list[dict[str, float]] = []
    for name in chosen:
        image = read(path_of(name))
        face = sm.detect_face(image)
        for side in SIDES:
            regions = face.regions(side)
            found = measurable_skin(
                image, regions > 0, mm_per_px=63 / face.interpupillary_px, darkest=0.4,
                untilted=face.surface().within(60.0), bearded=np.isin(regions, [5, 6, 7]),
            )  # fmt: skip
            shares.append(dict(found.excluded))
    rows = [
        (cause, *(f"{100 * q:.2f}" for q in np.quantile([s[cause] for s in shares], [0.5, 0.9, 1])))
        for cause in shares[0]
    ]
    print_table(
        "Skin left out of the halves of clear faces, %", ("cause", "median", "p90", "max"), rows
    )
    lost, total = traced_scars_lost()
    print(f"traced scar pixels left out: {100 * lost / total:.2f} %")
    return {"shares": shares, "traced_scars_lost": lost / total}


def traced_scars_lost() -> tuple[int, int]:
    folder = require("scars")
    readers = [json.loads((folder / f"reader_{r}.json").read_text(encoding="utf-8")) for r in "AB"]
    lost = total = 0
    for number in readers[0]:
        image = read(folder / f"{number}.jpg")
        scars = np.zeros(image.shape[:2], np.uint8)
        for reader in readers:
            for x, y, rx, ry, turn in reader[number]:
                cv2.ellipse(scars, ((x, y), (2 * rx, 2 * ry), turn), 1, -1)
        every = np.ones(image.shape[:2], bool)
        found = measurable_skin(
            image, every, mm_per_px=0.2, darkest=0.4, untilted=every, bearded=every
        )
        lost += int((~found.mask & (scars > 0)).sum())
        total += int(scars.sum())
    return lost, total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=None, help="the first N only")
    parser.add_argument("--turned", type=int, default=8, help="people that are turned in depth")
    parser.add_argument("--figure", action="store_true", help="write docs/images/surface.png anew")
    options = parser.parse_args()
    chosen = names()[: options.people]
    landmarks = landmark_leg(chosen)
    print_table(
        "Landmarks: pupils off by % of the interpupillary distance",
        ("photographs", "faces", "found", "median", "p95", "largest"),
        [
            (label, f["faces"], f["found"], *(f"{value:.2f}" for value in f["pupil_error_pct"]))
            for label, f in landmarks.items()
        ],
    )
    perspective = perspective_leg()
    measurable = measurable_leg(chosen)
    print(f"turning {min(options.turned, len(chosen))} people")
    rows = surface_leg(chosen[: options.turned])
    surface = print_surface(rows)
    if options.figure:
        draw_figure(rows, YAWS, *small_face(astronaut_face(1, 0.4).image))
    write_json(
        "surface",
        {
            "landmarks": landmarks,
            "perspective": perspective,
            "measurable": measurable,
            "surface": surface,
        },
    )


if __name__ == "__main__":
    main()
