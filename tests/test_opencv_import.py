from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

IMPORT = """
try:
    import scarmetrics.opencv
except ImportError as error:
    print(type(error).__name__, error, sep=": ")
"""


def import_with_broken_opencv(folder: Path, complaint: str) -> str:
    """What importing scarmetrics.opencv says where cv2 cannot be loaded."""
    (folder / "cv2.py").write_text(f"raise ImportError({complaint!r})\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", IMPORT],
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.rstrip("\n")


def test_missing_libgl_is_one_line_with_its_remedy(tmp_path: Path) -> None:
    said = import_with_broken_opencv(
        tmp_path, "libGL.so.1: cannot open shared object file: No such file or directory"
    )
    assert said == (
        "DependencyError: OpenCV cannot start because the system library libGL.so.1 is missing: "
        "install it (Debian, Ubuntu: apt-get install libgl1; Fedora: dnf install mesa-libGL), "
        "then run again"
    )


@pytest.mark.parametrize(
    ("complaint", "remedy"),
    [
        ("libgthread-2.0.so.0: cannot open shared object file", "apt-get install"),
        ("No module named 'cv2'", "pip install 'opencv-python>=5,<6'"),
    ],
)
def test_other_reasons_are_named_with_their_remedy(
    tmp_path: Path, complaint: str, remedy: str
) -> None:
    said = import_with_broken_opencv(tmp_path, complaint)
    assert said.startswith("DependencyError: OpenCV")
    assert complaint in said
    assert remedy in said
    assert "\n" not in said
