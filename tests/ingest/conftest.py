"""What the decoding tests share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from encoding import HEIGHT_PX, WIDTH_PX

from scarmetrics.opencv import cv2


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    """A smooth coloured picture without any symmetry."""
    rng = np.random.default_rng(7)
    coarse = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return cv2.resize(coarse, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_LINEAR)


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    """An empty folder of exports."""
    folder = tmp_path / "exports"
    folder.mkdir()
    return folder
