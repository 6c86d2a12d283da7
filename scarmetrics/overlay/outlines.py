"""Outlines of labels at sub-pixel precision, and their fates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage as ndi
from skimage.measure import find_contours

from scarmetrics.opencv import cv2

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from scarmetrics.measure import ScarMatch
    from scarmetrics.models import Fate, Mask, Points

# smoothing of outlines, in points, which are about a pixel apart
_SIGMA_PER_POINT, _SMALLEST_SIGMA, _LARGEST_SIGMA = 1 / 50, 0.4, 3.0


@dataclass(frozen=True, eq=False)
class Outline:
    """A closed line around one scar.

    Attributes
    ----------
    xy : ndarray of float64, shape (K, 2)
        Points; the last one is the first.
    fate : {'persisted', 'shrunk', 'grown', 'healed', 'new'}
        What becomes, or became, of the scar.
    label : int
        The scar's label; 0 where there is none.
    """

    xy: Points
    fate: Fate
    label: int = 0


def scar_outlines(labels: NDArray[np.int32], fates: Mapping[int, Fate]) -> tuple[Outline, ...]:
    """Outlines of all scars, in the photograph's own pixels.

    Parameters
    ----------
    labels : ndarray of int32, shape (M, N)
        Scars; 0 is skin.
    fates : mapping of int to str
        Fate of each label.

    Returns
    -------
    tuple of Outline
        In the order of the labels; a scar with holes has several.
    """
    return tuple(
        Outline(xy, fates[label], label)
        for label, place in enumerate(ndi.find_objects(labels), start=1)
        if place is not None
        for xy in rings_of(labels[place] == label, place)
    )


def mask_outlines(mask: Mask) -> tuple[Points, ...]:
    """Outlines of a mask, holes included, in its own pixels."""
    place = window(mask)
    return tuple(rings_of(mask[place], place))


def baseline_fates(matches: Sequence[ScarMatch]) -> dict[int, Fate]:
    """Fate of each baseline label."""
    return {match.baseline_id: match.fate for match in matches if match.baseline_id is not None}


def follow_up_fates(matches: Sequence[ScarMatch]) -> dict[int, Fate]:
    """Fate of each follow-up label."""
    return {match.follow_up_id: match.fate for match in matches if match.follow_up_id is not None}


def move_all(
    lines: Sequence[Points], move: Callable[[Points], Points]
) -> tuple[NDArray[np.float64], ...]:
    """All lines through one call of a map of points, which is faster than one call for each."""
    if not lines:
        return ()
    ends = np.cumsum([len(line) for line in lines])[:-1]
    return tuple(np.split(move(np.concatenate(lines)), ends))


def window(mask: Mask) -> tuple[slice, slice]:
    """Rows and columns that hold a mask; empty for an empty one."""
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    return np.s_[y : y + height, x : x + width]


def rings_of(inside: Mask, place: tuple[slice, ...]) -> list[Points]:
    """Smooth closed outlines of a mask that is cut from a larger one at `place`."""
    corner = np.array([place[1].start - 1, place[0].start - 1], np.float64)
    return [_smooth(line[:, ::-1] + corner) for line in find_contours(np.pad(inside, 1), 0.5)]


def simplified(ring: Points, tolerance_px: float) -> Points:
    """A ring with only the points that it needs to stay within a tolerance; open in the list."""
    few = cv2.approxPolyDP(ring[:-1].astype(np.float32), tolerance_px, True).reshape(-1, 2)
    return np.asarray(few if len(few) >= 3 else ring[:-1], np.float64)


def ring_area_px(ring: Points) -> float:
    """Area inside a closed line."""
    return abs(float(cv2.contourArea(ring.astype(np.float32))))


def _smooth(ring: Points) -> Points:
    """The ring without the steps of pixels, no point moved by more than half a pixel along an axis.

    What was smoothed away is smoothed and put back once (G. Taubin, "A signal processing approach
    to fair surface design", SIGGRAPH 1995), and short rings are smoothed less, so that small scars
    do not shrink.
    """
    points = ring[:-1]
    sigma = min(_SIGMA_PER_POINT * len(points), _LARGEST_SIGMA)
    if sigma < _SMALLEST_SIGMA:
        return ring
    once = ndi.gaussian_filter1d(points, sigma, axis=0, mode="wrap")
    back = ndi.gaussian_filter1d(points - once, sigma, axis=0, mode="wrap")
    even = points + np.clip(once + back - points, -0.5, 0.5)
    return np.concatenate([even, even[:1]])
