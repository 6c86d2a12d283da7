"""What lies on skin and is no scar: colour, raised papules, pores, creases, hairs, shine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np

from scarmetrics.opencv import cv2
from scarmetrics.phantom.light import decode, encode
from scarmetrics.phantom.scars import Profile, Scar, window_of
from scarmetrics.photometry import blur

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scarmetrics.models import FloatImage, Image, Mask

MarkKind = Literal[
    "mole", "freckle", "erythema", "papule", "pores", "crease", "hair", "stubble", "highlight"
]
MARK_KINDS: tuple[MarkKind, ...] = get_args(MarkKind)

# Optical density in R, G, B per unit of strength: melanin falls steadily with wavelength,
# haemoglobin hardly touches red.
_MELANIN = (0.45, 1.0, 1.5)
_BLOOD = (0.16, 1.0, 0.85)
_KERATIN = (0.95, 1.0, 1.05)
_MAX_DRAWS = 200


class _Look(NamedTuple):
    """How a kind of mark is drawn and drawn from."""

    profile: Profile
    absorption: tuple[float, float, float]
    radius_mm: tuple[float, float]
    strength: tuple[float, float]
    aspect: tuple[float, float]
    per_cm2: float


_LOOKS: dict[MarkKind, _Look] = {
    "mole": _Look("boxcar", _MELANIN, (0.5, 2.5), (0.35, 1.1), (1.0, 1.4), 0.06),
    "freckle": _Look("rolling", _MELANIN, (0.3, 1.3), (0.06, 0.35), (1.0, 1.7), 1.0),
    "erythema": _Look("ice_pick", _BLOOD, (0.8, 4.5), (0.06, 0.40), (1.0, 1.9), 0.35),
    "papule": _Look("rolling", _BLOOD, (0.7, 2.5), (0.10, 0.45), (1.0, 1.4), 0.15),
    "pores": _Look("rolling", _MELANIN, (4.0, 12.0), (0.05, 0.20), (1.0, 2.0), 0.05),
    "crease": _Look("rolling", _KERATIN, (0.15, 0.45), (0.02, 0.12), (12.0, 40.0), 0.02),
    "hair": _Look("rolling", _KERATIN, (0.03, 0.06), (0.6, 1.6), (60.0, 400.0), 0.05),
    "stubble": _Look("rolling", _KERATIN, (6.0, 20.0), (0.08, 0.4), (1.0, 2.0), 0.02),
    "highlight": _Look("ice_pick", (-1.0, -1.0, -1.0), (2.0, 8.0), (0.08, 0.45), (1.0, 3.0), 0.04),
}
_PAPULE_REDNESS = 0.8  # optical density per mm of height
_DOTS_PER_MM2 = {"pores": 1.2, "stubble": 2.0}


@dataclass(frozen=True, slots=True)
class Mark:
    """Something on the skin that is no scar.

    Attributes
    ----------
    kind : str
        One of `MARK_KINDS`.
    x_px, y_px : float
        Centre in the photograph's pixels.
    rx_mm, ry_mm : float
        Half axes of its outline; of the patch for pores and stubble.
    angle_deg : float
        Direction of the `rx_mm` axis, clockwise from +x.
    strength : float
        Optical density in green light at its darkest; for a papule its height in mm, for a crease
        its depth in mm.
    seed : int
        Its irregular shape and what it is sprinkled with.
    """

    kind: MarkKind
    x_px: float
    y_px: float
    rx_mm: float
    ry_mm: float
    angle_deg: float
    strength: float
    seed: int

    def outline(self) -> Scar:
        """The mark's shape, with its strength in place of a depth."""
        irregular = 0.35 if self.kind in ("mole", "freckle", "erythema", "papule") else 0.0
        return Scar(
            x_px=self.x_px,
            y_px=self.y_px,
            rx_mm=self.rx_mm,
            ry_mm=self.ry_mm,
            angle_deg=self.angle_deg,
            depth_mm=self.strength,
            profile=_LOOKS[self.kind].profile,
            irregularity=irregular,
            shape_seed=self.seed,
        )


def mark_field(
    mask: Mask,
    *,
    mm_per_px: float,
    seed: int,
    kinds: Sequence[MarkKind] = MARK_KINDS,
    density: float = 1.0,
) -> list[Mark]:
    """Marks at random places of a region of skin.

    Parameters
    ----------
    mask : ndarray of bool, shape (M, N)
        Skin.
    mm_per_px : float
        Size of a pixel.
    seed : int
        The same seed gives the same marks.
    kinds : sequence of str, optional
        Which kinds; all by default.
    density : float, optional
        Factor on how many there are of each.

    Returns
    -------
    list of Mark
        Centres lie in the mask.
    """
    rng = np.random.default_rng(seed)
    area_cm2 = float(mask.sum()) * mm_per_px**2 / 100
    marks: list[Mark] = []
    for kind in kinds:
        look = _LOOKS[kind]
        for _ in range(int(rng.poisson(look.per_cm2 * density * area_cm2))):
            spot = _spot(mask, rng)
            if spot is None:
                return marks
            radius = _log_uniform(rng, look.radius_mm)
            aspect = float(np.sqrt(_log_uniform(rng, look.aspect)))
            if kind in ("crease", "hair"):  # the radius is half their width
                along, across = radius * aspect**2, radius
            else:
                along, across = radius * aspect, radius / aspect
            marks.append(
                Mark(
                    kind=kind,
                    x_px=spot[0],
                    y_px=spot[1],
                    rx_mm=along,
                    ry_mm=across,
                    angle_deg=float(rng.uniform(0, 180)),
                    strength=_log_uniform(rng, look.strength),
                    seed=int(rng.integers(2**31)),
                )
            )
    return marks


