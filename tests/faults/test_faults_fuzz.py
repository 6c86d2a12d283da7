"""Random damage: whatever comes in, a result or an error with a remedy comes out."""

from __future__ import annotations

import io
import string
import tempfile
import warnings
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from broken import small
from encoding import encode
from faulty import GOOD, HEADER
from hypothesis import given, settings
from hypothesis import strategies as st

from scarmetrics.config import IngestConfig, StudyConfig, parse_config
from scarmetrics.errors import REASONS, ConfigError, PhotographError, ScarmetricsError
from scarmetrics.ingest import decode_photograph, list_photographs

NASTY = st.one_of(
    st.sampled_from(
        ["", " ", "=1+1", "'=x", "../x", "/etc/passwd", "C:\\x", "P01/month3_frontal.jpg", "P01",
         "nan", "inf", "-1", "1e999", "0,31", "1,234", "۰٫۳", "١٢٣", "1_0", "0x1", "1400/03/11",
         "14000311", "2024-02-30", "baseline", "left", "\u202e", "\0", '"', "'", ";", "\t", "\n",
         "\ufeff", "x" * 300, "9" * 5000, "²", "Ⅷ"]
    ),
    st.text(max_size=20),
)  # fmt: skip


def _is_helpful(error: ScarmetricsError, secret: str = "/tmp") -> None:
    assert error.message
    assert error.remedy
    assert secret not in str(error)


def listed(name: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        exports = Path(folder)
        (exports / "P01").mkdir()
        (exports / "P01/month3_frontal.jpg").write_bytes(b"x")
        (exports / name).write_bytes(content)
        try:
            listing = list_photographs(exports, IngestConfig())
        except ScarmetricsError as error:
            _is_helpful(error, folder)
            return
    for record in listing.records:
        assert record.mm_per_px is None or 0 < record.mm_per_px < float("inf")
        assert ".." not in record.path_relative.split("/")
    assert all(failure.reason_code in REASONS and failure.remedy for failure in listing.failures)


@settings(max_examples=150)
@given(st.binary(max_size=400))
def test_any_bytes_are_a_manifest_or_an_error(content: bytes) -> None:
    listed("manifest.csv", content)


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 7), NASTY), max_size=4),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_a_manifest_with_nasty_cells_is_read_or_refused(
    changes: list[tuple[int, int, str]], delimiter: str, encoding: str
) -> None:
    rows = [line.split(",") for line in (HEADER + GOOD).splitlines()]
    for row, column, text in changes:
        rows[row][column] = text
    content = "\n".join(delimiter.join(row) for row in rows)
    listed("manifest.csv", content.encode(encoding, "replace"))


def workbook() -> bytes:
    made = openpyxl.Workbook()
    for line in (HEADER + GOOD).splitlines():
        made.active.append(line.split(","))
    stream = io.BytesIO()
    made.save(stream)
    return stream.getvalue()


WORKBOOK = workbook()


@settings(max_examples=150)
@given(st.lists(st.tuples(st.integers(0, len(WORKBOOK) - 1), st.integers(0, 255)), max_size=6))
def test_a_damaged_workbook_is_read_or_refused(damage: list[tuple[int, int]]) -> None:
    content = bytearray(WORKBOOK)
    for position, value in damage:
        content[position] = value
    listed("manifest.xlsx", bytes(content))


EXAMPLE = [
    line
    for line in (Path(__file__).parents[2] / "configs/visioface.yaml")
    .read_text(encoding="utf-8")
    .splitlines()
    if line.strip() and not line.lstrip().startswith("#")
]


def config_or_error(text: str) -> None:
    try:
        config = parse_config(text)
    except ConfigError as error:
        _is_helpful(error)
        return
    assert isinstance(config, StudyConfig)


@settings(max_examples=150)
@given(st.data())
def test_an_example_with_slips_of_the_pen_is_a_config_or_an_error(
    data: st.DataObject,
) -> None:
    keys = list(EXAMPLE)
    for _ in range(data.draw(st.integers(1, 3))):
        index = data.draw(st.integers(0, len(keys) - 1))
        line = keys[index]
        at = data.draw(st.integers(0, len(line)))
        slip = data.draw(st.text(string.printable, max_size=3))
        kept = data.draw(st.integers(0, 3))
        keys[index] = line[:at] + slip + line[at + kept :]
    config_or_error("\n".join(keys))


@settings(max_examples=100)
@given(st.text(st.sampled_from("abl:&*-<[]{}!|>'\"#% \n\t0"), max_size=80))
def test_any_marks_of_yaml_are_a_config_or_an_error(text: str) -> None:
    config_or_error(text)


@pytest.fixture(scope="module")
def jpegs(photographs: tuple[np.ndarray, np.ndarray]) -> tuple[bytes, ...]:
    pixels = small(photographs[0])
    return (
        encode(pixels, "JPEG", quality=90),
        encode(pixels, "JPEG", quality=85, progressive=True),
        encode(pixels, "JPEG", quality=75, subsampling=0, restart_marker_rows=1),
    )


@pytest.mark.parametrize("block", range(10))
def test_500_jpegs_with_flipped_bytes_are_photographs_or_failures(
    block: int, jpegs: tuple[bytes, ...], tmp_path: Path
) -> None:
    """Seeds 0 to 499. No crash, no other error, no warning; and pixels of a photograph's kind."""
    path = tmp_path / "photo.jpg"
    refused = 0
    for seed in range(50 * block, 50 * block + 50):
        rng = np.random.default_rng(seed)
        data = np.frombuffer(jpegs[seed % len(jpegs)], np.uint8).copy()
        in_header = seed % 2 == 0
        where = rng.integers(0, 700 if in_header else data.size, rng.integers(1, 9))
        data[where] ^= rng.integers(1, 256, where.size, dtype=np.uint8)
        path.write_bytes(data.tobytes())
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                photograph = decode_photograph(path, max_megapixels=4)
            except PhotographError as error:
                _is_helpful(error, str(tmp_path))
                refused += 1
                continue
        assert photograph.pixels.dtype == np.uint8
        assert photograph.pixels.ndim == 3
        assert photograph.pixels.shape[2] == 3
        assert min(photograph.pixels.shape[:2]) >= 64
    assert 0 < refused <= 50
