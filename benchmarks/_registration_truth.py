"""Pairs of photographs with known correspondence: keypoints, known warps, scars that shrink."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from _common import require
from scipy.spatial import cKDTree
from skimage.io import imread

import scarmetrics as sm
from scarmetrics.models import SIDES
from scarmetrics.opencv import cv2
from scarmetrics.phantom import Light, draw_exposure, expose, render, scar_field
from scarmetrics.phantom.warps import Warp, draw_waves
from scarmetrics.registration.frame import working_frame
from scarmetrics.registration.start import face_subject, start_from_landmarks
from scarmetrics.units import NOMINAL_INTERPUPILLARY_MM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.models import Image, Mask, Points
    from scarmetrics.phantom import Scar

MAX_WARP_PX = 12.0  # of the non-rigid part, at the resolution of canada
_MAX_WARP_MM = 12 * 0.177
_WAVES_MM = (35.0, 120.0)
_ROLL_DEG, _ZOOM, _SHIFT_MM = 5.0, 0.05, 4.0
_NOISE = (0.002, 0.015)  # standard deviation where the picture is white, linear light
_JPEG = (70, 95)

# keypoints, chosen for the least error on known warps
_CONTRAST, _EDGE = 0.02, 5
_GATE_MM = 5.0  # around where the landmarks say
_RATIO = 0.7
_SCALES = 1.43  # of two keypoints' sizes
_NEIGHBOURS_MM = (1.0, 15.0)
_NEIGHBOURS_AGREE_MM = 1.0


@dataclass(frozen=True, eq=False)
class Pair:
    """Two photographs of one face.

    Attributes
    ----------
    name : str
        Of the person.
    images : tuple of ndarray of uint8, shape (M, N, 3)
        Fixed and moving.
    faces : tuple of Face
        Theirs.
    """

    name: str
    images: tuple[Image, Image]
    faces: tuple[sm.Face, sm.Face]

    @property
    def mm_per_px(self) -> float:
        """Of the fixed photograph, from 63 mm between the pupils."""
        return float(NOMINAL_INTERPUPILLARY_MM / self.faces[0].interpupillary_px)

    @property
    def skin(self) -> Mask:
        """Of the fixed photograph, both sides."""
        return self.faces[0].skin_mask("left") | self.faces[0].skin_mask("right")


def face_of(image: Image) -> sm.Face:
    """The face of a published photograph, or an end."""
    face = sm.detect_face(image)
    if not face:
        raise SystemExit(f"no face in a published photograph: {face.reason}")
    return face


def london_pairs(count: int | None = None) -> list[str]:
    """Codes of the people photographed neutral and smiling."""
    folder = require("faces") / "london"
    return sorted(path.name[:3] for path in folder.glob("*_08.jpg"))[:count]


def load_london(code: str) -> Pair:
    """A person neutral (fixed) and smiling (moving)."""
    folder = require("faces") / "london"
    images = (imread(folder / f"{code}_03.jpg"), imread(folder / f"{code}_08.jpg"))
    return Pair(f"london-{code}", images, (face_of(images[0]), face_of(images[1])))


def keypoint_matches(pair: Pair) -> tuple[Points, Points]:
    """Places of the same skin in both photographs, which no method under test has seen.

    SIFT keypoints of the fixed photograph and of the moving one brought near it by the landmarks;
    a match is mutual, passes the ratio test against all others around where the landmarks say,
    and moves like at least half of its neighbours.

    Returns
    -------
    tuple of ndarray of float64, shape (K, 2)
        (x, y) in the fixed and in the moving photograph.
    """
    box = pair.faces[0].box
    to_box, size = working_frame(box, 1.0)
    subjects = [face_subject(i, f) for i, f in zip(pair.images, pair.faces, strict=True)]
    start = start_from_landmarks(subjects[0], subjects[1], to_box, size, mirrored=False)
    assert start is not None
    grid = np.stack(np.meshgrid(np.arange(size[0]), np.arange(size[1])), axis=-1)
    at = cv2.transform((grid + start.flow).astype(np.float32), start.work_to_moving)
    x, y = np.ascontiguousarray(at[..., 0]), np.ascontiguousarray(at[..., 1])
    near = cv2.remap(pair.images[1], x, y, cv2.INTER_CUBIC)
    x0, y0, x1, y1 = box
    skin = pair.skin[y0:y1, x0:x1].astype(np.uint8)
    first = _keypoints(pair.images[0][y0:y1, x0:x1], skin)
    second = _keypoints(near, cv2.dilate(skin, np.ones((15, 15), np.uint8)))
    a, b = _consistent(*_mutual(first, second, pair.mm_per_px), pair.mm_per_px)
    if not len(a):
        return a, b
    # cv2.remap reads (K, 1) maps at single points
    where = [b[:, i].astype(np.float32)[:, None] for i in (0, 1)]
    moving = [cv2.remap(axis, *where, cv2.INTER_LINEAR).ravel() for axis in (x, y)]
    return a + np.array([x0, y0]), np.column_stack(moving).astype(np.float64)


Keypoints = tuple["Points", "NDArray[np.float64]", "NDArray[np.float32]"]


def _keypoints(image: Image, mask: NDArray[np.uint8]) -> Keypoints:
    gray = cv2.createCLAHE(3.0, (8, 8)).apply(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
    sift = cv2.SIFT_create(contrastThreshold=_CONTRAST, edgeThreshold=_EDGE)
    found, words = sift.detectAndCompute(gray, mask)
    xy = np.array([point.pt for point in found], np.float64).reshape(-1, 2)
    return xy, np.array([point.size for point in found]), words


def _mutual(first: Keypoints, second: Keypoints, mm_per_px: float) -> tuple[Points, Points]:
    there, back = _chosen(first, second, mm_per_px), _chosen(second, first, mm_per_px)
    pairs = [
        (i, j)
        for i, j in there.items()
        if j in back and np.hypot(*(first[0][back[j]] - first[0][i])) < 0.5
    ]
    index = np.array(pairs, np.intp).reshape(-1, 2)
    a, b = first[0][index[:, 0]], second[0][index[:, 1]]
    _, single = np.unique(np.round(a, 1), axis=0, return_index=True)  # several orientations
    return a[single], b[single]


def _chosen(first: Keypoints, second: Keypoints, mm_per_px: float) -> dict[int, int]:
    chosen = {}
    for i, near in enumerate(cKDTree(second[0]).query_ball_point(first[0], _GATE_MM / mm_per_px)):
        ratio = second[1][near] / first[1][i]
        candidates = np.array(near, np.intp)[(ratio < _SCALES) & (ratio > 1 / _SCALES)]
        if not len(candidates):
            continue
        distance = np.linalg.norm(second[2][candidates] - first[2][i], axis=1)
        best = int(distance.argmin())
        apart = np.hypot(*(second[0][candidates] - second[0][candidates[best]]).T)
        others = distance[apart > 1.0 / mm_per_px]
        if not len(others) or distance[best] < _RATIO * others.min():
            chosen[i] = int(candidates[best])
    return chosen


def _consistent(a: Points, b: Points, mm_per_px: float) -> tuple[Points, Points]:
    if not len(a):
        return a, b
    moved, keep = b - a, np.zeros(len(a), bool)
    for i, near in enumerate(cKDTree(a).query_ball_point(a, _NEIGHBOURS_MM[1] / mm_per_px)):
        others = np.array(near, np.intp)
        others = others[np.hypot(*(a[others] - a[i]).T) > _NEIGHBOURS_MM[0] / mm_per_px]
        off = np.hypot(*(moved[others] - moved[i]).T) * mm_per_px
        keep[i] = (off < _NEIGHBOURS_AGREE_MM).sum() >= max(2, len(others) / 2)
    return a[keep], b[keep]


@dataclass(frozen=True, eq=False)
class Warped(Pair):
    """A photograph and its warp.

    Attributes
    ----------
    warp : Warp
        From the fixed to the moving photograph.
    scars : tuple of Scar
        Drawn in the fixed one.
    """

    warp: Warp
    scars: tuple[Scar, ...] = ()


def _load(group: str, code: str) -> Image:
    name = f"{code}_03.jpg" if group == "london" else f"{code}.jpg"
    image: Image = imread(require("faces") / group / name)
    return image


def canada_codes(count: int | None = None) -> list[str]:
    """Codes of the larger photographs."""
    return sorted(path.stem for path in (require("faces") / "canada").glob("*.jpg"))[:count]


def draw_warp(rng: np.random.Generator, face: sm.Face, mm_per_px: float) -> Warp:
    """A turn, a change of size, a shift and a smooth bend of up to 12 px on the face."""
    rows, cols = face.shape
    turn = np.radians(rng.uniform(-_ROLL_DEG, _ROLL_DEG))
    zoom = 1 + rng.uniform(-_ZOOM, _ZOOM)
    shift = rng.uniform(-_SHIFT_MM, _SHIFT_MM, 2) / mm_per_px
    centre = np.array([(cols - 1) / 2, (rows - 1) / 2])
    forth = zoom * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    back = np.linalg.inv(forth)
    waves = draw_waves(rng, 1.0, (_WAVES_MM[0] / mm_per_px, _WAVES_MM[1] / mm_per_px))
    x0, y0, x1, y1 = face.box
    largest = np.linalg.norm(waves.on_grid((rows, cols))[y0:y1, x0:x1], axis=-1).max()
    factor = _MAX_WARP_MM / mm_per_px / largest
    waves = replace(waves, amplitudes_px=waves.amplitudes_px * factor)
    return Warp(np.column_stack([back, centre - back @ (centre + shift)]), waves)


def warped_pair(group: str, code: str) -> Warped:
    """A real face and its known warp, both photographed with their own noise and JPEG."""
    image = _load(group, code)
    rng = np.random.default_rng((1, int("".join(filter(str.isdigit, code)))))
    face = face_of(image)
    warp = draw_warp(rng, face, NOMINAL_INTERPUPILLARY_MM / face.interpupillary_px)
    noise = float(np.exp(rng.uniform(*np.log(_NOISE))))
    fixed, moving = (
        _photograph(rng, picture, noise) for picture in (image, warp.warp(image, face.shape))
    )
    return Warped(f"{group}-{code}", (fixed, moving), (face_of(fixed), face_of(moving)), warp)


def _photograph(rng: np.random.Generator, image: Image, noise: float) -> Image:
    exposure = draw_exposure(
        int(rng.integers(2**31)),
        gain_sd=0.12,
        white_balance_sd=0.05,
        noise=noise * float(np.exp(rng.uniform(-0.3, 0.3))),
        jpeg_quality=int(rng.integers(*_JPEG)),
    )
    return expose(image, exposure, seed=int(rng.integers(2**31)))


def shrunk_pairs(group: str, code: str, area_factor: float) -> tuple[Warped, Warped]:
    """A face with drawn scars, unchanged and shrunk in the warped follow-up.

    Light, camera, noise and landmarks are the same in both pairs: only the scars differ.
    """
    image = _load(group, code)
    number = int("".join(filter(str.isdigit, code)))
    rng = np.random.default_rng((2, number))
    face = face_of(image)
    mm_per_px = NOMINAL_INTERPUPILLARY_MM / face.interpupillary_px
    scars = [
        scar
        for i, side in enumerate(SIDES)
        for scar in scar_field(
            face.skin_mask(side), mm_per_px=mm_per_px, seed=2 * number + i,
            area_fraction=0.03, diameter_mm=(1.5, 5.0), confluent_fraction=0.3,
        )
    ]  # fmt: skip
    light = Light(
        light_deg=float(rng.uniform(0, 360)), elevation_deg=float(rng.uniform(25, 45)),
        light_softness=0.3,
    )  # fmt: skip
    warp = draw_warp(rng, face, mm_per_px)
    moved_mm_per_px = mm_per_px * float(np.sqrt(np.linalg.det(warp.matrix[:, :2])))
    smaller = [
        replace(s, rx_mm=s.rx_mm * area_factor**0.5, ry_mm=s.ry_mm * area_factor**0.5)
        for s in scars
    ]
    base = warp.warp(image, face.shape)
    pictures = [render(image, scars, mm_per_px=mm_per_px, light=light).image]
    pictures += [
        render(
            base, warp.transform_scars(shown, mm_per_px, moved_mm_per_px),
            mm_per_px=moved_mm_per_px, light=light,
        ).image
        for shown in (scars, smaller)
    ]  # fmt: skip
    state = rng.bit_generator.state
    taken = [_photograph(rng, pictures[0], 0.006)]
    for picture in pictures[1:]:
        rng.bit_generator.state = state
        rng.integers(2**31, size=8)
        taken.append(_photograph(rng, picture, 0.006))
    faces = (face_of(taken[0]), face_of(taken[1]))
    unchanged, shrunk = (
        Warped(f"{group}-{code}", (taken[0], image), faces, warp, tuple(scars))
        for image in taken[1:]
    )
    return unchanged, shrunk


def outline(scar: Scar, mm_per_px: float, points: int = 24) -> Points:
    """Points (x, y) in px on a scar's outline at half depth, irregularity left aside."""
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    along, across = np.cos(angle) * scar.rx_mm, np.sin(angle) * scar.ry_mm
    turn = np.radians(scar.angle_deg)
    x = (along * np.cos(turn) - across * np.sin(turn)) / mm_per_px
    y = (along * np.sin(turn) + across * np.cos(turn)) / mm_per_px
    return np.column_stack([scar.x_px + x, scar.y_px + y])
