"""Photographs of every format, orientation and colour profile."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib

import numpy as np
import pytest
from encoding import (
    LOSSLESS,
    LOSSLESS_16_BIT,
    as_16_bit,
    decode,
    encode,
    encode_cv,
    encode_tiff,
    exif,
    reason,
    stored_for,
    with_alpha,
)
from PIL import Image, ImageCms

from scarmetrics.opencv import cv2


@pytest.mark.parametrize("kind", LOSSLESS)
def test_lossless_8_bit_pixels_arrive_unchanged(kind, scene, tmp_path):
    photograph = decode(LOSSLESS[kind](scene), tmp_path, "photo.xyz")
    assert photograph.pixels.dtype == np.uint8
    assert photograph.pixels.flags.c_contiguous
    assert photograph.pixels.flags.writeable
    assert photograph.flags == ()
    np.testing.assert_array_equal(photograph.pixels, scene)


@pytest.mark.parametrize("kind", LOSSLESS_16_BIT)
def test_lossless_16_bit_pixels_stay_16_bit(kind, scene, tmp_path):
    pixels = as_16_bit(scene)
    photograph = decode(LOSSLESS_16_BIT[kind](pixels), tmp_path)
    assert photograph.pixels.dtype == np.uint16
    np.testing.assert_array_equal(photograph.pixels, pixels)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
def test_jpeg_is_close_and_deterministic(options, scene, tmp_path):
    data = encode(scene, "JPEG", quality=95, **options)
    first, second = decode(data, tmp_path), decode(data, tmp_path, "again.jpeg")
    assert np.abs(first.pixels.astype(int) - scene).mean() < 4
    np.testing.assert_array_equal(first.pixels, second.pixels)
    assert first.sha256 == second.sha256


def test_jpeg_inside_tiff_is_read(scene, tmp_path):
    photograph = decode(encode(scene, "TIFF", compression="jpeg", quality=95), tmp_path)
    assert np.abs(photograph.pixels.astype(int) - scene).mean() < 4


def test_hash_is_of_the_files_bytes(scene, tmp_path):
    data = encode(scene, "PNG")
    assert decode(data, tmp_path).sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG"])
def test_exif_orientation_is_applied_once(orientation, file_format, scene, tmp_path):
    stored = stored_for(scene, orientation)
    options = {"quality": 100, "subsampling": 0} if file_format == "JPEG" else {}
    data = encode(stored, file_format, exif=exif(orientation), **options)
    pixels = decode(data, tmp_path).pixels
    assert pixels.shape == scene.shape
    assert np.abs(pixels.astype(int) - scene).mean() < 2


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["plain", "lzw", "16 bit plain", "16 bit lzw"])
def test_tiff_orientation_is_applied_once(orientation, kind, scene, tmp_path):
    pixels = as_16_bit(scene) if "16 bit" in kind else scene
    stored = stored_for(pixels, orientation)
    if kind.endswith("plain"):
        data = encode_tiff(stored, photometric="rgb")
    else:
        data = encode_cv(stored, ".tif", (cv2.IMWRITE_TIFF_COMPRESSION, 5))
    data = with_tiff_orientation(data, orientation)
    np.testing.assert_array_equal(decode(data, tmp_path).pixels, pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_palette_tiff_orientation_is_applied_once(orientation, byteorder, scene, tmp_path):
    palette = np.arange(3 * 256, dtype=np.uint16).reshape(3, 256) * 80
    options = {"photometric": "palette", "colormap": palette, "byteorder": byteorder}
    upright = decode(encode_tiff(scene[..., 0], **options), tmp_path).pixels
    stored = stored_for(scene[..., 0, np.newaxis], orientation)[..., 0]
    data = encode_tiff(stored, extratags=[(274, "H", 1, orientation, True)], **options)
    np.testing.assert_array_equal(decode(data, tmp_path).pixels, upright)


def with_tiff_orientation(data: bytes, orientation: int) -> bytes:
    """Append a new directory of tags that has the orientation too."""
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    entries = [data[start + 2 + 12 * i : start + 14 + 12 * i] for i in range(count)]
    entries = [entry for entry in entries if struct.unpack_from("<H", entry)[0] != 274]
    entries.append(struct.pack("<HHIHH", 274, 3, 1, orientation, 0))
    entries.sort(key=lambda entry: struct.unpack_from("<H", entry)[0])
    directory = struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)
    padding = b"\x00" * (len(data) % 2)
    where = struct.pack("<I", len(data) + len(padding))
    return data[:4] + where + data[8:] + padding + directory


@pytest.mark.parametrize("orientation", range(1, 9))
def test_16_bit_png_orientation_is_applied_once(orientation, scene, tmp_path):
    pixels = as_16_bit(scene)
    data = encode_cv(stored_for(pixels, orientation), ".png")
    block = exif(orientation).removeprefix(b"Exif\x00\x00")
    body = b"eXIf" + block
    chunk = struct.pack(">I", len(block)) + body + struct.pack(">I", zlib.crc32(body))
    data = data[:33] + chunk + data[33:]
    np.testing.assert_array_equal(decode(data, tmp_path).pixels, pixels)


@pytest.mark.parametrize(
    "block", [b"Exif\x00\x00", b"Exif\x00\x00II*\x00\xff\xff\xff\xff", b"junk"]
)
def test_damaged_exif_does_not_cost_the_photograph(block, scene, tmp_path):
    photograph = decode(encode(scene, "JPEG", exif=block), tmp_path)
    assert photograph.pixels.shape == scene.shape


@pytest.mark.parametrize(
    ("kind", "encoder"),
    {
        "png": lambda p: encode(p, "PNG"),
        "png 16 bit": lambda p: encode_cv(as_16_bit(p), ".png"),
        "tiff": lambda p: encode(p, "TIFF"),
        "tiff lzw": lambda p: encode(p, "TIFF", compression="tiff_lzw"),
        "bmp": lambda p: encode_cv(p, ".bmp"),
    }.items(),
)
def test_alpha_is_dropped_with_a_flag(kind, encoder, scene, tmp_path):
    photograph = decode(encoder(with_alpha(scene)), tmp_path)
    assert photograph.flags == ("alpha_dropped",)
    expected = as_16_bit(scene) if "16" in kind else scene
    np.testing.assert_array_equal(photograph.pixels, expected)


@pytest.mark.parametrize(
    "options",
    [
        {"file_format": "PNG"},
        {"file_format": "BMP"},
        {"file_format": "TIFF", "compression": "tiff_lzw"},
    ],
)
def test_palette_with_colour_becomes_rgb(options, scene, tmp_path):
    image = Image.fromarray(scene).quantize(32)
    stream = io.BytesIO()
    image.save(stream, options.pop("file_format"), **options)
    photograph = decode(stream.getvalue(), tmp_path)
    np.testing.assert_array_equal(photograph.pixels, np.asarray(image.convert("RGB")))
    assert photograph.flags == ()


def test_transparent_palette_png_is_flagged(scene, tmp_path):
    stream = io.BytesIO()
    Image.fromarray(scene).quantize(32).save(stream, "PNG", transparency=3)
    assert decode(stream.getvalue(), tmp_path).flags == ("alpha_dropped",)


def test_first_page_of_several_is_used_with_a_flag(scene, tmp_path):
    data = encode_tiff(np.stack([scene, scene[::-1]]), photometric="rgb")
    photograph = decode(data, tmp_path)
    assert photograph.flags == ("extra_pages",)
    np.testing.assert_array_equal(photograph.pixels, scene)


def encode_palette_gray(gray: np.ndarray) -> bytes:
    image = Image.fromarray(gray).convert("P")
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


GRAY = {
    "png": lambda g: encode(g, "PNG"),
    "png 16 bit": lambda g: encode(g.astype(np.uint16) * 257, "PNG"),
    "png gray with alpha": lambda g: encode(np.dstack([g, g]), "PNG"),
    "png palette": encode_palette_gray,
    "png rgb": lambda g: encode(np.dstack([g, g, g]), "PNG"),
    "jpeg": lambda g: encode(g, "JPEG"),
    "jpeg rgb": lambda g: encode(np.dstack([g, g, g]), "JPEG"),
    "bmp": lambda g: encode(g, "BMP"),
    "tiff": encode_tiff,
    "tiff 16 bit": lambda g: encode_tiff(g.astype(np.uint16)),
    "tiff rgb 16 bit": lambda g: encode_tiff(
        np.dstack([g, g, g]).astype(np.uint16), photometric="rgb"
    ),
}


@pytest.mark.parametrize("kind", GRAY)
def test_gray_is_refused(kind, scene, tmp_path):
    assert reason(GRAY[kind](scene[..., 0]), tmp_path) == "image_gray"


UNSUPPORTED = {
    "cmyk jpeg": lambda p: encode_mode(p, "CMYK", "JPEG"),
    "cmyk tiff": lambda p: encode_mode(p, "CMYK", "TIFF"),
    "lab tiff": lambda p: encode_mode(p, "LAB", "TIFF"),
    "float tiff": lambda p: encode_tiff(p.astype(np.float32), photometric="rgb"),
    "float gray tiff": lambda p: encode_tiff(p[..., 0].astype(np.float32)),
    "32-bit tiff": lambda p: encode_tiff(p.astype(np.uint32), photometric="rgb"),
    "signed tiff": lambda p: encode_tiff((p // 2).astype(np.int8), photometric="rgb"),
}


def encode_mode(pixels: np.ndarray, mode: str, file_format: str) -> bytes:
    image = Image.fromarray(pixels)
    if mode == "LAB":
        transform = ImageCms.buildTransform(
            ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
        )
        image = ImageCms.applyTransform(image, transform)
    else:
        image = image.convert(mode)
    stream = io.BytesIO()
    image.save(stream, file_format)
    return stream.getvalue()


@pytest.mark.parametrize("kind", UNSUPPORTED)
def test_unsupported_pixel_formats_are_refused(kind, scene, tmp_path):
    assert reason(UNSUPPORTED[kind](scene), tmp_path) == "image_unsupported"


def test_12_bit_jpeg_is_unsupported_not_corrupt(scene, tmp_path):
    data = encode(scene, "JPEG")
    frame = data.index(b"\xff\xc0")
    assert reason(data[: frame + 4] + b"\x0c" + data[frame + 5 :], tmp_path) == "image_unsupported"


def wide_gamut_profile() -> bytes:
    """A matrix profile with the red and green columns of sRGB weakened; colours must change."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack_from(">I", data, 128)[0]
    for index in range(count):
        name, offset, _ = struct.unpack_from(">4sII", data, 132 + 12 * index)
        if name == b"rXYZ":
            x, y, z = struct.unpack_from(">iii", data, offset + 8)
            struct.pack_into(">iii", data, offset + 8, int(x * 0.8), int(y * 0.9), z)
    return bytes(data)


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF"])
def test_srgb_profile_changes_nothing(file_format, scene, tmp_path):
    plain = decode(encode(scene, file_format), tmp_path)
    tagged = decode(encode(scene, file_format, icc_profile=srgb_profile()), tmp_path)
    assert tagged.flags == ()
    np.testing.assert_array_equal(plain.pixels, tagged.pixels)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF"])
