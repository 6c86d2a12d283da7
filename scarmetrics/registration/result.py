"""What a registration is: a map between two photographs, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.models import Failure, FloatImage, Image, Mask, Points
from scarmetrics.opencv import cv2
from scarmetrics.registration.frame import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

_INVERSE_STEPS = 12

BOUND_PER_SD = 2.4477
"""95 % of a two-dimensional normal distribution lies within this many standard deviations."""


class FailedRegistration(Failure):
    """The two photographs could not be aligned; falsy, carries the reason, never an identity.

    Parameters
    ----------
    reason_code, detail : str
        As for `scarmetrics.models.Failure`.
    skin_differs : bool, optional
        Whether the photographs could be laid on each other and only their skin disagrees.
    """

    def __init__(self, reason_code: str, detail: str = "", *, skin_differs: bool = False) -> None:
        super().__init__(reason_code, detail)
        self.skin_differs = skin_differs


@dataclass(frozen=True, eq=False)
class MapSamples:
    """A registration at some places.

    Attributes
    ----------
    fixed, moving : ndarray of float64, shape (K, 2)
        The same places (x, y) in both photographs, px.
    area_ratio : ndarray of float64, shape (K,)
        Area of the moving photograph per area of the fixed one.
    error_px : ndarray of float64, shape (K,)
        Expected error along each axis, in px of the fixed photograph.
    """

    fixed: Points
    moving: Points
    area_ratio: NDArray[np.float64]
    error_px: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Registration:
    """Map from a fixed (baseline) to a moving (follow-up) photograph.

    The map is an affine one, then a smooth flow, both held in a working frame: the fixed
    photograph's face box at the working resolution.

    Attributes
    ----------
    fixed_shape, moving_shape : tuple of int
        (M, N) of the photographs.
    fixed_to_work, work_to_moving : ndarray of float64, shape (2, 3)
        Affine maps of points (x, y).
    flow : ndarray of float32, shape (h, w, 2)
        (dx, dy) in working px: a point p of the fixed photograph lies at
        ``work_to_moving(u + flow(u))`` with ``u = fixed_to_work(p)``.
    inverse_flow : ndarray of float32, shape (h, w, 2)
        The inverse of `flow` on the same grid.
    error_mm : ndarray of float32, shape (h, w)
        Standard deviation of the map along each axis, predicted from how well going forward and
        backward closes and how well the textures agree.
    believed : ndarray of bool, shape (h, w)
        Where the map may be believed, in the working frame.
    texture_agreement : float
        Median local correlation of skin texture after alignment, -1 to 1.
    likeness : float
        How much the two photographs look like the same skin, up to 1.25: `texture_agreement`
        and a quarter of the share of skin where the map is consistent.
    mm_per_px : float
        Scale of the fixed photograph that lengths in mm refer to; nominal where none was given.
    """

    fixed_shape: tuple[int, int]
    moving_shape: tuple[int, int]
    fixed_to_work: NDArray[np.float64]
    work_to_moving: NDArray[np.float64]
    flow: FloatImage
    inverse_flow: FloatImage
    error_mm: FloatImage
    believed: Mask
    texture_agreement: float
    likeness: float
    mm_per_px: float

    def transform_points(self, xy: Points) -> Points:
        """Where points of the fixed photograph lie in the moving one.

        Parameters
        ----------
        xy : ndarray, shape (K, 2)
            (x, y) in px.

        Returns
        -------
        ndarray of float64, shape (K, 2)
            NaN where a coordinate is not finite.

        Raises
        ------
        ValueError
            If the points have another shape.
        """
        points, known = _as_points(xy)
        u = apply_affine(self.fixed_to_work, points)
        moved = apply_affine(self.work_to_moving, u + _sample(self.flow, u))
        return np.where(known, moved, np.nan)

    def inverse_points(self, xy: Points) -> Points:
        """Where points of the moving photograph lie in the fixed one.

        The inverse of `transform_points` by fixed-point iteration, exact wherever the map may be
        believed.

        Parameters
        ----------
        xy : ndarray, shape (K, 2)
            (x, y) in px.

        Returns
        -------
        ndarray of float64, shape (K, 2)
            NaN where a coordinate is not finite.

        Raises
        ------
        ValueError
            If the points have another shape.
        """
        points, known = _as_points(xy)
        v = apply_affine(cv2.invertAffineTransform(self.work_to_moving), points)
        u = v + _sample(self.inverse_flow, v)
        for _ in range(_INVERSE_STEPS):
            u = v - _sample(self.flow, u)
        back = apply_affine(cv2.invertAffineTransform(self.fixed_to_work), u)
        return np.where(known, back, np.nan)

    def warp(self, moving: Image, box: Box | None = None) -> Image:
        """The moving photograph in the fixed one's pixels, for display only.

        Parameters
        ----------
        moving : ndarray of uint8 or uint16, shape (M, N, 3)
            The moving photograph.
        box : tuple of int, optional
            Part (x0, y0, x1, y1) of the fixed photograph wanted; all of it by default.

        Returns
        -------
        ndarray, shape of the box or of the fixed photograph
            Black where the moving photograph shows nothing.
        """
        x, y = self._forward_maps(box or self._whole_fixed)
        return cv2.remap(moving, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT)

    def to_fixed(self, mask: Mask, box: Box | None = None) -> Mask:
        """A mask of the moving photograph in the fixed one's pixels."""
        x, y = self._forward_maps(box or self._whole_fixed)
        return cv2.remap(mask.astype(np.uint8), x, y, cv2.INTER_NEAREST) > 0

    def labels_to_fixed(
        self, labels: NDArray[np.int32], box: Box | None = None
    ) -> NDArray[np.int32]:
        """Labels of the moving photograph, up to 65535, in the fixed one's pixels; 0 outside it."""
        x, y = self._forward_maps(box or self._whole_fixed)
        return cv2.remap(labels.astype(np.uint16), x, y, cv2.INTER_NEAREST).astype(np.int32)

    def cropped(
        self, fixed_box: Box, moving_box: Box, binnings: tuple[int, int] = (1, 1)
    ) -> Registration:
        """The same map between a part of the fixed and a part of the moving photograph.

        Parameters
        ----------
        fixed_box, moving_box : tuple of int
            The parts (x0, y0, x1, y1), the last two exclusive.
        binnings : tuple of int, optional
            Sides, in px, of the squares of each part that are averaged to one.

        Returns
        -------
        Registration
            Points count from the parts' corners.
        """
        (x0, y0, x1, y1), (u0, v0, u1, v1) = fixed_box, moving_box
        first, second = binnings
        centres = ((first - 1) / 2, (second - 1) / 2)  # of a square's pixels
        fixed_to_work = _after_shift(self.fixed_to_work, x0 + centres[0], y0 + centres[0])
        fixed_to_work[:, :2] *= first
        work_to_moving = self.work_to_moving.copy()
        work_to_moving[:, 2] -= [u0 + centres[1], v0 + centres[1]]
        return replace(
            self,
            fixed_shape=((y1 - y0) // first, (x1 - x0) // first),
            moving_shape=((v1 - v0) // second, (u1 - u0) // second),
            fixed_to_work=fixed_to_work,
            work_to_moving=work_to_moving / second,
            mm_per_px=self.mm_per_px * first,
        )

    def samples(self, count: int) -> MapSamples:
        """The map at places spread evenly over the skin where it may be believed.

        Parameters
        ----------
        count : int
            About how many.

        Returns
        -------
        MapSamples
        """
        y, x = np.nonzero(self.believed)
        every = max(1, len(x) // count)
        y, x = y[::every], x[::every]
        work_to_fixed = cv2.invertAffineTransform(self.fixed_to_work)
        fixed = apply_affine(work_to_fixed, np.column_stack([x, y]).astype(np.float64))
        inside = (fixed >= 0).all(axis=1) & (fixed <= np.array(self.fixed_shape[::-1]) - 1).all(
            axis=1
        )
        y, x, fixed = y[inside], x[inside], fixed[inside]
        return MapSamples(
            fixed=fixed,
            moving=self.transform_points(fixed),
            area_ratio=self._work_jacobian()[y, x].astype(np.float64),
            error_px=self.error_mm[y, x].astype(np.float64) / self.mm_per_px,
        )

    def to_moving(self, mask: Mask, box: Box | None = None) -> Mask:
        """A mask of the fixed photograph in the moving one's pixels.

        Parameters
        ----------
        mask : ndarray of bool, shape (M, N) of the fixed photograph
            What to carry over.
        box : tuple of int, optional
            Part of the moving photograph wanted; all of it by default.

        Returns
        -------
        ndarray of bool, shape of the box or of the moving photograph
        """
        rows, cols = self.moving_shape
        box = box or (0, 0, cols, rows)
        from_moving = cv2.invertAffineTransform(self.work_to_moving)
        x, y = _dense_maps(
            box, from_moving, self.inverse_flow, cv2.invertAffineTransform(self.fixed_to_work)
        )
        return cv2.remap(mask.astype(np.uint8), x, y, cv2.INTER_NEAREST) > 0

    def jacobian(self) -> FloatImage:
        """Area of the moving photograph per area of the fixed one.

        Returns
        -------
        ndarray of float32, shape (M, N) of the fixed photograph
            The affine ratio outside the working frame.
        """
        return self._upsample(self._work_jacobian(), self.affine_area_ratio)

    def _work_jacobian(self) -> FloatImage:
        dx_dy, dx_dx = np.gradient(self.flow[..., 0])
        dy_dy, dy_dx = np.gradient(self.flow[..., 1])
        ratio = ((1 + dx_dx) * (1 + dy_dy) - dx_dy * dy_dx) * self.affine_area_ratio
        return np.asarray(ratio, np.float32)

    @property
    def affine_area_ratio(self) -> float:
        """Area of the moving photograph per area of the fixed one, affine part."""
        linear = self.work_to_moving[:, :2] @ self.fixed_to_work[:, :2]
        return float(np.linalg.det(linear))

    @cached_property
    def residual_mm(self) -> FloatImage:
        """Expected error of the map: the predicted standard deviation along each axis, in mm.

        It is calibrated on warps of real faces that are known; shape (M, N) of the fixed
        photograph, NaN where unknown.
        """
        return self._upsample(self.error_mm, np.nan)

    @property
    def residual_bound_mm(self) -> FloatImage:
        """Distance from the truth that 95 % of points keep, by the calibration, in mm."""
        return self.residual_mm * np.float32(BOUND_PER_SD)

    @property
    def residual_px(self) -> FloatImage:
        """`residual_mm` in px of the fixed photograph."""
        return self.residual_mm * np.float32(1 / self.mm_per_px)

    @cached_property
    def registered_mask(self) -> Mask:
        """Where the map may be believed; shape (M, N) of the fixed photograph."""
        return self._upsample(self.believed.astype(np.float32), 0.0) > 0.5

    @property
    def _whole_fixed(self) -> Box:
        rows, cols = self.fixed_shape
        return (0, 0, cols, rows)

    def _forward_maps(self, box: Box) -> tuple[FloatImage, FloatImage]:
        return _dense_maps(box, self.fixed_to_work, self.flow, self.work_to_moving)

    def _upsample(self, work: FloatImage, outside: float) -> FloatImage:
        """Values of the working frame in the fixed photograph's pixels; outside it, `outside`."""
        to_fixed = cv2.invertAffineTransform(self.fixed_to_work)
        height, width = work.shape
        corners = apply_affine(to_fixed, np.array([[-0.5, -0.5], [width - 0.5, height - 0.5]]))
        rows, cols = self.fixed_shape
        x0, y0 = np.clip(np.ceil(corners[0]), 0, [cols, rows]).astype(int)
        x1, y1 = np.clip(np.floor(corners[1]) + 1, 0, [cols, rows]).astype(int)
        whole = np.full(self.fixed_shape, outside, np.float32)
        to_box = to_fixed.copy()
        to_box[:, 2] -= [x0, y0]
        whole[y0:y1, x0:x1] = cv2.warpAffine(
            work,
            to_box,
            (int(x1 - x0), int(y1 - y0)),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return whole


def apply_affine(matrix: NDArray[np.float64], xy: Points) -> Points:
    """Points (x, y), shape (K, 2), through an affine map, shape (2, 3)."""
    return xy @ matrix[:, :2].T + matrix[:, 2]


def _sample(flow: FloatImage, xy: Points) -> Points:
    """Flow at points, bilinear; the nearest border value outside."""
    rows, cols = flow.shape[:2]
    x, y = np.clip(xy[:, 0], 0, cols - 1), np.clip(xy[:, 1], 0, rows - 1)
    x0, y0 = np.minimum(x.astype(int), cols - 2), np.minimum(y.astype(int), rows - 2)
    fx, fy = (x - x0)[:, None], (y - y0)[:, None]
    top = flow[y0, x0] * (1 - fx) + flow[y0, x0 + 1] * fx
    bottom = flow[y0 + 1, x0] * (1 - fx) + flow[y0 + 1, x0 + 1] * fx
    return np.asarray(top * (1 - fy) + bottom * fy, np.float64)


def _as_points(xy: Points) -> tuple[Points, Mask]:
    """Points with zero for what is not finite, and which ones are, shape (K, 1)."""
    points = np.asarray(xy, np.float64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"points have shape {points.shape}, must be (K, 2)")
    known = np.asarray(np.isfinite(points).all(axis=1, keepdims=True), bool)
    return np.where(known, points, 0.0), known


def _dense_maps(
    box: Box,
    to_work: NDArray[np.float64],
    flow: FloatImage,
    from_work: NDArray[np.float64],
) -> tuple[FloatImage, FloatImage]:
    """Maps for cv2.remap over a box: affine to the working frame, flow, affine out of it."""
    x0, y0, x1, y1 = box
    shift = cv2.warpAffine(
        flow,
        _after_shift(to_work, x0, y0),
        (x1 - x0, y1 - y0),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    straight = from_work[:, :2] @ to_work + np.column_stack([np.zeros((2, 2)), from_work[:, 2]])
    x, y = np.arange(x0, x1), np.arange(y0, y1)[:, None]
    u, v = (
        (row[0] * x).astype(np.float32) + (row[1] * y + row[2]).astype(np.float32)
        for row in straight
    )
    b = from_work.astype(np.float32)
    u += cv2.transform(shift, b[:1, :2])
    v += cv2.transform(shift, b[1:, :2])
    return u, v


def _after_shift(affine: NDArray[np.float64], x: float, y: float) -> NDArray[np.float64]:
    """The affine map, of points that count from (x, y)."""
    moved = affine.copy()
    moved[:, 2] += moved[:, :2] @ [x, y]
    return moved
