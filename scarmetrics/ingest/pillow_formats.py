"""JPEG, PNG and BMP files -> stored pixels.

Pillow's readers are used one by one rather than through ``Image.open``, whose limit on pixels is
a global of the process; the limit here is the caller's.
"""

from __future__ import annotations

import hashlib
import io
import re
import struct
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL.BmpImagePlugin import BmpImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from scarmetrics.errors import PhotographError
from scarmetrics.ingest.rawimage import RawImage, check_size, exif_orientation, valid_dpi
from scarmetrics.opencv import cv2

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.ImageFile import ImageFile

    from scarmetrics.models import Image

_GRAY_MODES = frozenset({"1", "L", "LA", "I", "I;16", "I;16B"})
_ALPHA_DROPPED = ("alpha_dropped",)

_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]", re.DOTALL)
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = 0xC2
_MAX_SCANS = 100  # a progressive file has about 10; each costs a pass over the whole image
_PROBE = bytes(range(1, 255, 3)) * 4
_PROBE_REDUCTION = 8
_BAND_ROWS = 256
_MAX_PADDING_BYTES = 512  # some encoders pad their data a little
_PNG_BIT_DEPTH_OFFSET = 24


def decode_jpeg(data: bytes, max_megapixels: float) -> RawImage:
    """Decode a JPEG file of 8 bit.

    Parameters
    ----------
    data : bytes
        The file.
    max_megapixels : float
        Larger images are refused.

    Raises
    ------
    PhotographError
        If it is damaged, gray, not 8 bit, or too large or small.
    """
    scan_end, is_progressive = _check_jpeg_structure(data)
    image = _open(JpegImageFile, data, max_megapixels)
    pixels = _pixels(image)
    _check_scan(data[:scan_end], is_progressive)
    return RawImage(
        pixels,
        exif_orientation(image.info.get("exif", b"")),
        image.info.get("icc_profile") or b"",
        dpi=_dpi(image),
    )


def decode_png(data: bytes, max_megapixels: float) -> RawImage:
    """Decode a PNG file, 16 bit colour as `uint16`; parameters as for `decode_jpeg`."""
    image = _open(PngImageFile, data, max_megapixels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        PngImageFile(io.BytesIO(data)).verify()  # checksums of all chunks, up to the last one
    pixels = _pixels(image)
    if data[_PNG_BIT_DEPTH_OFFSET] == 16:
        pixels = _decode_16_bit(data)
    return RawImage(
        pixels,
        exif_orientation(image.info.get("exif", b"")),
        image.info.get("icc_profile") or b"",
        (*_alpha_flags(image), *(("extra_pages",) if getattr(image, "is_animated", False) else ())),
        _dpi(image),
    )


def decode_bmp(data: bytes, max_megapixels: float) -> RawImage:
    """Decode a BMP file; parameters as for `decode_jpeg`."""
    image = _open(BmpImageFile, data, max_megapixels)
    return RawImage(_pixels(image), flags=_alpha_flags(image), dpi=_dpi(image))


def _open(reader: type[ImageFile], data: bytes, max_megapixels: float) -> ImageFile:
    """Read the header; what Pillow warns about metadata is no concern of the user."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = reader(io.BytesIO(data))
    check_size(image.width, image.height, max_megapixels)
    if image.mode in _GRAY_MODES:
        raise PhotographError("image_gray")
    if image.mode not in {"RGB", "RGBA", "P"}:
        raise PhotographError("image_unsupported", f"the pixel format {image.mode} is not RGB")
    return image


def _pixels(image: ImageFile) -> Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image.load()
    if image.mode == "RGB":
        return np.asarray(image)
    # By way of RGBA, because a palette's transparency makes Pillow warn on the direct way.
    return np.asarray(image.convert("RGBA"))[..., :3]


def _alpha_flags(image: ImageFile) -> tuple[str, ...]:
    has_alpha = image.mode == "RGBA" or "transparency" in image.info
    return _ALPHA_DROPPED if has_alpha else ()


def _dpi(image: ImageFile) -> float | None:
    stated = image.info.get("dpi")
    return valid_dpi(*stated) if isinstance(stated, tuple) and len(stated) == 2 else None


def _decode_16_bit(data: bytes) -> Image:
    pixels: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16 or pixels.ndim != 3:
        raise PhotographError("image_corrupt")
    rgb: Image = pixels[..., 2::-1]
    return rgb


def _check_jpeg_structure(data: bytes) -> tuple[int, bool]:
    """Walk the segments; return where the end marker is and whether the JPEG is progressive."""
    is_progressive = False
    scans = 0
    for marker, start in _jpeg_markers(data):
        if marker in _START_OF_FRAME:
            (bits,) = struct.unpack_from("B", data, start + 4)
            if bits != 8:
                raise PhotographError("image_unsupported", f"JPEG of {bits} bit is not supported")
            is_progressive = marker == _PROGRESSIVE
        scans += marker == _START_OF_SCAN
        if scans > _MAX_SCANS:
            raise PhotographError("image_unsupported", f"a JPEG of more than {_MAX_SCANS} scans")
        if marker == _END_OF_IMAGE:
            return start, is_progressive
    raise PhotographError("image_corrupt", "the JPEG data have no end")


def _jpeg_markers(data: bytes) -> Iterator[tuple[int, int]]:
    """Marker code and offset of every segment, stepping over the segments' content."""
    position = 2
    while (match := _MARKER.search(data, position)) is not None:
        marker = data[match.start() + 1]
        yield marker, match.start()
        if marker == _END_OF_IMAGE:
            return
        (length,) = struct.unpack_from(">H", data, match.end())
        position = match.end() + length


def _check_scan(data: bytes, is_progressive: bool) -> None:
    """Refuse compressed data that end before the image does, or long after it.

    libjpeg says nothing of either. It fills what is missing with gray when an end marker follows,
    as recovery tools write it; and damage within the data shifts all that comes after, so that the
    image is full before the data are read. Probing tells: bytes appended behind the data must not
    change the image, bytes that replace its end must.
    """
    # A progressive file ends with details that only the full size shows, and may end anywhere.
    reduction = 1 if is_progressive else _PROBE_REDUCTION
    whole = _reduced_digest(data, reduction)
    if whole != _reduced_digest(data + _PROBE, reduction):
        raise PhotographError("image_corrupt", "the JPEG data end before the image is complete")
    if is_progressive or len(data) < 4 * _MAX_PADDING_BYTES:
        return
    if whole == _reduced_digest(data[:-_MAX_PADDING_BYTES] + _PROBE, reduction):
        raise PhotographError("image_corrupt", "the JPEG data are damaged")


def _reduced_digest(data: bytes, reduction: int) -> bytes:
    """Hash of the pixels at a fraction of the size, which needs all data but little arithmetic."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = JpegImageFile(io.BytesIO(data + b"\xff\xd9"))
        image.draft("RGB", (image.width // reduction, image.height // reduction))
        image.load()
    digest = hashlib.sha256()
    for top in range(0, image.height, _BAND_ROWS):  # a copy of all would take memory once more
        band = (0, top, image.width, min(top + _BAND_ROWS, image.height))
        digest.update(image.crop(band).tobytes())
    return digest.digest()
