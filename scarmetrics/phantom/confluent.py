"""Confluent fields: what scarred cheeks mostly show.

Many small, elongated, shallow depressions of mixed sizes, some alone, most in loose patches where
they touch and overlap in short chains along the skin's grain. The sizes, elongations and contrasts
cover the range of what readers outlined on close-ups of scarred cheeks (equivalent diameters of
0.9, 1.4 and 2.2 mm at the 10th, 50th and 90th percentile, elongations of 1.1, 1.6 and 2.6), and
reach beyond it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.opencv import cv2
from scarmetrics.phantom.scars import Profile, Scar, window_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.models import Mask

_DIAMETER_MM, _DIAMETER_SPREAD = 1.4, 0.42  # median, sd of the logarithm
_DIAMETER_RANGE_MM = (0.7, 6.0)
_NARROWNESS, _NARROWNESS_SPREAD = 0.22, 0.35  # depth over width: median, sd of the logarithm
_NARROWNESS_RANGE = (0.11, 0.5)
_WIDE_MM = 1.6  # from here on scars get wider faster than deeper
_PROFILES: tuple[Profile, ...] = ("ice_pick", "boxcar", "rolling")
_PROFILE_SHARES = (0.15, 0.35, 0.5)
_IN_CHAINS = 0.30  # share of scars that touch an earlier one
_ALONE = 0.5  # share that lies anywhere
_GRAIN_SPREAD_DEG = 35.0
_MAX_SCARS = 5000
_MAX_MISSES = 300
_MOST_SWALLOWED = 0.5  # of a scar by those before it


def confluent_field(
    mask: Mask,
    *,
    mm_per_px: float,
    seed: int,
    area_fraction: float = 0.06,
    clearance_mm: float = 1.0,
) -> list[Scar]:
    """A scarred cheek's depressions.

    Parameters
    ----------
    mask : ndarray of bool, shape (M, N)
        Skin.
    mm_per_px : float
        Size of a pixel.
    seed : int
        The same seed gives the same scars.
    area_fraction : float, optional
        Share of the mask's area that outlines shall cover; traced cheeks show 0.03 to 0.11.
    clearance_mm : float, optional
        Least distance between a scar's centre and the mask's border, beyond its half axis.

    Returns
    -------
    list of Scar
        As many as fit; empty where the mask has no room.
    """
    if not 0 <= area_fraction < 1:
        raise ValueError("area_fraction is a share, 0 to 1")
    rng = np.random.default_rng(seed)
    padded = np.pad(mask.astype(np.uint8), 1)
    room = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    room_mm = room * np.float32(mm_per_px) - np.float32(clearance_mm)
    y, x = np.nonzero(room_mm > _DIAMETER_RANGE_MM[0])
    if len(x) == 0:
        return []
    grain_deg = float(rng.uniform(0, 180))
    middles = [_any_spot(x, y, rng) for _ in range(int(rng.integers(1, 7)))]
    radius_px = rng.uniform(6, 25, len(middles)) / mm_per_px
    painted: Mask = np.zeros(mask.shape, np.bool_)
    scars: list[Scar] = []
    wanted, covered, misses = area_fraction * float(mask.sum()), 0.0, 0
    while covered < wanted and misses < _MAX_MISSES and len(scars) < _MAX_SCARS:
        patch = int(rng.integers(len(middles)))
        spot = middles[patch] + rng.normal(0, radius_px[patch], 2)
        if rng.random() < _ALONE:
            spot = _any_spot(x, y, rng)
        scar = _draw(rng, spot, grain_deg)
        if scars and rng.random() < _IN_CHAINS:
            scar = _beside(rng, scar, scars[int(rng.integers(len(scars)))], mm_per_px)
        fresh = _paint(scar, room_mm, painted, mm_per_px)
        if fresh == 0:
            misses += 1
            continue
        misses, covered = 0, covered + fresh
        scars.append(scar)
    return scars


def _any_spot(
    x: NDArray[np.intp], y: NDArray[np.intp], rng: np.random.Generator
) -> NDArray[np.float64]:
    index = int(rng.integers(len(x)))
    return np.array([x[index], y[index]], np.float64) + rng.uniform(-0.5, 0.5, 2)


def _draw(rng: np.random.Generator, spot: NDArray[np.float64], grain_deg: float) -> Scar:
    diameter = float(
        np.clip(_DIAMETER_MM * np.exp(rng.normal(0, _DIAMETER_SPREAD)), *_DIAMETER_RANGE_MM)
    )
    stretch = float(np.sqrt(1 + rng.gamma(1.6, 0.42)))
    width = diameter / stretch
    narrowness = float(
        np.clip(_NARROWNESS * np.exp(rng.normal(0, _NARROWNESS_SPREAD)), *_NARROWNESS_RANGE)
    )
    return Scar(
        x_px=float(spot[0]),
        y_px=float(spot[1]),
        rx_mm=diameter / 2 * stretch,
        ry_mm=diameter / 2 / stretch,
        angle_deg=float((grain_deg + rng.normal(0, _GRAIN_SPREAD_DEG)) % 180),
        depth_mm=narrowness * min(width, _WIDE_MM * (width / _WIDE_MM) ** 0.7),
        profile=_PROFILES[int(rng.choice(3, p=_PROFILE_SHARES))],
        irregularity=float(rng.uniform(0.1, 0.55)),
        shape_seed=int(rng.integers(2**31)),
    )


def _beside(rng: np.random.Generator, scar: Scar, other: Scar, mm_per_px: float) -> Scar:
    """The scar, moved to where it touches another one."""
    toward = np.radians(other.angle_deg + rng.normal(0, 40) + 180 * rng.integers(2))
    apart_px = rng.uniform(0.75, 1.15) * (other.rx_mm + scar.ry_mm) / mm_per_px
    return replace(
        scar,
        x_px=float(other.x_px + apart_px * np.cos(toward)),
        y_px=float(other.y_px + apart_px * np.sin(toward)),
    )


def _paint(scar: Scar, room_mm: NDArray[np.float32], painted: Mask, mm_per_px: float) -> int:
    """Pixels that the scar newly covers; 0 where it has no place."""
    rows, cols = room_mm.shape
    col, row = round(scar.x_px), round(scar.y_px)
    if not (0 <= row < rows and 0 <= col < cols) or room_mm[row, col] < scar.rx_mm:
        return 0
    window = window_of(scar, 1.3 * scar.rx_mm, room_mm.shape, mm_per_px)
    y, x = (np.arange(s.start, s.stop, dtype=np.float32) for s in window)
    inside = scar.depth_at(x[None, :], y[:, None], mm_per_px) >= scar.depth_mm / 2
    fresh = int(np.count_nonzero(inside & ~painted[window]))
    if fresh < (1 - _MOST_SWALLOWED) * np.count_nonzero(inside):
        return 0
    painted[window] |= inside
    return fresh
