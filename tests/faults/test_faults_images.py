"""Images that are damaged, of a kind that is not measured, or show no face that can be."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from broken import IMAGES, Content, Fault, small
from encoding import decode, encode, encode_tiff, exif
from faulty import Measured, check
from PIL import Image


@pytest.mark.parametrize("fault", IMAGES, ids=lambda fault: fault.name)
def test_a_broken_image_is_listed_with_its_reason_and_remedy(
    fault: Fault, measured: Measured
) -> None:
    check(fault, measured)


def animated(pixels: np.ndarray) -> bytes:
    frames = [Image.fromarray(small(pixels)), Image.fromarray(small(pixels)[::-1].copy())]
    stream = io.BytesIO()
    frames[0].save(stream, "PNG", save_all=True, append_images=frames[1:])
    return stream.getvalue()


def of_many_pages(pixels: np.ndarray) -> bytes:
    return encode_tiff(np.repeat(small(pixels)[None], 40, 0), photometric="rgb")


ODD: dict[str, tuple[Content, str]] = {
    "orientation 0": (lambda p: encode(small(p), "PNG", exif=exif(0)), ""),
    "orientation 9": (lambda p: encode(small(p), "PNG", exif=exif(9)), ""),
    "exif that is noise": (lambda p: encode(small(p), "PNG", exif=b"Exif\0\0" + bytes(99)), ""),
    "exif that is cut": (lambda p: encode(small(p), "PNG", exif=exif(6)[:20]), ""),
    "broken colour profile": (
        lambda p: encode(small(p), "PNG", icc_profile=b"broken"), "icc_unreadable",
    ),
    "empty colour profile": (
        lambda p: encode(small(p), "TIFF", icc_profile=b"\0"), "icc_unreadable",
    ),
    "animated": (animated, "extra_pages"),
    "of forty pages": (of_many_pages, "extra_pages"),
    "with alpha": (
        lambda p: encode(np.dstack([small(p), small(p)[..., :1]]), "PNG"), "alpha_dropped",
    ),
    "with bytes behind its end": (lambda p: encode(small(p), "PNG") + bytes(5000), ""),
    "planar": (
        lambda p: encode_tiff(np.moveaxis(small(p), 2, 0), photometric="rgb", planarconfig=2), "",
    ),
    "tiff with the name of a jpeg": (lambda p: encode(small(p), "TIFF"), ""),
    "resolution of nothing": (lambda p: encode_tiff(small(p), resolution=(0, 1)), ""),
    "a bomb of no consequence": (lambda p: encode(small(p), "TIFF", description="x" * 10**6), ""),
}  # fmt: skip


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_image_has_the_pixels_of_a_plain_one_and_its_flag(
    kind: str, photographs: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    content, flag = ODD[kind]
    photograph = decode(content(photographs[0]), tmp_path)
    assert np.array_equal(photograph.pixels, small(photographs[0]))
    assert photograph.flags == ((flag,) if flag else ())


@pytest.mark.parametrize("progressive", [False, True])
def test_a_progressive_photograph_is_read_as_any_other(
    progressive: bool, photographs: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    data = encode(small(photographs[0]), "JPEG", quality=95, progressive=progressive)
    difference = decode(data, tmp_path).pixels.astype(int) - small(photographs[0])
    assert np.abs(difference).mean() < 3
