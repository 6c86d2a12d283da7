"""The resolution stored in a file: handed on, and a scale only where the config says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from scarmetrics.config import ScaleConfig
from scarmetrics.ingest import decode_photograph
from scarmetrics.ingest.rawimage import valid_dpi
from scarmetrics.models import PhotoRecord
from scarmetrics.runner.jobs import stated_scales

PIXELS = np.random.default_rng(0).integers(0, 255, (80, 90, 3), np.uint8)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.bmp", "a.tif"])
def test_every_format_hands_its_resolution_on(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    Image.fromarray(PIXELS).save(path, dpi=(254, 254))
    assert decode_photograph(path).dpi == pytest.approx(254, rel=1e-3)


def test_a_tiffs_centimetres_are_inches(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PIXELS, resolution=(100, 100), resolutionunit="CENTIMETER")
    assert decode_photograph(path).dpi == pytest.approx(254)


def test_a_file_without_one_has_none(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(PIXELS).save(path)
    assert decode_photograph(path).dpi is None


@pytest.mark.parametrize(
    "pair", [(0, 0), (-1, -1), (72, 96), ("x", 1), (None, None), (float("inf"), float("inf"))]
)
def test_values_that_mean_nothing_are_none(pair: tuple[object, object]) -> None:
    assert valid_dpi(*pair) is None


def test_it_is_a_scale_only_if_the_config_says_so(tmp_path: Path) -> None:
    record = PhotoRecord(
        subject_id="P01", visit="baseline", view="frontal", path=tmp_path, path_relative="a.png"
    )
    assert stated_scales(record, 254.0, ScaleConfig()) == ()
    (scale,) = stated_scales(record, 254.0, ScaleConfig(use_dpi_tag=True))
    assert scale.source == "dpi"
    assert scale.mm_per_px == pytest.approx(0.1)
    assert stated_scales(record, None, ScaleConfig(use_dpi_tag=True)) == ()
