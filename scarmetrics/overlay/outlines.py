"""Outlines of labels at sub-pixel precision, and their fates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage as ndi
from skimage.measure import find_contours

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from scarmetrics.measure import ScarMatch
    from scarmetrics.models import Fate, Mask, Points


@dataclass(frozen=True, eq=False)
class Outline:
    """A closed line around one scar.

    Attributes
    ----------
    xy : ndarray of float64, shape (K, 2)
        Points; the last one is the first.
    fate : {'persisted', 'shrunk', 'grown', 'healed', 'new'}
        What becomes, or became, of the scar.
    """

    xy: Points
    fate: Fate


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
        Outline(xy, fates[label])
        for label, place in enumerate(ndi.find_objects(labels), start=1)
        if place is not None
        for xy in _contours(labels[place] == label, place)
    )


def mask_outlines(mask: Mask) -> tuple[Points, ...]:
    """Outlines of a mask, holes included, in its own pixels."""
    places = ndi.find_objects(mask.astype(np.uint8))
    return tuple(xy for place in places for xy in _contours(mask[place], place))


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


def _contours(inside: Mask, place: tuple[slice, ...]) -> list[Points]:
    corner = np.array([place[1].start - 1, place[0].start - 1], np.float64)
    return [line[:, ::-1] + corner for line in find_contours(np.pad(inside, 1), 0.5)]
