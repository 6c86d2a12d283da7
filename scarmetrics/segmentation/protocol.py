"""What every segmenter offers, and the registry through which a config names one.

A segmenter works in two steps so that both visits of a half fall under one rule: `respond` looks
at one photograph; `label` takes the response and the noise *of the pair*.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from scarmetrics.config import SegmentationConfig
from scarmetrics.errors import UsageError
from scarmetrics.models import Failure, FloatImage, Image, Mask
from scarmetrics.photometry import require_rgb

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray


class FailedSegmentation(Failure):
    """Scars could not be looked for; falsy, carries the reason."""


@dataclass(frozen=True, eq=False)
class Response:
    """How scar-like each pixel of one photograph is.

    Attributes
    ----------
    depth : ndarray of float32, shape (h, w)
        Depth signal on a working grid; for the classical method the relative darkening against
        the skin around, as a difference of log luminance.
    roi : ndarray of bool, shape (h, w)
        Skin on the same grid.
    origin : tuple of int
        (x0, y0) px of the photograph at which the grid's outer corner lies.
    px_per_cell : tuple of float
        Photograph px per grid cell along x and y.
    mm_per_px : float
        Scale of the photograph, in which sizes were chosen.
    noise : float
        Robust standard deviation of `depth` over `roi`.
    log : ndarray of float32, shape (h, w), or None
        Log luminance on the same grid, for a method that outlines scars on it.
    """

    depth: FloatImage
    roi: Mask
    origin: tuple[int, int]
    px_per_cell: tuple[float, float]
    mm_per_px: float
    noise: float
    log: FloatImage | None = None


@dataclass(frozen=True, eq=False)
class ScarLabels:
    """Scars of one photograph.

    Attributes
    ----------
    labels : ndarray of int32, shape (M, N)
        0 is skin, each scar has a number from 1 on in reading order.
    peak : ndarray of float64, shape (K,)
        Depth signal at each scar's deepest point; label 1 is at index 0.
    boundary_sd_px : ndarray of float64, shape (K,)
        Standard deviation of each scar's boundary position, across the boundary.
    noise : float
        The noise against which significance was judged.
    """

    labels: NDArray[np.int32]
    peak: NDArray[np.float64]
    boundary_sd_px: NDArray[np.float64]
    noise: float

    @property
    def count(self) -> int:
        """Number of scars."""
        return len(self.peak)


class Segmenter(Protocol):
    """A method that finds scars; stateless after construction."""

    def respond(
        self, image: Image, roi: Mask, mm_per_px: float, coarsest_mm_per_px: float
    ) -> Response | FailedSegmentation:
        """Depth signal of one photograph on the skin given by `roi`.

        `coarsest_mm_per_px` is the coarser scale of the pair, so that a finer photograph is not
        looked at more closely than the one it is compared with.
        """
        ...

    def label(self, response: Response, roi: Mask, noise: float) -> ScarLabels:
        """Scars in a response, judged against the pair's noise, cut to `roi`."""
        ...


_REGISTRY: dict[str, Callable[[SegmentationConfig], Segmenter]] = {}


def register_segmenter(name: str, factory: Callable[[SegmentationConfig], Segmenter]) -> None:
    """Make a segmenter available as ``segmentation.method: name``.

    Parameters
    ----------
    name : str
        What the config calls it.
    factory : callable
        Takes the `SegmentationConfig`, returns the segmenter.

    Raises
    ------
    ValueError
        If the name is taken.
    """
    if name in _REGISTRY:
        raise ValueError(f"a segmenter named {name!r} is registered already")
    _REGISTRY[name] = factory


def segmenter_names() -> tuple[str, ...]:
    """Names that a config may use."""
    return tuple(sorted(_REGISTRY))


def make_segmenter(config: SegmentationConfig) -> Segmenter:
    """The segmenter that a config names.

    Parameters
    ----------
    config : SegmentationConfig
        Method and its parameters.

    Returns
    -------
    Segmenter

    Raises
    ------
    UsageError
        If no segmenter has that name.
    """
    if config.method not in _REGISTRY:
        known = ", ".join(segmenter_names())
        raise UsageError(
            f"segmentation.method {config.method!r} does not exist", f"use one of: {known}"
        )
    return _REGISTRY[config.method](config)


def pool_noise(responses: Sequence[Response]) -> float:
    """One noise for all visits of a half: the root mean square of theirs."""
    return float(np.sqrt(np.mean([response.noise**2 for response in responses])))


def segment(
    image: Image,
    *,
    mm_per_px: float,
    roi: Mask | None = None,
    noise: float | None = None,
    config: SegmentationConfig | None = None,
) -> ScarLabels | FailedSegmentation:
    """Find scars in one photograph.

    Parameters
    ----------
    image : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB.
    mm_per_px : float
        Scale; sets the sizes looked for.
    roi : ndarray of bool, shape (M, N), optional
        Skin to look at; all of the image by default.
    noise : float, optional
        Noise of the pair that this photograph belongs to; its own by default.
    config : SegmentationConfig, optional
        Method and sizes.

    Returns
    -------
    ScarLabels or FailedSegmentation
        `FailedSegmentation` is falsy and says why.

    Raises
    ------
    ValueError
        If the image is not RGB of 8 or 16 bit, `roi` has another shape than it, or `mm_per_px`
        is not a positive number.

    Examples
    --------
    >>> import numpy as np
    >>> import scarmetrics as sm
    >>> skin = np.full((200, 200, 3), 180, np.uint8)
    >>> y, x = np.mgrid[:200, :200]
    >>> skin[(x - 100) ** 2 + (y - 100) ** 2 <= 100] = 120  # 4 mm wide at 0.2 mm/px
    >>> sm.segment(skin, mm_per_px=0.2).count
    1
    """
    require_rgb(image)
    if not (np.isfinite(mm_per_px) and mm_per_px > 0):
        raise ValueError(f"mm_per_px is {mm_per_px}, must be a positive number")
    if roi is None:
        roi = np.ones(image.shape[:2], bool)
    if roi.shape != image.shape[:2] or roi.dtype != np.bool_:
        raise ValueError(
            f"roi has shape {roi.shape} and type {roi.dtype}, must be {image.shape[:2]} of bool"
        )
    segmenter = make_segmenter(config or SegmentationConfig())
    response = segmenter.respond(image, roi, mm_per_px, mm_per_px)
    if not isinstance(response, Response):
        return response
    return segmenter.label(response, roi, response.noise if noise is None else noise)
