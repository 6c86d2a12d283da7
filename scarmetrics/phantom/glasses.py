"""Spectacles on a photograph of a face: made up, but posed and lit as on that head.

They are built in mm before the landmark model's metric face, carried into the picture with it, and
drawn in linear light: shadow on the skin, lenses with tint, refraction and reflections, then rims,
bridge, pads and the bars to the ears.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from scarmetrics.face.glasses import head_camera
from scarmetrics.opencv import cv2
from scarmetrics.phantom.light import decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scarmetrics.face import Face
    from scarmetrics.models import FloatImage, Image, Points

FrameKind = Literal["thick", "dark", "tortoise", "red", "metal", "wire", "clear", "half", "rimless"]
FRAME_KINDS: tuple[FrameKind, ...] = (
    "thick", "dark", "tortoise", "red", "metal", "wire", "clear", "half", "rimless",
)  # fmt: skip
"""Kinds of spectacles: full rims of plastic and metal, half rims (upper only), none."""

_THICKNESS_MM = {
    "thick": (2.5, 4.0), "dark": (1.2, 2.5), "tortoise": (1.5, 3.0), "red": (1.2, 3.0),
    "metal": (0.9, 1.6), "wire": (0.5, 0.9), "clear": (2.0, 3.5), "half": (1.2, 2.5),
    "rimless": (0.5, 0.8),
}  # fmt: skip
_REFLECTANCE = {
    "thick": (0.02, 0.02, 0.02), "dark": (0.03, 0.03, 0.035), "tortoise": (0.09, 0.035, 0.015),
    "red": (0.22, 0.02, 0.025), "metal": (0.16, 0.15, 0.14), "wire": (0.14, 0.12, 0.09),
    "clear": (0.55, 0.5, 0.45), "half": (0.03, 0.03, 0.035), "rimless": (0.16, 0.15, 0.14),
}  # fmt: skip
_OPACITY = {"clear": 0.35, "rimless": 0.4}
_SHINE = {"metal": 0.6, "wire": 0.5, "rimless": 0.6, "clear": 0.25}
_DEFAULT_SHINE = 0.15

_EAR_MM = np.array([74.0, 18.0, -25.0])  # where a bar ends
_FINE = 4  # subsamples along each axis of a pixel
_SHIFT = 4  # bits of OpenCV's fixed-point coordinates


@dataclass(frozen=True)
class Spectacles:
    """One pair of spectacles, in mm.

    Attributes
    ----------
    kind : str
        One of `FRAME_KINDS`.
    lens_mm : tuple of float
        Width and height of a lens.
    bridge_mm : float
        Between the lenses.
    thickness_mm : float
        Of the rim; for rimless lenses, of their edge.
    squareness : float
        Exponent of the lens's superellipse: 2 is an ellipse, 5 nearly a rectangle.
    drop_mm : float
        How far the lenses' middle lies below the pupils.
    distance_mm : float
        From the model's origin to the frame, towards the camera; the eyes' corners lie at 35.
    glare, tint, shadow : float
        Light that the lens reflects; share that it takes; share that the shadow takes.
    magnification : float
        Of what is seen through a lens.
    light_mm : tuple of float
        How far shadows fall, x and y down.
    """

    kind: FrameKind
    lens_mm: tuple[float, float]
    bridge_mm: float
    thickness_mm: float
    squareness: float
    drop_mm: float
    distance_mm: float
    glare: float
    tint: float
    shadow: float
    magnification: float
    light_mm: tuple[float, float]

    @property
    def lens_centre_mm(self) -> tuple[float, float]:
        """Of the lens on the anatomical left, x and y of the model's face."""
        return (self.lens_mm[0] + self.bridge_mm) / 2, 26.0 - self.drop_mm

    def outline(self, side: int, grow_mm: float = 0.0) -> Points:
        """A lens's outline on the model's face, shape (96, 3); side is 1 for the left, else -1."""
        turn = 2 * np.pi * np.arange(96) / 96
        cos, sin = np.cos(turn), np.sin(turn)
        power = 2 / self.squareness
        half_x, half_y = (0.5 * size + grow_mm for size in self.lens_mm)
        x0, y0 = self.lens_centre_mm
        x = x0 + half_x * np.sign(cos) * np.abs(cos) ** power
        # lenses are narrower at the bottom, towards the nose
        y = half_y * np.sign(sin) * np.abs(sin) ** power
        x = x + 0.12 * np.clip(-y, 0, None) * np.clip(-cos, 0, 1)
        return self.on_frame(np.column_stack([side * x, y0 + y]))

    def on_frame(self, xy_mm: Points) -> Points:
        """Points of the frame in space: bent around the head, leaning in at the bottom."""
        x, y = np.asarray(xy_mm, float).T
        z = self.distance_mm - 6.0 * (x / 65.0) ** 2 + 0.12 * (y - 26.0)
        return np.column_stack([x, y, z])


