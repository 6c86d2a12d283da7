"""How far a registration may be believed, and whether it shows the same skin at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from skimage.morphology import remove_small_holes, remove_small_objects

from scarmetrics.photometry import blur
from scarmetrics.registration.flow import to_grid
from scarmetrics.registration.result import FailedRegistration

if TYPE_CHECKING:
    from scarmetrics.models import FloatImage, Mask

_HOLE_LENGTHS = 3.0  # holes up to this many smoothing lengths wide are filled
_MIRROR_MARGIN = 0.08  # chosen on right and wrong pairs of real faces, sharp and blurred

# Standard deviation in working px as a root sum of squares; `benchmarks/registration.py --fit`
_FLOOR = 0.01
_OF_INCONSISTENCY = 0.89
_OF_UNREST = 0.6
_OF_DISAGREEMENT = 0.27


@dataclass(frozen=True, eq=False)
class Evidence:
    """How well two photographs agree once they are aligned.

    Attributes
    ----------
    error_mm : ndarray of float32, shape (h, w)
        Expected error of the map.
    coarse_agreement : float
        Median local correlation of the coarse texture.
    consistent_share : float
        Share of the fixed photograph's skin where going forward and backward closes.
    """

    error_mm: FloatImage
    coarse_agreement: float
    consistent_share: float

    @property
    def likeness(self) -> float:
        """How much two photographs look like the same skin, up to 1.25.

        Dense flow makes any two skins agree somewhat in texture, and some flows consistent; only
        the same skin does both over most of the face.
        """
        return self.coarse_agreement + self.consistent_share / 4


def expected_error_px(
    inconsistency_px: FloatImage, unrest_px: FloatImage, agreement: FloatImage
) -> FloatImage:
    """Standard deviation of the map along each axis that the evidence predicts.

    Parameters
    ----------
    inconsistency_px : ndarray of float32, shape (h, w)
        Distance by which going forward and backward misses the point of departure.
    unrest_px : ndarray of float32, shape (h, w)
        Length of the step that the texture still asks for.
    agreement : ndarray of float32, shape (h, w)
        Local correlation of the fine textures after alignment, -1 to 1.

    Returns
    -------
    ndarray of float32, shape (h, w)
        In px of the working frame.
    """
    return np.sqrt(
        np.float32(_FLOOR**2)
        + (np.float32(_OF_INCONSISTENCY) * inconsistency_px) ** 2
        + (np.float32(_OF_UNREST) * unrest_px) ** 2
        + (np.float32(_OF_DISAGREEMENT) * (1 - np.clip(agreement, 0, 1))) ** 2
    )


def local_correlation(
    first: FloatImage, second: FloatImage, mask: Mask, sigma: float
) -> FloatImage:
    """Correlation of two textures within a Gaussian window, on the flow's grid, -1 to 1.

    Parameters
    ----------
    first, second : ndarray of float32, shape (h, w)
        Textures, aligned.
    mask : ndarray of bool, shape (h, w)
        Where they count.
    sigma : float
        Standard deviation of the window, in grid cells.

    Returns
    -------
    ndarray of float32, shape of the grid
    """

    def mean(product: FloatImage) -> FloatImage:
        return blur(to_grid(np.where(mask, product, np.float32(0))), sigma)

    energy = mean(first * first) * mean(second * second)
    return mean(first * second) / np.sqrt(np.maximum(energy, np.float32(1e-12)))


def without_specks(believed: Mask, skin: Mask, length_px: float) -> Mask:
    """Fill small holes in the skin and drop islands narrower than the smoothing length.

    The flow there is carried by its surroundings; a hole would leave out just the skin that
    changed most, such as a scar that healed.
    """
    filled = remove_small_holes(believed, max_size=int((_HOLE_LENGTHS * length_px) ** 2)) & skin
    return np.asarray(remove_small_objects(filled, max_size=int(length_px**2)), bool)


def refuse_mirrored(likeness: float, mirrored: float) -> FailedRegistration | None:
    """Refuse what looks no more like the skin than like its mirror image.

    The mirror image has the same light, blur and features, so its likeness is what flow can do
    for skin that is not the same.
    """
    if mirrored - likeness > _MIRROR_MARGIN:
        return FailedRegistration("laterality_conflict")
    if likeness - mirrored < _MIRROR_MARGIN:
        return FailedRegistration(
            "registration_disagrees",
            f"the follow-up looks like the baseline ({likeness:.2f}) hardly more than its mirror "
            f"image does ({mirrored:.2f})",
            skin_differs=True,
        )
    return None


def refuse_as_mirrored(mirrored: float, likeness: float, least: float) -> FailedRegistration | None:
    """Refuse as a mirror image what is refused already, where its mirror image is alike.

    Parameters
    ----------
    mirrored : float
        Likeness of the mirror image.
    likeness : float
        Of the photograph itself; 0 where too little could be aligned to tell.
    least : float
        Likeness of what is accepted.

    Returns
    -------
    FailedRegistration or None
    """
    if mirrored < max(least, likeness) + _MIRROR_MARGIN:
        return None
    return FailedRegistration(
        "laterality_conflict",
        f"the follow-up looks like the mirror image of the baseline ({mirrored:.2f}) and not like "
        "the baseline: one of the two is mirrored",
    )
