"""Where made-up scars lie, and what three months make of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from scarmetrics.opencv import cv2

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from scarmetrics.models import FloatImage, Mask

Profile = Literal["ice_pick", "boxcar", "rolling"]

# Depth falls as 2 ** -(r ** p) with r = 1 on the outline: walls get steeper with p.
_STEEPNESS = {"ice_pick": 1.6, "rolling": 2.0, "boxcar": 3.2}
_NEGLIGIBLE = 8.0  # -log2 of the relative depth at which a depression ends
_HARMONICS = (2, 3, 4, 5, 6)
_MAX_IRREGULARITY = 0.6
_MAX_SHIFT = 0.5  # of the deepest point, in half axes; depth would not fall steadily above 0.6
_TYPICAL_WIDTH_MM = 1.1
_AMPLE_ROOM_MM = 20.0
_MIN_FRESH = 0.3  # of a scar in a patch: the rest may lie in others
_MAX_TRIES = 400
_MAX_DRAWS = 20_000


@dataclass(frozen=True, slots=True)
class Scar:
    """One atrophic scar: a depression with a known outline at half of its depth.

    Attributes
    ----------
    x_px, y_px : float
        Centre in the photograph's pixels; pixel centres lie at integers.
    rx_mm, ry_mm : float
        Half axes of the outline at half depth.
    angle_deg : float
        Direction of the `rx_mm` axis, clockwise from +x in the image.
    depth_mm : float
        Depth at the deepest point.
    profile : {'ice_pick', 'boxcar', 'rolling'}
        How steep the walls are.
    irregularity : float
        How far the outline departs from an ellipse, 0 to 0.6; its area stays the same.
    shape_seed : int
        Which irregular outline.
    """

    x_px: float
    y_px: float
    rx_mm: float
    ry_mm: float
    angle_deg: float
    depth_mm: float
    profile: Profile
    irregularity: float = 0.0
    shape_seed: int = 0

    def __post_init__(self) -> None:
        if not (min(self.rx_mm, self.ry_mm) > 0 and self.depth_mm >= 0):
            raise ValueError("a scar needs positive half axes and a depth that is not negative")
        if not 0 <= self.irregularity <= _MAX_IRREGULARITY:
            raise ValueError(f"irregularity is {self.irregularity}, must be 0 to 0.6")

    @property
    def area_mm2(self) -> float:
        """Area inside the outline at half depth."""
        return float(np.pi * self.rx_mm * self.ry_mm)

    @property
    def equivalent_diameter_mm(self) -> float:
        """Diameter of the circle of the same area."""
        return float(2 * np.sqrt(self.rx_mm * self.ry_mm))

    @property
    def reach_mm(self) -> float:
        """Distance from the centre beyond which the skin is intact."""
        stretch = np.sqrt(1 + self.irregularity) * _NEGLIGIBLE ** (1 / _STEEPNESS[self.profile])
        return float(max(self.rx_mm, self.ry_mm) * stretch)

    def depth_at(self, x_px: FloatImage, y_px: FloatImage, mm_per_px: float) -> FloatImage:
        """Depth below the intact skin in mm.

        Parameters
        ----------
        x_px, y_px : ndarray of float32
            Positions; shapes that broadcast.
        mm_per_px : float
            Size of a pixel.

        Returns
        -------
        ndarray of float32
        """
        turn = np.radians(self.angle_deg)
        along = np.array([np.cos(turn), np.sin(turn)], np.float32) * np.float32(mm_per_px)
        dx, dy = x_px - np.float32(self.x_px), y_px - np.float32(self.y_px)
        u = (dx * along[0] + dy * along[1]) / np.float32(self.rx_mm)
        v = (dy * along[0] - dx * along[1]) / np.float32(self.ry_mm)
        fall = self._radius_squared(u, v) ** np.float32(_STEEPNESS[self.profile] / 2)
        depth: FloatImage = np.float32(self.depth_mm) * np.exp2(-fall)
        return np.where(fall < _NEGLIGIBLE, depth, np.float32(0))

    def _radius_squared(self, u: FloatImage, v: FloatImage) -> FloatImage:
        """Squared distance from the deepest point: 1 on the outline, whatever its shape.

        The outline's squared radius has mean 1, and moving the deepest point off the centre leaves
        the outline where it is: the area inside is that of the ellipse.
        """
        if self.irregularity == 0:
            return u * u + v * v
        rng = np.random.default_rng(self.shape_seed)
        share = rng.uniform(0.3, 1.0, len(_HARMONICS)) / np.array(_HARMONICS) ** 0.8
        share *= self.irregularity / share.sum()
        phases = rng.uniform(0, 2 * np.pi, len(_HARMONICS))
        angle = np.arctan2(v, u)
        outline = np.ones_like(angle)
        for order, amplitude, phase in zip(_HARMONICS, share, phases, strict=True):
            outline += np.float32(amplitude) * np.cos(order * angle + np.float32(phase))
        radius = np.sqrt(outline)
        inside = np.maximum(0, 1 - (u * u + v * v) / outline) ** 2
        toward = rng.uniform(0, 2 * np.pi)
        shift = np.array([np.cos(toward), np.sin(toward)], np.float32)
        shift *= np.float32(_MAX_SHIFT * self.irregularity / _MAX_IRREGULARITY)
        moved_u, moved_v = u / radius + shift[0] * inside, v / radius + shift[1] * inside
        squared: FloatImage = moved_u * moved_u + moved_v * moved_v
        return squared


def window_of(
    scar: Scar, reach_mm: float, shape: tuple[int, ...], mm_per_px: float
) -> tuple[slice, slice]:
    """The part of a picture of `shape` within `reach_mm` of a scar's centre."""
    reach = reach_mm / mm_per_px + 1
    spans = []
    for middle, size in ((scar.y_px, shape[0]), (scar.x_px, shape[1])):
        first = int(np.clip(np.floor(middle - reach), 0, size))
        last = int(np.clip(np.ceil(middle + reach) + 1, first, size))
        spans.append(slice(first, last))
    return spans[0], spans[1]


