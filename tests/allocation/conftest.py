"""A locked measurement of two subjects, and its randomisation list."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_trial import Made, write_allocation

from scarmetrics.allocation import lock


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path / "out")


@pytest.fixture
def locked(made: Made) -> Path:
    out = made.write()
    lock(out)
    return out


@pytest.fixture
def allocation(tmp_path: Path) -> Path:
    return write_allocation(
        tmp_path / "allocation.csv", "P01,co2_laser,left", "P02,microneedling,right"
    )