def draw_marks(
    image: Image, marks: Sequence[Mark], mm_per_px: float
) -> tuple[Image, FloatImage | None]:
    """Colour a photograph with marks.

    Parameters
    ----------
    image : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB, sRGB encoded.
    marks : sequence of Mark
        What to draw.
    mm_per_px : float
        Size of a pixel.

    Returns
    -------
    image : ndarray, shape (M, N, 3)
        The same object where there is no mark.
    raised_mm : ndarray of float32, shape (M, N), or None
        Height above the skin: papules positive, creases negative; None where there is neither.
    """
    if not marks:
        return image, None
    shape = image.shape[:2]
    density = np.zeros((*shape, 3), np.float32)
    raised_mm = np.zeros(shape, np.float32)
    for mark in marks:
        outline = mark.outline()
        window = window_of(outline, outline.reach_mm, shape, mm_per_px)
        if 0 in raised_mm[window].shape:
            continue
        y, x = (np.arange(s.start, s.stop, dtype=np.float32) for s in window)
        strength = outline.depth_at(x[None, :], y[:, None], mm_per_px)
        absorption = np.array(_LOOKS[mark.kind].absorption, np.float32)
        if mark.kind == "papule":
            raised_mm[window] += strength
            strength = strength * np.float32(_PAPULE_REDNESS)
        elif mark.kind == "crease":
            raised_mm[window] -= strength
            continue
        elif mark.kind == "hair":
            strength = _hair(mark, window, mm_per_px)
        elif mark.kind in _DOTS_PER_MM2:
            strength = strength * _sprinkled(mark, strength.shape, mm_per_px)
        elif mark.kind == "highlight":
            strength = strength * _grainy(mark.seed, strength.shape, mm_per_px)
        density[window] += strength[..., None] * absorption
    drawn = encode(decode(image) * np.exp(-density), image.dtype)
    drawn = np.where((density == 0).all(axis=2, keepdims=True), image, drawn)
    return drawn, (raised_mm if raised_mm.any() else None)


def _log_uniform(rng: np.random.Generator, span: tuple[float, float]) -> float:
    return float(np.exp(rng.uniform(*np.log(span))))


def _spot(mask: Mask, rng: np.random.Generator) -> tuple[float, float] | None:
    rows, cols = mask.shape
    for _ in range(_MAX_DRAWS):
        x, y = rng.uniform(0, (cols - 1, rows - 1))
        if mask[round(y), round(x)]:
            return float(x), float(y)
    return None


def _hair(mark: Mark, window: tuple[slice, slice], mm_per_px: float) -> FloatImage:
    """A bent line; thinner than a pixel, it is fainter instead."""
    rng = np.random.default_rng(mark.seed)
    along = np.linspace(-1, 1, 24)
    bend = rng.normal(0, 0.15) * (along**2 - 1) + rng.normal(0, 0.06) * along**3
    turn = np.radians(mark.angle_deg)
    points = (
        mark.rx_mm
        / mm_per_px
        * np.column_stack(
            [along * np.cos(turn) - bend * np.sin(turn), along * np.sin(turn) + bend * np.cos(turn)]
        )
    )
    points += (mark.x_px - window[1].start, mark.y_px - window[0].start)
    size = (window[0].stop - window[0].start, window[1].stop - window[1].start)
    canvas = np.zeros(size, np.uint8)
    width_px = 2 * mark.ry_mm / mm_per_px
    sixteenths = np.round(points * 16).astype(np.int32)
    cv2.polylines(canvas, [sixteenths], False, 255, max(1, round(width_px)), cv2.LINE_AA, 4)
    return np.float32(mark.strength * min(1.0, width_px) / 255) * canvas.astype(np.float32)


def _sprinkled(mark: Mark, shape: tuple[int, ...], mm_per_px: float) -> FloatImage:
    """Dots about 1 high; for stubble, strokes along one direction."""
    rng = np.random.default_rng(mark.seed)
    per_mm2 = _DOTS_PER_MM2[mark.kind]
    count = rng.poisson(per_mm2 * shape[0] * shape[1] * mm_per_px**2)
    dots = np.zeros(shape, np.float32)
    place = (rng.integers(0, shape[0], count), rng.integers(0, shape[1], count))
    np.add.at(dots, place, rng.gamma(2.0, 0.5, count).astype(np.float32))
    sigma_px = max(0.4, float(rng.uniform(0.06, 0.16)) / mm_per_px)
    spread = blur(dots, sigma_px) * np.float32(2 * np.pi * sigma_px**2)
    if mark.kind == "pores":
        return spread
    length_px = max(1, round(float(rng.uniform(0.2, 0.8)) / mm_per_px))
    turn = np.radians(mark.angle_deg)
    kernel = np.zeros((2 * length_px + 1, 2 * length_px + 1), np.uint8)
    tip = np.round(length_px / 2 * np.array([np.cos(turn), np.sin(turn)])).astype(int)
    middle = np.array([length_px, length_px])
    cv2.line(kernel, tuple((middle - tip).tolist()), tuple((middle + tip).tolist()), 1)
    return cv2.filter2D(spread, -1, kernel.astype(np.float32))


def _grainy(seed: int, shape: tuple[int, ...], mm_per_px: float) -> FloatImage:
    """Shine breaks up on the skin's own grain; mean about 1."""
    rng = np.random.default_rng(seed)
    grain = blur(rng.standard_normal(shape, np.float32), max(0.5, 0.25 / mm_per_px))
    return np.maximum(0, 1 + grain / np.float32(max(float(grain.std()), 1e-6)))
