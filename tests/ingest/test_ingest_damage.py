"""Files that are damaged, too large, too small or something else."""

from __future__ import annotations

import os
import struct
import zlib

import numpy as np
import pytest
from encoding import (
    HEIGHT_PX,
    LOSSLESS,
    LOSSLESS_16_BIT,
    WIDTH_PX,
    as_16_bit,
    decode,
    encode,
    reason,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from scarmetrics.errors import PhotographError
from scarmetrics.ingest import decode_photograph
from scarmetrics.opencv import cv2


@pytest.mark.parametrize(
    "content",
    [
        b"hello, this is no image",
        b"\x00" * 1000,
        b"BM but a text",
        b"\xff\xd8",
        b"RIFF\x00\x00\x00\x00WEBP",
        b"GIF89a" + bytes(99),
    ],
)
def test_other_content_is_not_an_image(content, tmp_path):
    assert reason(content, tmp_path) == "not_an_image"


def test_empty_missing_and_folder(tmp_path):
    assert reason(b"", tmp_path) == "file_empty"
    for path, code in [
        (tmp_path / "none.jpg", "file_missing"),
        (tmp_path / "photo.jpg" / "deeper.jpg", "file_missing"),
        (tmp_path, "file_unreadable"),
        (tmp_path / ("n" * 300), "file_unreadable"),
    ]:
        with pytest.raises(PhotographError) as caught:
            decode_photograph(path)
        assert caught.value.reason_code == code


def test_forbidden_file_is_unreadable(scene, tmp_path, monkeypatch):
    path = tmp_path / "photo.png"
    path.write_bytes(encode(scene, "PNG"))

    def refuse(*_: object) -> bytes:
        raise PermissionError(13, "Permission denied", os.fspath(path))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(PhotographError) as caught:
        decode_photograph(path)
    assert caught.value.reason_code == "file_unreadable"
    assert str(tmp_path) not in str(caught.value)


DAMAGEABLE = {
    **{kind: LOSSLESS[kind] for kind in LOSSLESS},
    **{f"16 bit {kind}": lambda p, k=kind: LOSSLESS_16_BIT[k](as_16_bit(p))
       for kind in LOSSLESS_16_BIT},
    "jpeg": lambda p: encode(p, "JPEG"),
    "jpeg progressive": lambda p: encode(p, "JPEG", progressive=True),
    "tiff jpeg": lambda p: encode(p, "TIFF", compression="jpeg"),
}  # fmt: skip


@pytest.mark.parametrize("kept", [0.05, 0.3, 0.6, 0.9, 0.98])
@pytest.mark.parametrize("kind", DAMAGEABLE)
def test_truncated_file_is_corrupt(kind, kept, scene, tmp_path):
    data = DAMAGEABLE[kind](scene)
    assert reason(data[: int(len(data) * kept)], tmp_path) == "image_corrupt"


@pytest.mark.parametrize("kept", [0.4, 0.6, 0.9])
@pytest.mark.parametrize("tail", [b"\xff\xd9", bytes(4000), bytes(9000) + b"\xff\xd9"])
def test_jpeg_with_a_repaired_end_is_corrupt(kept, tail, scene, tmp_path):
    noise = np.random.default_rng(1).integers(0, 40, scene.shape, dtype=np.uint8)
    data = encode(scene // 2 + noise, "JPEG", quality=90)
    assert reason(data[: int(len(data) * kept)] + tail, tmp_path) == "image_corrupt"


@pytest.mark.parametrize("value", [0, 128, 255])
@pytest.mark.parametrize("options", [{}, {"optimize": True}, {"progressive": True}])
def test_flat_jpeg_is_not_taken_for_damaged(value, options, scene, tmp_path):
    pixels = np.full((1200, 1600, 3), value, np.uint8)
    pixels[:HEIGHT_PX, :WIDTH_PX] = scene
    assert decode(encode(pixels, "JPEG", **options), tmp_path).flags == ()


def test_jpeg_with_a_little_padding_is_read(scene, tmp_path):
    noise = np.random.default_rng(1).integers(0, 40, scene.shape, dtype=np.uint8)
    data = encode(scene // 2 + noise, "JPEG", quality=90)
    decode(data[:-2] + bytes(200) + data[-2:], tmp_path)


def test_trailing_bytes_after_an_image_do_no_harm(scene, tmp_path):
    for file_format in ("JPEG", "PNG", "BMP", "TIFF"):
        decode(encode(scene, file_format) + bytes(500), tmp_path)


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_damaged_compressed_data_is_corrupt(file_format, scene, tmp_path):
    options = {"compression": "tiff_lzw"} if file_format == "TIFF" else {}
    data = bytearray(encode(scene, file_format, **options))
    middle = len(data) // 2
    data[middle : middle + 40] = bytes(40)
    assert reason(bytes(data), tmp_path) == "image_corrupt"


def test_too_many_pixels_are_refused_by_the_header_alone(scene, tmp_path):
    data = bytearray(encode(scene, "PNG"))
    data[16:24] = struct.pack(">II", 60_000, 60_000)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    assert reason(bytes(data), tmp_path) == "image_too_large"


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "BMP", "TIFF"])
def test_pixel_limit_is_the_callers(file_format, scene, tmp_path):
    data = encode(scene, file_format)
    exactly = HEIGHT_PX * WIDTH_PX / 1e6
    decode(data, tmp_path, max_megapixels=exactly)
    assert reason(data, tmp_path, max_megapixels=exactly * 0.999) == "image_too_large"


def test_limit_above_pillows_own_is_respected(tmp_path, monkeypatch, scene):
    files = [encode(scene, file_format) for file_format in ("JPEG", "PNG", "BMP", "TIFF")]
    compressed = encode(scene, "TIFF", compression="tiff_lzw")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    for data in files:
        decode(data, tmp_path)
    assert reason(compressed, tmp_path) == "image_too_large"


def test_huge_file_is_refused_unread(tmp_path, monkeypatch):
    path = tmp_path / "photo.tif"
    with path.open("wb") as stream:
        stream.truncate(80_000_000)
    monkeypatch.setattr(os, "open", lambda *_: pytest.fail("was read"))
    with pytest.raises(PhotographError) as caught:
        decode_photograph(path, max_megapixels=1)
    assert caught.value.reason_code == "image_too_large"


@pytest.mark.parametrize("size", [(63, 300), (300, 63), (1, 1)])
def test_tiny_image_is_refused(size, scene, tmp_path):
    small = cv2.resize(scene, size)
    assert reason(encode(small, "PNG"), tmp_path) == "image_too_small"


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_never_raises_anything_else(data, scene, tmp_path):
    kind = data.draw(st.sampled_from(sorted(DAMAGEABLE)))
    content = bytearray(DAMAGEABLE[kind](scene))
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, min(len(content) - 1, 600)))
        content[position] = data.draw(st.integers(0, 255))
    try:
        photograph = decode(bytes(content), tmp_path, max_megapixels=1)
    except PhotographError:
        return
    assert photograph.pixels.ndim == 3
    assert photograph.pixels.dtype in (np.uint8, np.uint16)
