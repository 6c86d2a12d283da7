"""The one place that loads OpenCV, so that a missing system library is one clear line."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from scarmetrics.errors import DependencyError

cv2: Any
try:
    # OpenCV's own type stubs call every result an array of any number: no help to a checker
    cv2 = import_module("cv2")
except ImportError as error:
    if "libGL" in str(error):
        raise DependencyError(
            "OpenCV cannot start because the system library libGL.so.1 is missing",
            "install it (Debian, Ubuntu: apt-get install libgl1; Fedora: dnf install "
            "mesa-libGL), then run again",
        ) from None
    if "lib" in str(error) and ".so" in str(error):
        raise DependencyError(
            f"OpenCV cannot start: {error}",
            "install the system library that it names (Debian, Ubuntu: apt-get install "
            "libgl1 libglib2.0-0), then run again",
        ) from None
    raise DependencyError(
        f"OpenCV is not usable here: {error}",
        "install it into this environment: pip install 'opencv-python>=5,<6'",
    ) from None

__all__ = ["cv2"]
