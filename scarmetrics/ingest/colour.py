"""Embedded colour profiles -> sRGB."""

from __future__ import annotations

import io

import numpy as np

from scarmetrics.models import Image

_LATTICE_STEPS = 9
_SAME_LEVELS = 1
_BAND_ROWS = 256


def to_srgb(pixels: Image, icc_profile: bytes) -> tuple[Image, tuple[str, ...]]:
    """Convert pixels from their embedded profile to sRGB, relative colorimetric.

    Relative colorimetric keeps every colour that sRGB can hold as it was measured; the perceptual
    intent would shift them all. A profile that changes no colour by more than one level counts as
    sRGB and leaves the pixels alone.

    Parameters
    ----------
    pixels : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB as stored.
    icc_profile : bytes
        The embedded profile; empty where there is none, which means sRGB.

    Returns
    -------
    pixels : ndarray, shape (M, N, 3)
        sRGB; 8 bit where something was converted.
    flags : tuple of str
        What was done.
    """
    if not icc_profile:
        return pixels, ()
    from PIL import Image as PilImage
    from PIL import ImageCms

    def convert(values: Image) -> Image:
        image = PilImage.fromarray(values)
        ImageCms.applyTransform(image, transform, inPlace=True)
        return np.asarray(image)

    lattice = _colour_lattice()
    try:
        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(icc_profile)),
            ImageCms.createProfile("sRGB"),
            "RGB",
            "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        )
        change = np.abs(convert(lattice).astype(np.int16) - lattice)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return pixels, ("icc_unreadable",)
    if change.max() <= _SAME_LEVELS:
        return pixels, ()
    if pixels.dtype == np.uint16:
        return convert(_to_8_bit(pixels)), ("icc_converted", "icc_8bit")
    return convert(pixels), ("icc_converted",)


def _colour_lattice() -> Image:
    levels = np.linspace(0, 255, _LATTICE_STEPS).round().astype(np.uint8)
    red, green, blue = np.meshgrid(levels, levels, levels, indexing="ij")
    return np.stack([red, green, blue], axis=-1).reshape(_LATTICE_STEPS, -1, 3)


def _to_8_bit(pixels: Image) -> Image:
    """Round 16 to 8 bit, in bands of rows because the intermediate needs twice the memory."""
    reduced = np.empty(pixels.shape, np.uint8)
    for top in range(0, len(pixels), _BAND_ROWS):
        band = pixels[top : top + _BAND_ROWS].astype(np.uint32)
        reduced[top : top + _BAND_ROWS] = (band + 128) // 257
    return reduced
