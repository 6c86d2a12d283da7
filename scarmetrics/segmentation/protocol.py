"""What every segmenter offers, and the registry through which a config names one.

A segmenter works in two steps so that both visits of a half fall under one rule: `respond` looks
at one photograph; `label` takes the response and the noise *of the pair*. Where one visit shows a
scar that the other, judged alone, does not, its place is judged again there by a lower limit of
detection (`known`), so that a scar counts at both visits or has gone, and none drops out for lying
just below the limit at one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from scarmetrics.config import ONNX, SegmentationConfig
from scarmetrics.errors import UsageError
from scarmetrics.models import Failure, FloatImage, Image, Mask
from scarmetrics.photometry import require_rgb

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

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
    core : ndarray of float32, shape (h, w), or None
        Relative depth on the same grid, for a method that splits touching scars by it: 1 at each
        scar's deepest point, 0.5 on its outline, 0 outside.
    """

    depth: FloatImage
    roi: Mask
    origin: tuple[int, int]
    px_per_cell: tuple[float, float]
    mm_per_px: float
    noise: float
    log: FloatImage | None = None
    core: FloatImage | None = None


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
    detection_probability : ndarray of float64, shape (K,), or None
        Chance that a new photograph would show each scar under the limit by which it was judged
        here: 1 far above it, 0.5 at it. None takes all for certain.
    smallest_area_px : float
        Area of the smallest scar that would have counted.
    correlation_px : float
        Length along a contour over which its errors move together.
    area_rel_sd : float
        Relative error of the whole area that a new photograph of the same skin repeats: what the
        method gets wrong about these scars.
    change_rel_sd : float
        Error of a change of the whole area, relative to the change: how far the method reads scars
        that shrink or grow shallow otherwise than scars as they were. Never less than
        `area_rel_sd`, which scales the change too.
    repeat_rel_sd : float
        Relative error of the whole area that is drawn anew with each photograph.
    scar_rel_sd : float
        The same of a single scar.
    """

    labels: NDArray[np.int32]
    peak: NDArray[np.float64]
    boundary_sd_px: NDArray[np.float64]
    noise: float
    detection_probability: NDArray[np.float64] | None = None
    smallest_area_px: float = 0.0
    correlation_px: float = 3.0
    area_rel_sd: float = 0.0
    change_rel_sd: float = 0.0
    repeat_rel_sd: float = 0.0
    scar_rel_sd: float = 0.0

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

    def label(
        self, response: Response, roi: Mask, noise: float, known: Mask | None = None
    ) -> ScarLabels:
        """Scars in a response, judged against the pair's noise, cut to `roi`.

        `known`, of the photograph's shape, is skin where the other visit shows a scar that was not
        found here. A scar there counts by a lower limit; elsewhere nothing is added.
        """
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
        If no segmenter has that name, or the model file that it names cannot be used.
    """
    if config.model_file is not None:
        return _of_file(config, config.model_file)
    if config.method not in _REGISTRY:
        known = ", ".join(segmenter_names())
        raise UsageError(
            f"no segmentation method is called {config.method!r}",
            f"use one of: {known}; or the path of a model file (.npz), or onnx: and a path",
        )
    return _REGISTRY[config.method](config)


def _of_file(config: SegmentationConfig, path: Path) -> Segmenter:
    if config.method.startswith(ONNX):
        from scarmetrics.segmentation.learned import OnnxSegmenter

        return OnnxSegmenter(config, path)
    from scarmetrics.segmentation.taught import TaughtSegmenter

    return TaughtSegmenter(config, path)


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