def test_other_profile_is_converted(file_format, scene, tmp_path):
    plain = decode(encode(scene, file_format), tmp_path)
    photograph = decode(encode(scene, file_format, icc_profile=wide_gamut_profile()), tmp_path)
    assert photograph.flags == ("icc_converted",)
    assert np.abs(photograph.pixels.astype(int) - plain.pixels).max() > 3


def test_profile_of_16_bit_file_is_converted_at_8_bit(scene, tmp_path):
    options = {"photometric": "rgb", "iccprofile": wide_gamut_profile()}
    at_8 = decode(encode_tiff(scene, **options), tmp_path)
    at_16 = decode(encode_tiff(scene.astype(np.uint16) * 257, **options), tmp_path)
    assert at_16.flags == ("icc_8bit", "icc_converted")
    np.testing.assert_array_equal(at_8.pixels, at_16.pixels)


def test_srgb_profile_leaves_16_bit_alone(scene, tmp_path):
    pixels = as_16_bit(scene)
    data = encode_tiff(pixels, photometric="rgb", iccprofile=srgb_profile())
    np.testing.assert_array_equal(decode(data, tmp_path).pixels, pixels)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("profile", [b"no profile at all", srgb_profile()[:200]])
def test_damaged_profile_is_flagged_and_ignored(file_format, profile, scene, tmp_path):
    plain = decode(encode(scene, file_format), tmp_path)
    photograph = decode(encode(scene, file_format, icc_profile=profile), tmp_path)
    assert photograph.flags == ("icc_unreadable",)
    np.testing.assert_array_equal(photograph.pixels, plain.pixels)
