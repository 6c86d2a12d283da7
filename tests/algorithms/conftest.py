"""Phantom faces, drawn once for all tests of the algorithms."""

from __future__ import annotations

import pytest

from scarmetrics.face import detect_face
from scarmetrics.opencv import cv2
from scarmetrics.phantom import PhantomFace, astronaut_face


@pytest.fixture(scope="session")
def phantom() -> PhantomFace:
    """A face without scars at about 0.3 mm/px."""
    return astronaut_face(1, 0.3)


@pytest.fixture(scope="session")
def other_phantom() -> PhantomFace:
    """The same portrait with another skin and shape."""
    return astronaut_face(2, 0.3)


@pytest.fixture(scope="session")
def phantom_face(phantom):
    """The face that is found in `phantom`."""
    face = detect_face(phantom.image)
    assert face
    return face


@pytest.fixture(scope="session")
def read_photograph():
    """Decoder of the real photographs."""

    def read(path):
        return cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)

    return read
