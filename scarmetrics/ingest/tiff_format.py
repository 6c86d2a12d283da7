"""TIFF files -> stored pixels."""

from __future__ import annotations

import io
import warnings
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from tifffile import COMPRESSION, PHOTOMETRIC, PLANARCONFIG

from scarmetrics.errors import PhotographError
from scarmetrics.ingest.rawimage import RawImage, check_size, valid_dpi, valid_orientation
from scarmetrics.opencv import cv2

if TYPE_CHECKING:
    from scarmetrics.models import Image

_GRAY = frozenset({PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.MINISWHITE})
_COLOUR = frozenset({PHOTOMETRIC.RGB, PHOTOMETRIC.PALETTE, PHOTOMETRIC.YCBCR})
_DEFLATE = frozenset({COMPRESSION.ADOBE_DEFLATE, COMPRESSION.DEFLATE})
_TIFFFILE_READS = frozenset({COMPRESSION.NONE, *_DEFLATE})
_MAX_SAMPLES = 4  # red, green, blue and transparency
_MAX_TILE_PX = 4096  # a tile may stick out of a small image, but not by more than that
_CHUNK = 1 << 20
_ORIENTATION_TAG = 274
_UNITS_PER_INCH = {2: 1.0, 3: 2.54}  # the tag's codes for inch and centimetre


def decode_tiff(data: bytes, max_megapixels: float) -> RawImage:
    """Decode the first page of a TIFF file of 8 or 16 bit.

    Parameters
    ----------
    data : bytes
        The file.
    max_megapixels : float
        Larger images are refused.

    Raises
    ------
    PhotographError
        If it is damaged, gray, in a format that is not supported, or too large or small.
    """
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        page = tiff.pages.first
        check_size(page.imagewidth, page.imagelength, max_megapixels)
        _check_format(page)
        _check_tiles(page)
        _check_extents(page, len(data))
        if page.compression in _DEFLATE:
            _check_inflated(page, data)
        pixels = _tifffile_pixels(page) if _is_plain(page) else _fallback_pixels(data, page)
        if pixels.shape[:2] != (page.imagelength, page.imagewidth):
            raise PhotographError("image_corrupt")
        flags = [
            *(["alpha_dropped"] if pixels.shape[2] > 3 else []),
            *(["extra_pages"] if _has_second_page(tiff) else []),
        ]
        return RawImage(
            pixels[..., :3],
            valid_orientation(page.tags.valueof(_ORIENTATION_TAG)),
            page.tags.valueof("InterColorProfile") or b"",
            tuple(flags),
            _dpi(page),
        )


def _has_second_page(tiff: tifffile.TiffFile) -> bool:
    """Look no further than that: a small file can claim millions of pages."""
    try:
        tiff.pages[1]
    except IndexError:
        return False
    except Exception:  # noqa: BLE001 - it is there, and in what state does not matter
        return True
    return True


def _dpi(page: tifffile.TiffPage) -> float | None:
    try:
        across, down = (tuple(page.tags.valueof(tag)) for tag in ("XResolution", "YResolution"))
        per_inch = _UNITS_PER_INCH[int(page.tags.valueof("ResolutionUnit"))]
        return valid_dpi(across[0] / across[1] * per_inch, down[0] / down[1] * per_inch)
    except Exception:  # noqa: BLE001 - damaged tags raise anything and must not cost the photograph
        return None


def _check_format(page: tifffile.TiffPage) -> None:
    known_layout = page.planarconfig in {PLANARCONFIG.CONTIG, PLANARCONFIG.SEPARATE}
    if page.sampleformat != tifffile.SAMPLEFORMAT.UINT or page.imagedepth != 1 or not known_layout:
        raise PhotographError("image_unsupported")
    if page.photometric in _GRAY:
        raise PhotographError("image_gray")
    bits = page.bitspersample
    palette = page.photometric == PHOTOMETRIC.PALETTE
    if page.photometric not in _COLOUR or not (bits in {8, 16} or palette):
        raise PhotographError(
            "image_unsupported",
            f"TIFF {PHOTOMETRIC(page.photometric).name} of {bits} bit is not supported",
        )
    if not palette and not 3 <= page.samplesperpixel <= _MAX_SAMPLES:
        raise PhotographError(
            "image_unsupported", f"TIFF of {page.samplesperpixel} channels is not supported"
        )


