"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parents[1]

# The same examples on every run; no time limits, since machines differ.
settings.register_profile(
    "scarmetrics",
    deadline=None,
    derandomize=True,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("scarmetrics")


def _real_photographs(name: str) -> Path:
    folder = REPOSITORY.parent / "shared" / name
    if not folder.is_dir():
        pytest.skip(f"needs real photographs in ../shared/{name} beside the checkout")
    return folder


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_faces() -> Path:
    """Folder of real faces with landmarks; skips where it is missing."""
    return _real_photographs("faces")


@pytest.fixture(scope="session")
def shared_scars() -> Path:
    """Folder of real scars with readers' outlines; skips where it is missing."""
    return _real_photographs("scars")
