"""Photographs that are broken or hostile in one way each, by the name of the way."""

from __future__ import annotations

import io
import os
import socket
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from encoding import as_16_bit, encode, encode_cv, encode_tiff
from PIL import Image

from scarmetrics.opencv import cv2

Content = Callable[[np.ndarray], bytes]
"""Bytes of a file, made from a good photograph's pixels."""


@dataclass(frozen=True)
class Fault:
    """One broken photograph, and what has to be said of it.

    Attributes
    ----------
    name : str
        Which fault.
    reason_code : str
        The row in ``failures.csv``.
    content : callable
        Bytes of the file.
    place : callable or None
        Puts something else than a file of those bytes there.
    later : callable or None
        What happens to the file once it was listed.
    says : str
        Words of the reason.
    both : bool
        Whether the pair is at fault and both files are named.
    """

    name: str
    reason_code: str
    content: Content = lambda pixels: encode(pixels, "JPEG")
    place: Callable[[Path], None] | None = None
    later: Callable[[Path], None] | None = None
    says: str = ""
    both: bool = False


def small(pixels: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(cv2.resize(pixels, (200, 160), interpolation=cv2.INTER_AREA))


def cut(file_format: str, kept: float, **options: object) -> Content:
    def content(pixels: np.ndarray) -> bytes:
        data = encode(small(pixels), file_format, **options)
        return data[: int(len(data) * kept)]

    return content


def fixed(data: bytes) -> Content:
    return lambda _: data


# --- headers that lie


def png(width: int, height: int, pixels_packed: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    before = [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), *(chunk(*c) for c in chunks)]
    return b"".join([*before, chunk(b"IDAT", pixels_packed), chunk(b"IEND", b"")])


def packed_zeros(size: int) -> bytes:
    return zlib.compress(bytes(size), 9)


def jpeg_of(width: int, height: int) -> Content:
    def content(pixels: np.ndarray) -> bytes:
        data = bytearray(encode(small(pixels), "JPEG"))
        struct.pack_into(">HH", data, data.find(b"\xff\xc0") + 5, height, width)
        return bytes(data)

    return content


def bmp_of(width: int, height: int) -> Content:
    def content(pixels: np.ndarray) -> bytes:
        data = bytearray(encode(small(pixels), "BMP"))
        struct.pack_into("<ii", data, 18, width, height)
        return bytes(data)

    return content


def tiff_with(tag: str, value: int, **options: object) -> Content:
    """A TIFF whose tag holds another value."""

    def content(pixels: np.ndarray) -> bytes:
        data = bytearray(encode_tiff(small(pixels), photometric="rgb", **options))
        with tifffile.TiffFile(io.BytesIO(data)) as tiff:
            entry = tiff.pages.first.tags[tag].offset
        struct.pack_into("<HII", data, entry + 2, 4, 1, value)
        return bytes(data)

    return content


def tiff_deflate_bomb(pixels: np.ndarray) -> bytes:
    data = bytearray(encode_tiff(small(pixels), photometric="rgb", compression="zlib"))
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        tags = tiff.pages.first.tags
        offsets, counts = tags["StripOffsets"].offset, tags["StripByteCounts"].offset
    bomb = packed_zeros(50_000_000)
    struct.pack_into("<I", data, offsets + 8, len(data))
    struct.pack_into("<HII", data, counts + 2, 4, 1, len(bomb))
    return bytes(data) + bomb


def many_scans(pixels: np.ndarray) -> bytes:
    data = encode(small(pixels), "JPEG", progressive=True)
    last = data[data.rfind(b"\xff\xda") : -2]
    return data[:-2] + last * 500 + b"\xff\xd9"


# --- what is not a file


def fifo(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def unix_socket(path: Path) -> None:
    path.unlink(missing_ok=True)
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket must be short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def loop(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(path.name)


def dangling(path: Path) -> None:
    path.symlink_to("nowhere.jpg")


def huge_and_hollow(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(3_000_000_000)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def halved(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


FILES = (
    Fault("empty", "file_empty", fixed(b"")),
    Fault("one byte", "not_an_image", fixed(b"\xff")),
    Fault("only zeros", "not_an_image", fixed(bytes(50_000))),
    Fault("a text", "not_an_image", fixed("این عکس نیست".encode())),
    Fault("a web page", "not_an_image", fixed(b"<!DOCTYPE html><title>Log in</title>")),
    Fault("svg", "not_an_image", fixed(b"<svg xmlns='http://www.w3.org/2000/svg'/>")),
    Fault("pdf", "not_an_image", fixed(b"%PDF-1.7\n" + bytes(500))),
    Fault("zip", "not_an_image", fixed(b"PK\x03\x04" + bytes(500))),
    Fault("program", "not_an_image", fixed(b"\x7fELF" + bytes(500))),
    Fault("gif", "not_an_image", lambda p: encode(small(p), "GIF")),
    Fault("webp", "not_an_image", lambda p: encode(small(p), "WEBP")),
    Fault("jpeg 2000", "not_an_image", fixed(b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(500))),
    Fault("heic", "not_an_image", fixed(b"\x00\x00\x00\x18ftypheic" + bytes(500))),
    Fault("radiance hdr", "not_an_image", fixed(b"#?RADIANCE\n" + bytes(99))),
    Fault("openexr", "not_an_image", fixed(b"\x76\x2f\x31\x01" + bytes(500))),
    Fault("photoshop", "not_an_image", fixed(b"8BPS\x00\x01" + bytes(500))),
    Fault("mac resource fork", "not_an_image", fixed(b"\x00\x05\x16\x07" + bytes(500))),
    Fault("jpeg's first bytes", "image_corrupt", fixed(b"\xff\xd8\xff\xe0\x00\x10JFIF")),
    Fault("png's signature", "image_corrupt", fixed(b"\x89PNG\r\n\x1a\n")),
    Fault("tiff's signature", "image_corrupt", fixed(b"II*\x00")),
    Fault("tiff's directory behind its end", "image_corrupt",
          fixed(b"II*\x00\xff\xff\xff\x7f" + bytes(99))),
    Fault("bmp's header", "image_corrupt", lambda p: encode(small(p), "BMP")[:54]),
    *(Fault(f"jpeg cut at {kept:.0%}", "image_corrupt", cut("JPEG", kept))
      for kept in (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)),
    *(Fault(f"progressive jpeg cut at {kept:.0%}", "image_corrupt",
            cut("JPEG", kept, progressive=True)) for kept in (0.3, 0.7, 0.95)),
    *(Fault(f"png cut at {kept:.0%}", "image_corrupt", cut("PNG", kept))
      for kept in (0.1, 0.5, 0.95)),
    *(Fault(f"tiff cut at {kept:.0%}", "image_corrupt", cut("TIFF", kept)) for kept in (0.1, 0.9)),
    Fault("tiff lzw cut at 50%", "image_corrupt", cut("TIFF", 0.5, compression="tiff_lzw")),
    Fault("tiff packbits cut at 50%", "image_corrupt", cut("TIFF", 0.5, compression="packbits")),
    Fault("bmp cut at 50%", "image_corrupt", cut("BMP", 0.5)),
    Fault("jpeg cut and ended", "image_corrupt", lambda p: cut("JPEG", 0.6)(p) + b"\xff\xd9"),
    Fault("missing", "file_missing", place=lambda path: path.unlink(missing_ok=True)),
    Fault("link to nowhere", "file_missing", place=dangling),
    Fault("link to itself", "file_missing", place=loop),
    Fault("pipe", "file_unreadable", place=fifo, says="pipe"),
    Fault("socket", "file_unreadable", place=unix_socket, says="pipe or device"),
    Fault("hollow file of 3 GB", "image_too_large", place=huge_and_hollow),
    Fault("removed after listing", "file_missing", later=lambda path: path.unlink()),
    Fault("folder since listing", "file_unreadable", later=folder, says="folder"),
    Fault("pipe since listing", "file_unreadable", later=fifo, says="pipe"),
    Fault("loop since listing", "file_unreadable", later=loop),
    Fault("emptied after listing", "file_empty", later=empty),
    Fault("cut after listing", "image_corrupt", later=halved),
)  # fmt: skip


def _gray(pixels: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(small(pixels), cv2.COLOR_RGB2GRAY)


def _as(mode: str, file_format: str) -> Content:
    return lambda p: _saved(Image.fromarray(small(p)).convert(mode), file_format)


def _saved(image: Image.Image, file_format: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, file_format, **options)
    return stream.getvalue()


def _filled(value: int) -> Content:
    return lambda p: encode(np.full_like(small(p), value), "PNG")


def _noise(_: np.ndarray) -> bytes:
    return encode(np.random.default_rng(5).integers(0, 256, (300, 300, 3), dtype=np.uint8), "PNG")


def _skin_without_a_face(_: np.ndarray) -> bytes:
    skin = np.random.default_rng(6).normal((200, 150, 130), 6, (300, 300, 3))
    return encode(skin.clip(0, 255).astype(np.uint8), "PNG")


def _sized(width: int, height: int) -> Content:
    return lambda p: encode(np.ascontiguousarray(cv2.resize(p, (width, height))), "PNG")


def _damaged_in_the_middle(file_format: str, **options: object) -> Content:
    def content(pixels: np.ndarray) -> bytes:
        data = bytearray(encode(small(pixels), file_format, **options))
        middle = len(data) // 2
        data[middle : middle + 40] = bytes(40)
        return bytes(data)

    return content


IMAGES = (
    Fault("gray jpeg", "image_gray", lambda p: encode(_gray(p), "JPEG")),
    Fault("gray stored as colour", "image_gray",
          lambda p: encode(np.repeat(_gray(p)[..., None], 3, 2), "PNG")),
    Fault("gray png of 16 bit", "image_gray",
          lambda p: _saved(Image.fromarray(_gray(p).astype(np.uint16) * 257), "PNG")),
    Fault("gray tiff", "image_gray", lambda p: encode_tiff(_gray(p))),
    Fault("gray with alpha", "image_gray", _as("LA", "PNG")),
    Fault("black and white", "image_gray", _as("1", "PNG")),
    Fault("all black", "image_gray", _filled(0)),
    Fault("all white", "image_gray", _filled(255)),
    Fault("cmyk jpeg", "image_unsupported", _as("CMYK", "JPEG")),
    Fault("cmyk tiff", "image_unsupported", _as("CMYK", "TIFF")),
    Fault("lab tiff", "image_unsupported", _as("LAB", "TIFF")),
    Fault("float tiff", "image_unsupported",
          lambda p: encode_tiff(small(p).astype(np.float32), photometric="rgb")),
    Fault("signed tiff", "image_unsupported",
          lambda p: encode_tiff(small(p).astype(np.int16), photometric="rgb")),
    Fault("tiff of 32 bit", "image_unsupported",
          lambda p: encode_tiff(small(p).astype(np.uint32), photometric="rgb")),
    Fault("tiff of 60000 channels", "image_unsupported", tiff_with("SamplesPerPixel", 60_000)),
    Fault("tiff of no known layout", "image_unsupported", tiff_with("PlanarConfiguration", 9)),
    Fault("tiff of no known compression", "image_corrupt", tiff_with("Compression", 60_000)),
    Fault("tiff of tiles larger than a house", "image_corrupt",
          tiff_with("TileWidth", 65_536, tile=(32, 32), compression="zlib"), says="tiles"),
    Fault("tiff that unpacks to too much", "image_corrupt", tiff_deflate_bomb, says="too much"),
    Fault("jpeg of 500 scans", "image_unsupported", many_scans, says="scans"),
    Fault("one pixel", "image_too_small", _sized(1, 1)),
    Fault("one row", "image_too_small", _sized(400, 1)),
    Fault("one column", "image_too_small", _sized(1, 400)),
    Fault("63 px high", "image_too_small", _sized(400, 63)),
    Fault("png said to be 2 billion px wide", "image_too_large",
          fixed(png(2**31 - 1, 2**31 - 1, packed_zeros(10_000)))),
    Fault("jpeg said to be 65500 px wide", "image_too_large", jpeg_of(65_500, 65_500)),
    Fault("bmp said to be 2 billion px wide", "image_too_large", bmp_of(2**31 - 1, 2**31 - 1)),
    Fault("tiff said to be 2 billion px wide", "image_too_large", tiff_with("ImageWidth", 2**31)),
    Fault("tiff said to be 4 billion px high", "image_too_large",
          tiff_with("ImageLength", 2**32 - 1)),
    Fault("png with a bomb of text", "image_corrupt",
          fixed(png(200, 160, packed_zeros(10**5), (b"zTXt", b"a\0\0" + packed_zeros(10**7))))),
    Fault("png with a wrong checksum", "image_corrupt",
          lambda p: (d := encode(small(p), "PNG"))[:29] + b"\0\0\0\0" + d[33:]),
    Fault("png damaged in the middle", "image_corrupt", _damaged_in_the_middle("PNG")),
    Fault("png of 16 bit damaged in the middle", "image_corrupt",
          lambda p: (d := encode_cv(as_16_bit(small(p)), ".png"))[: len(d) // 2]
          + bytes(40) + d[len(d) // 2 + 40 :]),
    Fault("tiff lzw damaged in the middle", "image_corrupt",
          _damaged_in_the_middle("TIFF", compression="tiff_lzw")),
    Fault("colour noise", "face_not_found", _noise),
    Fault("skin without a face", "face_not_found", _skin_without_a_face),
    Fault("half a face", "face_partial", lambda p: encode(
        np.ascontiguousarray(p[:, : p.shape[1] * 45 // 100]), "PNG")),
    Fault("mirrored", "laterality_conflict",
          lambda p: encode(np.ascontiguousarray(p[:, ::-1]), "PNG"), both=True),
)  # fmt: skip
