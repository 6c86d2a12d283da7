"""One photograph file -> upright sRGB pixels, or the reason why not."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.errors import PhotographError
from scarmetrics.ingest.colour import to_srgb
from scarmetrics.ingest.rawimage import upright
from scarmetrics.models import Image, Photograph
from scarmetrics.safe_read import TooLargeError, read_regular

if TYPE_CHECKING:
    from scarmetrics.ingest.rawimage import RawImage

_MAX_BYTES_PER_PX = 8  # 16 bit with alpha, not compressed
_MAX_METADATA_BYTES = 64_000_000
_BMP_HEADER_SIZES = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
_TIFF_SIGNATURES = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")


def decode_photograph(path: Path | str, *, max_megapixels: float = 200.0) -> Photograph:
    """Read a JPEG, PNG, BMP or TIFF photograph.

    The format is told by the content, whatever the extension says. EXIF orientation is applied,
    an embedded colour profile is converted to sRGB, transparency is dropped. The
    resolution is handed on as it is: it is no scale unless a config says so.

    Parameters
    ----------
    path : path
        The file.
    max_megapixels : float, optional
        Larger images are refused before they are decoded.

    Returns
    -------
    Photograph
        C-contiguous RGB pixels, `uint8`, or `uint16` from a PNG or TIFF of 16 bit.

    Raises
    ------
    PhotographError
        If the file cannot be used; its `reason_code` says why.
    """
    data = _read(Path(path), max_megapixels)
    try:
        raw = _decode(data, max_megapixels)
    except (PhotographError, MemoryError):
        raise
    except Exception as error:  # damaged bytes make decoders raise anything
        raise PhotographError("image_corrupt") from error
    if _is_gray(raw.pixels):
        raise PhotographError("image_gray")
    pixels, colour_flags = to_srgb(raw.pixels, raw.icc_profile)
    return Photograph(
        upright(pixels, raw.orientation),
        hashlib.sha256(data).hexdigest(),
        tuple(sorted({*raw.flags, *colour_flags})),
        raw.dpi,
    )


def _read(path: Path, max_megapixels: float) -> bytes:
    try:
        limit = int(max_megapixels * 1e6 * _MAX_BYTES_PER_PX + _MAX_METADATA_BYTES)
        data = read_regular(path, limit)
    except TooLargeError as error:
        raise PhotographError(
            "image_too_large",
            f"a file of {error.size_bytes / 1e6:.0f} MB is larger than any "
            f"image of {max_megapixels:g} megapixels",
        ) from None
    except (FileNotFoundError, NotADirectoryError):
        raise PhotographError("file_missing") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is not valid"
        raise PhotographError("file_unreadable", f"the file cannot be opened ({reason})") from None
    if not data:
        raise PhotographError("file_empty")
    return data


def _decode(data: bytes, max_megapixels: float) -> RawImage:
    # Imported here because listing and planning a study need no codec.
    from scarmetrics.ingest import pillow_formats, tiff_format

    if data.startswith(b"\xff\xd8\xff"):
        return pillow_formats.decode_jpeg(data, max_megapixels)
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return pillow_formats.decode_png(data, max_megapixels)
    if data.startswith(_TIFF_SIGNATURES):
        return tiff_format.decode_tiff(data, max_megapixels)
    if data.startswith(b"BM") and int.from_bytes(data[14:18], "little") in _BMP_HEADER_SIZES:
        return pillow_formats.decode_bmp(data, max_megapixels)
    raise PhotographError("not_an_image")


def _is_gray(pixels: Image) -> bool:
    red, green, blue = (pixels[..., channel] for channel in range(3))
    return np.array_equal(red, green) and np.array_equal(green, blue)
