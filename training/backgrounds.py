"""Skin to draw on: real faces, one file per half, and which people are never trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from skimage.io import imread

import scarmetrics as sm
from scarmetrics.models import SIDES
from scarmetrics.photometry import lit_skin
from scarmetrics.units import NOMINAL_INTERPUPILLARY_MM

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

# The last ones by number are left for the benchmarks.
HELD_OUT = {"london": 10, "canada": 6}
_SHADOW_MM = 3.0
_DARKEST_SKIN = 0.4


class Background(NamedTuple):
    """Half a face, cut out."""

    name: str
    image: NDArray[np.uint8]
    skin: NDArray[np.bool_]
    mm_per_px: float


def training_photographs(faces: Path) -> list[Path]:
    """Photographs of people that are trained on, in a stable order."""
    kept = []
    for folder, left_out in HELD_OUT.items():
        people = sorted({path.stem.split("_")[0] for path in (faces / folder).glob("*.jpg")})
        for person in people[:-left_out]:
            kept += sorted((faces / folder).glob(f"{person}*.jpg"))
    return kept


def halves(photograph: Path) -> Iterator[Background]:
    """Both halves of one photograph, each with a little around it."""
    image = np.ascontiguousarray(imread(photograph)[..., :3])
    face = sm.detect_face(image)
    if not face:
        return
    mm_per_px = NOMINAL_INTERPUPILLARY_MM / face.interpupillary_px
    for side in SIDES:
        skin = lit_skin(image, face.skin_mask(side), _SHADOW_MM / mm_per_px, _DARKEST_SKIN)
        y, x = np.nonzero(skin)
        if len(x) == 0:
            continue
        window = np.s_[max(0, y.min() - 8) : y.max() + 9, max(0, x.min() - 8) : x.max() + 9]
        yield Background(
            f"{photograph.parent.name}-{photograph.stem}-{side}",
            np.ascontiguousarray(image[window]),
            np.ascontiguousarray(skin[window]),
            mm_per_px,
        )