def scar_field(
    mask: Mask,
    *,
    mm_per_px: float,
    seed: int,
    area_fraction: float = 0.03,
    diameter_mm: tuple[float, float] = (1.0, 5.0),
    confluent_fraction: float = 0.6,
    clearance_mm: float = 4.0,
) -> list[Scar]:
    """Scars in a region of skin: isolated ones, and patches where small ones run together.

    Most lie far from the region's border, which on half a face is the cheek.

    Parameters
    ----------
    mask : ndarray of bool, shape (M, N)
        Skin.
    mm_per_px : float
        Size of a pixel.
    seed : int
        The same seed gives the same scars.
    area_fraction : float, optional
        Share of the mask's area that outlines shall cover.
    diameter_mm : tuple of float, optional
        Smallest and largest equivalent diameter; small ones are more frequent.
    confluent_fraction : float, optional
        Share of the scarred area that lies in patches.
    clearance_mm : float, optional
        Least distance between an outline and the mask's border.

    Returns
    -------
    list of Scar
        As many as fit; fewer than asked for where the mask is small, empty where it has no room.
    """
    if not 0 < diameter_mm[0] <= diameter_mm[1]:
        raise ValueError("diameter_mm must be a positive range, smallest first")
    if not (0 <= area_fraction < 1 and 0 <= confluent_fraction <= 1):
        raise ValueError("area_fraction and confluent_fraction are shares, 0 to 1")
    field = _Field(mask, mm_per_px, diameter_mm, clearance_mm, np.random.default_rng(seed))
    wanted_px = area_fraction * float(mask.sum())
    for _ in range(_MAX_TRIES):
        if field.covered_px >= confluent_fraction * wanted_px:
            break
        field.add_patch(confluent_fraction * wanted_px)
    for _ in range(_MAX_TRIES):
        if field.covered_px >= wanted_px:
            break
        field.add_isolated()
    return field.scars