def draw_spectacles(kind: FrameKind, seed: int) -> Spectacles:
    """Spectacles of a kind, of sizes that are worn.

    Parameters
    ----------
    kind : str
        One of `FRAME_KINDS`.
    seed : int
        The same seed gives the same spectacles.

    Returns
    -------
    Spectacles
    """
    rng = np.random.default_rng([seed, FRAME_KINDS.index(kind)])
    width = rng.uniform(44, 56)
    return Spectacles(
        kind=kind,
        lens_mm=(width, float(np.clip(width * rng.uniform(0.6, 0.95), 28, 50))),
        bridge_mm=rng.uniform(15, 21),
        thickness_mm=rng.uniform(*_THICKNESS_MM[kind]),
        squareness=rng.uniform(2.0, 4.5),
        drop_mm=rng.uniform(0, 5),
        distance_mm=rng.uniform(52, 60),
        glare=rng.choice([0.0, rng.uniform(0.03, 0.4)]),
        tint=rng.uniform(0.03, 0.12),
        shadow=rng.uniform(0.1, 0.35),
        magnification=rng.uniform(0.92, 1.05),
        light_mm=(rng.uniform(-2, 2), rng.uniform(2, 6)),
    )


def wear(
    image: Image, face: Face, glasses: Spectacles, *, blur_px: float = 0.8
) -> tuple[Image, FloatImage]:
    """Put spectacles on a face.

    Parameters
    ----------
    image : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB, sRGB encoded.
    face : Face
        The face in it.
    glasses : Spectacles
        From `draw_spectacles`.
    blur_px : float, optional
        Standard deviation of the photograph's blur.

    Returns
    -------
    image : ndarray of the same shape and type
    covered : ndarray of float32, shape (M, N)
        Share of each pixel behind frame or lens.
    """
    camera = head_camera(face.landmarks)
    px_per_mm = face.interpupillary_px / 63.0
    sides = [side for side in (-1, 1) if _seen(side, face.yaw_deg)]
    lenses = [camera(glasses.outline(side)) for side in (-1, 1)]
    bars = [camera(_bar(glasses, side)) for side in sides]
    points = np.concatenate([*lenses, *bars])
    margin = 10 * px_per_mm
    rows, cols = image.shape[:2]
    x0, y0 = np.clip(np.floor(points.min(axis=0) - margin), 0, [cols - 1, rows - 1]).astype(int)
    x1, y1 = np.clip(np.ceil(points.max(axis=0) + margin), [x0 + 1, y0 + 1], [cols, rows])
    window = np.s_[y0 : int(y1), x0 : int(x1)]
    canvas = _Canvas((int(y1) - y0, int(x1) - x0), np.array([x0, y0]), px_per_mm, blur_px)

    linear = decode(image[window])
    lens = canvas.filled(lenses)
    frame, edge = _frame(canvas, glasses, lenses, bars, camera)
    fall = np.array(glasses.light_mm) * px_per_mm
    shade = canvas.shadow(np.maximum(frame, 0.25 * lens), fall)
    linear = linear * (1 - glasses.shadow * shade)[..., None]
    for outline in lenses:
        linear = _refracted(linear, outline - canvas.corner, glasses.magnification)
    linear = linear * (1 - glasses.tint * lens)[..., None]
    light = float(np.median(linear)) + 0.15
    linear = linear + (lens * glasses.glare * _reflection(canvas, lenses, light))[..., None]
    colour = np.array(_REFLECTANCE[glasses.kind], np.float32) * np.float32(2 * light)
    linear = linear * (1 - frame[..., None]) + colour * frame[..., None]
    shine = np.float32(_SHINE.get(glasses.kind, _DEFAULT_SHINE) * light)
    linear = linear + shine * (frame * edge)[..., None]
    result = image.copy()
    result[window] = encode(linear.astype(np.float32), image.dtype)
    covered = np.zeros(image.shape[:2], np.float32)
    covered[window] = np.maximum(lens, frame)
    return result, covered


def _seen(side: int, yaw_deg: float) -> bool:
    """Whether the bar of a side is seen; the head hides that of the side turned away."""
    return side * yaw_deg > -12.0


def _bar(glasses: Spectacles, side: int) -> Points:
    x0, y0 = glasses.lens_centre_mm
    hinge_x = x0 + glasses.lens_mm[0] / 2
    y = y0 + 0.25 * glasses.lens_mm[1]
    start = glasses.on_frame(np.array([[side * hinge_x, y], [side * (hinge_x + 5), y]]))
    back = start[-1] * np.array([1, 1, 0]) + np.array([0, 0, start[-1, 2] - 6])
    return np.concatenate([start, back[None], _EAR_MM[None] * np.array([side, 1, 1])])


