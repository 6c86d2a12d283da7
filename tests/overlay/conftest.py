"""A half with painted scars of every fate, without a face detector in the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from scarmetrics.config import FaceConfig
from scarmetrics.face import Face
from scarmetrics.face.measurable import CAUSES, MEASURABLE
from scarmetrics.face.regions import LEFT_BROW, LEFT_EYE, MIDLINE, RIGHT_BROW, RIGHT_EYE
from scarmetrics.measure import compare, match_scars, measure_labels
from scarmetrics.pipeline import HalfResult, Pair, VisitResult
from scarmetrics.registration import Registration
from scarmetrics.segmentation import ScarLabels
from scarmetrics.units import PixelScale

ROWS, COLS = 240, 200
SHIFT = np.array([6.0, 4.0])  # where the follow-up shows the baseline's skin
SCALE = PixelScale(0.3, 0.02, "api")
# x, y, radius at the baseline and at the follow-up; None: not there
SCARS = {
    "persisted": ((50, 120), 5, 5),
    "shrunk": ((70, 150), 9, 4),
    "grown": ((50, 175), 4, 9),
    "healed": ((80, 185), 5, None),
    "new": ((75, 115), None, 5),
}


def disc(shape: tuple[int, int], centre: np.ndarray, radius: float) -> np.ndarray:
    y, x = np.mgrid[: shape[0], : shape[1]]
    return np.hypot(x - centre[0], y - centre[1]) <= radius


def _face(shift: np.ndarray) -> Face:
    landmarks = np.zeros((478, 3))
    landmarks[:, :2] = (100, 120)
    landmarks[list(MIDLINE), 0] = 100
    landmarks[list(MIDLINE), 1] = np.linspace(10, 230, len(MIDLINE))
    for ring, x in ((RIGHT_EYE + RIGHT_BROW, 60), (LEFT_EYE + LEFT_BROW, 140)):
        angle = np.linspace(0, 2 * np.pi, len(ring), endpoint=False)
        landmarks[list(ring), :2] = np.column_stack(
            [x + 15 * np.cos(angle), 70 + 8 * np.sin(angle)]
        )
    landmarks[468, :2], landmarks[473, :2] = (60, 70), (140, 70)
    landmarks[:, :2] += shift
    return Face(landmarks, 1.0, 0.0, 0.0, 0.0, (ROWS, COLS), (), FaceConfig())


def _registration() -> Registration:
    eye = np.eye(2, 3)
    flow = np.zeros((ROWS, COLS, 2), np.float32)
    return Registration(
        fixed_shape=(ROWS, COLS),
        moving_shape=(ROWS, COLS),
        fixed_to_work=eye,
        work_to_moving=np.column_stack([np.eye(2), SHIFT]),
        flow=flow,
        inverse_flow=flow,
        error_mm=np.zeros((ROWS, COLS), np.float32),
        believed=np.ones((ROWS, COLS), bool),
        texture_agreement=1.0,
        likeness=2.0,
        mm_per_px=0.3,
    )


def _visit(
    index: int, scale: PixelScale | None, roi: np.ndarray, fates: tuple[str, ...]
) -> tuple[np.ndarray, VisitResult]:
    """Photograph and result of one visit."""
    labels = np.zeros((ROWS, COLS), np.int32)
    for fate in fates:
        centre, *radii = SCARS[fate]
        if radii[index] is not None:
            labels[disc(labels.shape, centre + SHIFT * index, radii[index])] = labels.max() + 1
    count = int(labels.max())
    found = ScarLabels(labels, np.full(count, 0.3), np.full(count, 0.2), 0.02)
    flat = np.broadcast_to(np.float32(1), labels.shape)
    ramp = 120 + np.arange(COLS)[None, :, None] * np.array([0.4, 0.3, 0.2])
    image = np.where(labels[..., None] > 0, 0.6 * ramp, ramp).astype(np.uint8)
    flags = ("flat_surface", *(() if count else ("no_scar_found",)))
    if scale is None:
        flags += ("no_scale",)
    return image, VisitResult(labels, roi, measure_labels(found, roi, flat, scale), scale, flags)


# cause, index of the visit, (x0, y0, x1, y1)
LeftOutPatch = tuple[str, int, tuple[int, int, int, int]]


def _states(roi: np.ndarray, index: int, patches: tuple[LeftOutPatch, ...]) -> np.ndarray:
    """Skin with patches that cannot be measured; boxes in px of that visit."""
    states = roi.astype(np.uint8) * MEASURABLE
    for cause, at, (x0, y0, x1, y1) in patches:
        if at == index:
            states[y0:y1, x0:x1] = MEASURABLE + 1 + CAUSES.index(cause)
    return states


def _half(
    *,
    scale: PixelScale | None = SCALE,
    fates: tuple[str, ...] = tuple(SCARS),
    flags: tuple[str, ...] = (),
    roi_box: tuple[int, int, int, int] = (20, 40, 98, 210),
    dtype: type = np.uint8,
    left_out: tuple[LeftOutPatch, ...] | None = None,
) -> tuple[Pair, HalfResult]:
    images, visits = [], []
    for index in range(2):
        x0, y0, x1, y1 = roi_box
        dx, dy = (SHIFT * index).astype(int)
        roi = np.zeros((ROWS, COLS), bool)
        roi[y0 + dy : y1 + dy, x0 + dx : x1 + dx] = True
        states = None
        if left_out is not None:
            states = _states(roi, index, left_out)
            roi &= states == MEASURABLE
        image, visit = _visit(index, scale, roi, fates)
        visit = replace(visit, skin_states=states)
        images.append(image if dtype == np.uint8 else image.astype(np.uint16) * 257)
        visits.append(visit)
    before, after = visits
    registration = _registration()
    pair = Pair(
        images=(images[0], images[1]),
        faces=(_face(0 * SHIFT), _face(SHIFT)),
        scales=(scale, scale),
        detection_mm_per_px=(0.3, 0.3),
        registration=registration,
    )
    result = HalfResult(
        side="right",
        baseline=before,
        follow_up=after,
        change=compare(before.measurement, after.measurement, scale, scale),
        matches=match_scars(
            before.labels,
            after.labels,
            before.measurement.scars,
            after.measurement.scars,
            registration=registration,
            area_ratio=1.0,
        ),
        registration=registration,
        residual_px=0.1,
        residual_mm=None if scale is None else 0.03,
        registered_fraction=1.0,
        flags=tuple(sorted({*before.flags, *after.flags, *flags})),
    )
    return pair, result


@pytest.fixture
def make_half() -> Callable[..., tuple[Pair, HalfResult]]:
    """Builder of a pair and its right half."""
    return _half