class _Field:
    """Scars placed so far, and the room that is left."""

    def __init__(
        self,
        mask: Mask,
        mm_per_px: float,
        diameter_mm: tuple[float, float],
        clearance_mm: float,
        rng: np.random.Generator,
    ) -> None:
        padded = np.pad(mask.astype(np.uint8), 1)
        room_px = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
        self._room_mm = np.asarray(room_px, np.float32) * np.float32(mm_per_px) - clearance_mm
        self._has_room = bool((self._room_mm > diameter_mm[0] / 2).any())
        self._mm_per_px = mm_per_px
        self._diameter_mm = diameter_mm
        self._rng = rng
        self._painted: Mask = np.zeros(mask.shape, np.bool_)
        self.scars: list[Scar] = []
        self.covered_px = 0.0

    def add_isolated(self) -> None:
        """Place one scar at a random spot, away from the others."""
        spot = self._draw_spot()
        if spot is None:
            return
        profile: Profile = self._rng.choice(("ice_pick", "boxcar", "rolling"), p=(0.25, 0.4, 0.35))
        low, high = self._diameter_mm
        small, large = {"ice_pick": (0.0, 0.35), "boxcar": (0.1, 0.9), "rolling": (0.3, 1.0)}[
            profile
        ]
        diameter = low * (high / low) ** (small + (large - small) * self._rng.beta(1.3, 2.4))
        self._place(spot, diameter, self._rng.uniform(1.0, 1.8), self._rng.uniform(0, 180), profile)

    def add_patch(self, until_px: float) -> None:
        """Place overlapping small scars around a random spot, stretched along one direction."""
        middle = self._draw_spot()
        if middle is None:
            return
        radius_px = self._rng.uniform(2.5, 7.0) / self._mm_per_px
        grain_deg = self._rng.uniform(0, 180)
        low, high = self._diameter_mm
        for _ in range(int(self._rng.integers(8, 32))):
            if self.covered_px >= until_px:
                return
            spot = middle + self._rng.normal(0, radius_px / 1.5, 2)
            diameter = low * (high / low) ** (0.7 * self._rng.beta(1.3, 2.8))
            profile: Profile = self._rng.choice(
                ("ice_pick", "boxcar", "rolling"), p=(0.1, 0.4, 0.5)
            )
            angle = grain_deg + self._rng.normal(0, 30)
            self._place(spot, diameter, self._rng.uniform(1.2, 2.6), angle, profile, crowded=True)

    def _draw_spot(self) -> NDArray[np.float64] | None:
        """A spot with room for a scar; None when there is none.

        Spots are drawn from the whole picture and kept by chance, not drawn from the mask: masks
        that differ by a few pixels then get the same scars.
        """
        rows, cols = self._painted.shape
        for _ in range(_MAX_DRAWS if self._has_room else 0):
            x, y = self._rng.uniform(0, (cols - 1, rows - 1))
            room = min(1.0, float(self._room_mm[round(y), round(x)]) / _AMPLE_ROOM_MM)
            if room > 0 and self._rng.random() < room**1.5:
                return np.array([x, y])
        self._has_room = False
        return None

    def _place(
        self,
        spot: NDArray[np.float64],
        diameter_mm: float,
        aspect: float,
        angle_deg: float,
        profile: Profile,
        *,
        crowded: bool = False,
    ) -> None:
        """Add the scar unless it comes too close to the border or, if not crowded, to another."""
        rx, ry = diameter_mm / 2 * np.sqrt(aspect), diameter_mm / 2 / np.sqrt(aspect)
        steep = {"ice_pick": (0.26, 0.40), "boxcar": (0.12, 0.22), "rolling": (0.13, 0.24)}[profile]
        # wide scars are deeper than small ones, but not in proportion to their width
        depth_mm = self._rng.uniform(*steep) * (2 * ry) ** 0.6 * _TYPICAL_WIDTH_MM**0.4
        depth_mm *= np.exp(self._rng.normal(0, 0.18))
        scar = Scar(
            x_px=float(spot[0]),
            y_px=float(spot[1]),
            rx_mm=float(rx),
            ry_mm=float(ry),
            angle_deg=float(angle_deg % 180),
            depth_mm=float(depth_mm),
            profile=profile,
            irregularity=float(self._rng.uniform(0.2, 0.5)),
            shape_seed=int(self._rng.integers(2**31)),
        )
        if not self._has_room_at(spot, rx * np.sqrt(1 + scar.irregularity)):
            return
        window, inside = self._print_of(scar)
        fresh = inside & ~self._painted[window]
        if np.count_nonzero(fresh) < (_MIN_FRESH if crowded else 1.0) * np.count_nonzero(inside):
            return
        self._painted[window] |= inside
        self.covered_px += np.count_nonzero(fresh)
        self.scars.append(scar)

    def _has_room_at(self, spot: NDArray[np.float64], radius_mm: float) -> bool:
        col, row = round(spot[0]), round(spot[1])
        rows, cols = self._painted.shape
        inside = 0 <= row < rows and 0 <= col < cols
        return inside and bool(self._room_mm[row, col] > radius_mm)

    def _print_of(self, scar: Scar) -> tuple[tuple[slice, slice], Mask]:
        """The scar's ellipse in a window of the picture."""
        reach = int(np.ceil(max(scar.rx_mm, scar.ry_mm) / self._mm_per_px)) + 2
        rows, cols = self._painted.shape
        left, top = max(0, int(scar.x_px) - reach), max(0, int(scar.y_px) - reach)
        window = (
            slice(top, min(rows, int(scar.y_px) + reach + 1)),
            slice(left, min(cols, int(scar.x_px) + reach + 1)),
        )
        canvas = np.zeros(self._painted[window].shape, np.uint8)
        size = (2 * scar.rx_mm / self._mm_per_px, 2 * scar.ry_mm / self._mm_per_px)
        cv2.ellipse(canvas, ((scar.x_px - left, scar.y_px - top), size, scar.angle_deg), 1, -1)
        return window, canvas > 0