def _check_tiles(page: tifffile.TiffPage) -> None:
    """Refuse tiles that take far more memory than the image."""
    sizes = ((page.tilewidth, page.imagewidth), (page.tilelength, page.imagelength))
    if page.is_tiled and any(tile > max(_MAX_TILE_PX, 2 * whole) for tile, whole in sizes):
        raise PhotographError(
            "image_corrupt", f"TIFF tiles of {page.tilewidth} x {page.tilelength} px"
        )


def _check_inflated(page: tifffile.TiffPage, data: bytes) -> None:
    """Refuse compressed data that unpack to more than their part of the image can hold."""
    if page.is_tiled:
        segment_px = page.tilewidth * page.tilelength
    else:
        segment_px = page.imagewidth * min(page.rowsperstrip, page.imagelength)
    planes = 1 if page.planarconfig == PLANARCONFIG.SEPARATE else page.samplesperpixel
    most = segment_px * planes * page.bitspersample // 8
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        unpacker = zlib.decompressobj()
        left, packed = most, data[offset : offset + count]
        while packed and not unpacker.eof:
            left -= len(unpacker.decompress(packed, _CHUNK))
            packed = unpacker.unconsumed_tail
            if left < 0:
                raise PhotographError("image_corrupt", "the TIFF's data unpack to too much")


def _check_extents(page: tifffile.TiffPage, size_bytes: int) -> None:
    """Refuse strips that are absent or lie behind the end, which decoders fill with black."""
    extents = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    if not extents or any(
        offset <= 0 or count <= 0 or offset + count > size_bytes for offset, count in extents
    ):
        raise PhotographError("image_corrupt", "the TIFF's data are not complete")


def _is_plain(page: tifffile.TiffPage) -> bool:
    return page.photometric == PHOTOMETRIC.RGB and page.compression in _TIFFFILE_READS


def _tifffile_pixels(page: tifffile.TiffPage) -> Image:
    pixels: Image = page.asarray()
    if page.planarconfig == PLANARCONFIG.SEPARATE:
        pixels = np.moveaxis(pixels, 0, 2)
    return pixels


def _fallback_pixels(data: bytes, page: tifffile.TiffPage) -> Image:
    """Decode LZW, JPEG and palettes with libtiff, which tifffile does not do alone.

    Pillow is the one for 8 bit, because OpenCV multiplies colour by alpha there; OpenCV for
    16 bit, which Pillow reduces to 8. Both turn the image; taking the orientation out of the
    bytes leaves that to the caller for every format alike.
    """
    plain = _without_orientation(data, page)
    if page.bitspersample == 16 and page.photometric != PHOTOMETRIC.PALETTE:
        pixels: Any = cv2.imdecode(np.frombuffer(plain, np.uint8), cv2.IMREAD_UNCHANGED)
        if pixels is None or pixels.dtype != np.uint16 or pixels.ndim != 3:
            raise PhotographError("image_unsupported", "the TIFF's compression is not supported")
        rgb: Image = pixels[..., [2, 1, 0, *range(3, pixels.shape[2])]]
        return rgb
    from PIL.Image import DecompressionBombError
    from PIL.TiffImagePlugin import TiffImageFile

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = TiffImageFile(io.BytesIO(plain))
            image.load()
    except DecompressionBombError:
        raise PhotographError(
            "image_too_large", "a TIFF of this size is read only without compression"
        ) from None
    if image.mode in {"P", "PA"}:
        return np.asarray(image.convert("RGB"))
    if image.mode not in {"RGB", "RGBA", "RGBX"}:
        raise PhotographError("image_unsupported", f"the pixel format {image.mode} is not RGB")
    return np.asarray(image)


def _without_orientation(data: bytes, page: tifffile.TiffPage) -> bytes:
    tag = page.tags.get(_ORIENTATION_TAG)
    if tag is None:
        return data
    upright = (1).to_bytes(2, "little" if page.parent.byteorder == "<" else "big")
    return data[: tag.valueoffset] + upright + data[tag.valueoffset + 2 :]
