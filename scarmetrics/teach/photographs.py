"""Photographs that are traced: like those of a study, and close-ups that are too small for one."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageOps

from scarmetrics.errors import PhotographError
from scarmetrics.ingest import decode_photograph
from scarmetrics.ingest.colour import to_srgb
from scarmetrics.models import Photograph

if TYPE_CHECKING:
    from pathlib import Path

LEAST_SIDE_PX = 32


def read_traced_photograph(path: Path) -> Photograph:
    """Read a photograph or a close-up of at least `LEAST_SIDE_PX` on each side.

    Parameters
    ----------
    path : pathlib.Path
        The file, of a format that `decode_photograph` reads.

    Returns
    -------
    Photograph

    Raises
    ------
    PhotographError
        If the file cannot be used.
    """
    try:
        return decode_photograph(path)
    except PhotographError as error:
        if error.reason_code != "image_too_small":
            raise
    return _close_up(path.read_bytes())


def _close_up(data: bytes) -> Photograph:
    """Decode what is no face: Pillow alone is enough for so few pixels, at 8 bit."""
    try:
        with PillowImage.open(io.BytesIO(data)) as opened:
            profile = opened.info.get("icc_profile") or b""
            stored = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"), np.uint8)
    except (OSError, ValueError, SyntaxError) as error:
        raise PhotographError("image_corrupt") from error
    if min(stored.shape[:2]) < LEAST_SIDE_PX:
        raise PhotographError(
            "image_too_small",
            f"{stored.shape[1]} x {stored.shape[0]} px is less than {LEAST_SIDE_PX} px on a side",
        )
    if (stored == stored[..., :1]).all():
        raise PhotographError("image_gray")
    pixels, flags = to_srgb(stored, profile)
    return Photograph(pixels.copy(), hashlib.sha256(data).hexdigest(), flags)