def shrink(
    scars: Iterable[Scar],
    area_factor: float,
    depth_factor: float,
    *,
    healed_fraction: float = 0.0,
    spread: float = 0.0,
    seed: int = 0,
) -> list[Scar]:
    """The same scars at a later visit.

    Parameters
    ----------
    scars : iterable of Scar
        Before.
    area_factor, depth_factor : float
        What is left of each scar's area and depth, where 1 is all.
    healed_fraction : float, optional
        Chance of each scar to be gone altogether.
    spread : float, optional
        Standard deviation, between scars, of the logarithm of both factors.
    seed : int, optional
        Decides which scars heal and by how much each departs from the mean.

    Returns
    -------
    list of Scar
        Those that are left, in the same order.
    """
    if min(area_factor, depth_factor) <= 0 or not 0 <= healed_fraction <= 1 or spread < 0:
        raise ValueError("factors must be positive, healed_fraction 0 to 1, spread not negative")
    rng = np.random.default_rng(seed)
    left = []
    for scar in scars:
        healed = rng.random() < healed_fraction
        side_factor, depth_here = np.exp(spread * rng.normal(size=2)) * (
            np.sqrt(area_factor),
            depth_factor,
        )
        if not healed:
            left.append(
                replace(
                    scar,
                    rx_mm=float(scar.rx_mm * side_factor),
                    ry_mm=float(scar.ry_mm * side_factor),
                    depth_mm=float(scar.depth_mm * depth_here),
                )
            )
    return left
