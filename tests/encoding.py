"""Encodes pictures for the decoding tests."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from scarmetrics.errors import PhotographError
from scarmetrics.ingest import decode_photograph
from scarmetrics.opencv import cv2

HEIGHT_PX, WIDTH_PX = 80, 112


def encode(pixels: np.ndarray, file_format: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, file_format, **options)
    return stream.getvalue()


def encode_tiff(pixels: np.ndarray, **options: object) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, pixels, **options)
    return stream.getvalue()


def encode_cv(pixels: np.ndarray, suffix: str, options: tuple[int, ...] = ()) -> bytes:
    ok, data = cv2.imencode(suffix, pixels[..., [2, 1, 0, *range(3, pixels.shape[2])]], options)
    assert ok
    return data.tobytes()


def as_16_bit(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(np.uint16) * 256 + 77


def with_alpha(pixels: np.ndarray) -> np.ndarray:
    alpha = np.full((*pixels.shape[:2], 1), pixels.max() // 3, pixels.dtype)
    return np.concatenate([pixels, alpha], axis=2)


def decode(data: bytes, folder: Path, name: str = "photo.jpg", **options: float):
    path = folder / name
    path.write_bytes(data)
    return decode_photograph(path, **options)


def reason(data: bytes, folder: Path, **options: float) -> str:
    with pytest.raises(PhotographError) as caught:
        decode(data, folder, **options)
    assert str(folder) not in str(caught.value)
    return caught.value.reason_code


def stored_for(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Pixels as a camera stores them so that the orientation brings them back."""
    turns = {
        1: lambda p: p,
        2: lambda p: p[:, ::-1],
        3: lambda p: np.rot90(p, 2),
        4: lambda p: p[::-1],
        5: lambda p: p.transpose(1, 0, 2),
        6: lambda p: np.rot90(p, 1),
        7: lambda p: np.rot90(p, 2).transpose(1, 0, 2),
        8: lambda p: np.rot90(p, -1),
    }
    return np.ascontiguousarray(turns[orientation](pixels))


def exif(orientation: int) -> bytes:
    block = Image.Exif()
    block[0x0112] = orientation
    return block.tobytes()


LOSSLESS = {
    "png": lambda p: encode(p, "PNG"),
    "bmp": lambda p: encode(p, "BMP"),
    "tiff": lambda p: encode(p, "TIFF"),
    "tiff deflate": lambda p: encode_tiff(p, photometric="rgb", compression="zlib", predictor=True),
    "tiff packbits": lambda p: encode(p, "TIFF", compression="packbits"),
    "tiff lzw": lambda p: encode(p, "TIFF", compression="tiff_lzw"),
    "tiff tiled": lambda p: encode_tiff(p, photometric="rgb", tile=(32, 32)),
    "tiff big endian": lambda p: encode_tiff(p, photometric="rgb", byteorder=">"),
    "tiff big": lambda p: encode_tiff(p, photometric="rgb", bigtiff=True),
    "tiff planar": lambda p: encode_tiff(
        np.moveaxis(p, 2, 0), photometric="rgb", planarconfig="separate"
    ),
}
LOSSLESS_16_BIT = {
    "png": lambda p: encode_cv(p, ".png"),
    "tiff": lambda p: encode_tiff(p, photometric="rgb"),
    "tiff deflate": lambda p: encode_tiff(p, photometric="rgb", compression="zlib", predictor=True),
    "tiff lzw": lambda p: encode_cv(p, ".tif", (cv2.IMWRITE_TIFF_COMPRESSION, 5)),
    "tiff planar": lambda p: encode_tiff(
        np.moveaxis(p, 2, 0), photometric="rgb", planarconfig="separate"
    ),
}
