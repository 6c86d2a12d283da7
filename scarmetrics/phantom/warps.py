"""Smooth one-to-one maps between two photographs of a face."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np

from scarmetrics.opencv import cv2

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from scarmetrics.models import FloatImage, Points
    from scarmetrics.phantom.scars import Scar

Picture = TypeVar("Picture", bound="NDArray[np.uint8] | NDArray[np.uint16] | FloatImage")

_MAX_STEPS = 60  # each at least halves the error
_EXACT_PX = 1e-10


@dataclass(frozen=True, eq=False)
class Waves:
    """A smooth displacement: a sum of plane waves.

    Attributes
    ----------
    frequencies : ndarray of float64, shape (K, 2)
        Wave vectors in radians per px.
    amplitudes_px : ndarray of float64, shape (K, 2)
        Displacement along x and y.
    phases : ndarray of float64, shape (K,)
        In radians.
    """

    frequencies: NDArray[np.float64]
    amplitudes_px: NDArray[np.float64]
    phases: NDArray[np.float64]

    def __post_init__(self) -> None:
        # Below this bound the displacement cannot fold the image, and inversion converges.
        strain = np.hypot(*self.frequencies.T) @ np.hypot(*self.amplitudes_px.T)
        if strain >= 0.5:
            raise ValueError(f"the waves strain the image by {strain:.2f}, 0.5 is too much")

    def displacement(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Displacement in px at points of shape (..., 2)."""
        moved = np.zeros_like(xy)
        for frequency, amplitude, phase in zip(
            self.frequencies, self.amplitudes_px, self.phases, strict=True
        ):
            moved += np.sin(xy @ frequency + phase)[..., None] * amplitude
        return moved

    def on_grid(self, shape: tuple[int, int]) -> FloatImage:
        """The same at every pixel of an (M, N) picture, fast; shape (M, N, 2)."""
        y, x = np.arange(shape[0])[:, None], np.arange(shape[1])[None, :]
        moved = np.zeros((*shape, 2), np.float32)
        for frequency, amplitude, phase in zip(
            self.frequencies, self.amplitudes_px, self.phases, strict=True
        ):
            # sin(a + b) = sin a cos b + cos a sin b: sines of rows and columns are enough
            a, b = x * frequency[0] + phase, y * frequency[1]
            wave = np.sin(a).astype(np.float32) * np.cos(b).astype(np.float32)
            wave += np.cos(a).astype(np.float32) * np.sin(b).astype(np.float32)
            for axis in (0, 1):
                moved[..., axis] += wave * np.float32(amplitude[axis])
        return moved


def draw_waves(
    rng: np.random.Generator, amplitude_px: float, wavelength_px: tuple[float, float]
) -> Waves:
    """Random waves.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    amplitude_px : float
        Root mean square displacement along each axis.
    wavelength_px : tuple of float
        Shortest and longest wave.

    Returns
    -------
    Waves
    """
    count = 6
    direction = rng.uniform(0, 2 * np.pi, count)
    per_px = 2 * np.pi / rng.uniform(*wavelength_px, count)
    amplitudes = rng.normal(size=(count, 2))
    amplitudes *= amplitude_px / np.sqrt(np.mean(np.sum(amplitudes**2, axis=0)) / 2)
    return Waves(
        np.column_stack([np.cos(direction), np.sin(direction)]) * per_px[:, None],
        amplitudes,
        rng.uniform(0, 2 * np.pi, count),
    )


@dataclass(frozen=True, eq=False)
class Warp:
    """From an original picture to a warped one.

    A point q of the warped picture shows the original at ``matrix @ (q + waves(q), 1)``, so the
    way back is a formula; the way forth solves it to float precision.

    Attributes
    ----------
    matrix : ndarray of float64, shape (2, 3)
        Affine part, warped to original.
    waves : Waves
        Displacement in the warped picture's pixels.
    """

    matrix: NDArray[np.float64]
    waves: Waves

    def transform_points(self, xy: Points) -> Points:
        """Points of the original in the warped picture.

        Parameters
        ----------
        xy : ndarray of float64, shape (K, 2)
            x, y in px.

        Returns
        -------
        ndarray of float64, shape (K, 2)
        """
        inverse = cv2.invertAffineTransform(self.matrix)
        target = np.asarray(xy, np.float64) @ inverse[:, :2].T + inverse[:, 2]
        found = target
        for _ in range(_MAX_STEPS):
            before, found = found, target - self.waves.displacement(found)
            if np.allclose(found, before, rtol=0, atol=_EXACT_PX):
                break
        return found

    def inverse_points(self, xy: Points) -> Points:
        """Points of the warped picture in the original; shape (K, 2)."""
        moved = xy + self.waves.displacement(np.asarray(xy, np.float64))
        return moved @ self.matrix[:, :2].T + self.matrix[:, 2]

    def warp(self, image: Picture, shape: tuple[int, int]) -> Picture:
        """Resample a picture.

        Parameters
        ----------
        image : ndarray, shape (M, N) or (M, N, C)
            The original.
        shape : tuple of int
            (M, N) of the warped picture.

        Returns
        -------
        ndarray
            Of the same type; mirrored where the original has ended.
        """
        moved = self.waves.on_grid(shape)
        moved[..., 0] += np.arange(shape[1], dtype=np.float32)[None, :]
        moved[..., 1] += np.arange(shape[0], dtype=np.float32)[:, None]
        at = cv2.transform(moved, self.matrix)
        # positions need no second map, which OpenCV asks for as an empty array
        none = np.empty(0, np.float32)
        warped = cv2.remap(image, at, none, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
        return cast("Picture", warped)

    def transform_scars(
        self, scars: Iterable[Scar], mm_per_px: float, mm_per_px_warped: float
    ) -> list[Scar]:
        """Scars of the original as they lie in the warped picture.

        Axes follow the local stretch, so the area in the warped picture's pixels is the original's
        times the Jacobian at the centre.

        Parameters
        ----------
        scars : iterable of Scar
            In the original.
        mm_per_px, mm_per_px_warped : float
            Nominal pixel size of both pictures.

        Returns
        -------
        list of Scar
        """
        scars = list(scars)
        if not scars:
            return []
        # central differences over 2 px: the waves are hundreds of px long
        steps = np.array([[0.0, 0.0], [1, 0], [-1, 0], [0, 1], [0, -1]])
        centres = np.array([[scar.x_px, scar.y_px] for scar in scars])
        moved = self.transform_points((centres[:, None] + steps).reshape(-1, 2)).reshape(-1, 5, 2)
        along_x = (moved[:, 1] - moved[:, 2]) / 2
        along_y = (moved[:, 3] - moved[:, 4]) / 2
        jacobians = np.stack([along_x, along_y], axis=-1) * (mm_per_px_warped / mm_per_px)
        return [
            _deform(scar, centre, jacobian)
            for scar, centre, jacobian in zip(scars, moved[:, 0], jacobians, strict=True)
        ]


def _deform(scar: Scar, centre: NDArray[np.float64], jacobian: NDArray[np.float64]) -> Scar:
    """The scar at its new place; `jacobian` is in mm per mm."""
    turn = np.radians(scar.angle_deg)
    axis = jacobian @ np.array([np.cos(turn), np.sin(turn)])
    stretch = float(np.hypot(*axis))
    return replace(
        scar,
        x_px=float(centre[0]),
        y_px=float(centre[1]),
        rx_mm=scar.rx_mm * stretch,
        ry_mm=scar.ry_mm * float(np.linalg.det(jacobian)) / stretch,
        angle_deg=float(np.degrees(np.arctan2(axis[1], axis[0]))),
    )