@dataclass(frozen=True)
class _Canvas:
    """Anti-aliased shares of pixels in a window of the photograph."""

    shape: tuple[int, int]
    corner: Points
    px_per_mm: float
    blur_px: float

    def _fine(self, points: Points) -> np.ndarray:
        at = ((points - self.corner + 0.5) * _FINE - 0.5) * (1 << _SHIFT)
        return np.round(at).astype(np.int32)

    def _done(self, canvas: np.ndarray) -> FloatImage:
        small = cv2.resize(canvas, self.shape[::-1], interpolation=cv2.INTER_AREA)
        share = small.astype(np.float32) / 255
        return cv2.GaussianBlur(share, (0, 0), self.blur_px) if self.blur_px > 0 else share

    def _blank(self) -> np.ndarray:
        return np.zeros((self.shape[0] * _FINE, self.shape[1] * _FINE), np.uint8)

    def filled(self, outlines: Sequence[Points]) -> FloatImage:
        canvas = self._blank()
        for outline in outlines:
            cv2.fillPoly(canvas, [self._fine(outline)], 255, cv2.LINE_8, _SHIFT)
        return self._done(canvas)

    def lines(self, lines: Sequence[tuple[Points, bool, float]]) -> FloatImage:
        """Lines of points, closed or not, of a width in mm."""
        canvas = self._blank()
        for points, closed, width_mm in lines:
            width = max(1, round(width_mm * self.px_per_mm * _FINE))
            cv2.polylines(canvas, [self._fine(points)], closed, 255, width, cv2.LINE_8, _SHIFT)
        return self._done(canvas)

    def shadow(self, share: FloatImage, fall_px: Points) -> FloatImage:
        moved = np.array([[1, 0, fall_px[0]], [0, 1, fall_px[1]]], np.float32)
        size = self.shape[::-1]
        soft = cv2.GaussianBlur(share, (0, 0), 1.3 * self.px_per_mm)
        return cv2.warpAffine(soft, moved, size)


def _frame(
    canvas: _Canvas,
    glasses: Spectacles,
    lenses: list[Points],
    bars: list[Points],
    camera: Callable[[Points], Points],
) -> tuple[FloatImage, FloatImage]:
    """How much of each pixel's light the frame takes, and how much of it shines."""
    thick, kind = glasses.thickness_mm, glasses.kind
    x0, y0 = glasses.lens_centre_mm
    if kind == "half":  # the upper half of each outline; below it only the lens's edge
        rims = [(np.roll(lens, 6, axis=0)[:60], False, thick) for lens in lenses]
    else:
        rims = [(lens, True, thick) for lens in lenses]
    strong = max(thick, 1.0)
    inner, height = x0 - glasses.lens_mm[0] / 2, y0 + 0.18 * glasses.lens_mm[1]
    across = np.linspace(-1, 1, 15)
    arc = np.column_stack([inner * across, height + 3.0 * (1 - across**2)])
    fittings = [(camera(glasses.on_frame(arc)), False, strong)]
    for side in (-1, 1):
        pad = np.array([[side * (inner - 1), y0 - 1], [side * (inner - 3), y0 - 8]])
        fittings.append((camera(glasses.on_frame(pad) - [0, 0, 4]), False, 1.2))
    fittings += [(bar, False, max(1.2 * thick, 1.5)) for bar in bars]
    opacity = _OPACITY.get(kind, 1.0)
    solid = opacity if kind == "clear" else 1.0  # rimless lenses hang on metal
    frame = np.maximum(opacity * canvas.lines(rims), solid * canvas.lines(fittings))
    lines = [*rims, *fittings]
    up = np.array([0.2, 0.3]) * thick * canvas.px_per_mm
    edge = canvas.lines([(points - up, closed, 0.3 * width) for points, closed, width in lines])
    return frame, edge


def _refracted(linear: FloatImage, outline: Points, magnification: float) -> FloatImage:
    """What is seen through a lens is larger or smaller, about the lens's middle."""
    rows, cols = linear.shape[:2]
    inside = np.zeros((rows, cols), np.uint8)
    cv2.fillPoly(inside, [np.rint(outline).astype(np.int32)], 1)
    middle = outline.mean(axis=0)
    x, y = np.meshgrid(np.arange(cols, dtype=np.float32), np.arange(rows, dtype=np.float32))
    x, y = ((at - c) / magnification + c for at, c in zip((x, y), middle, strict=True))
    moved = cv2.remap(linear, np.float32(x), np.float32(y), cv2.INTER_LINEAR,
                      borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
    return np.where(inside[..., None] > 0, moved, linear)


def _reflection(canvas: _Canvas, lenses: list[Points], light: float) -> FloatImage:
    """A slanted window of light on each lens."""
    panes = []
    for lens in lenses:
        low, high = lens.min(axis=0), lens.max(axis=0)
        span = high - low
        panes.append(low + span * np.array([[0.55, 0.1], [0.85, 0.1], [0.7, 0.55], [0.45, 0.5]]))
    soft = cv2.GaussianBlur(canvas.filled(panes), (0, 0), 0.8 * canvas.px_per_mm)
    return soft * np.float32(2 * light)
