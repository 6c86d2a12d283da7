"""The face nets: package data, run through OpenCV's DNN.

The bundle is Google MediaPipe's Face Landmarker (float16, Apache-2.0): BlazeFace [1]_ finds the
face, an attention mesh [2]_ places 478 landmarks.

References
----------
.. [1] V. Bazarevsky et al., "BlazeFace: sub-millisecond neural face detection on mobile GPUs",
   arXiv:1907.05047 (2019).
.. [2] I. Grishchenko et al., "Attention mesh: high-fidelity face mesh prediction in real-time",
   arXiv:2006.10962 (2020).
"""

from __future__ import annotations

import io
import tempfile
import threading
import zipfile
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scarmetrics.opencv import cv2

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_BUNDLE = "face_landmarker.task"
_FORWARD = threading.Lock()  # a cv2.dnn.Net keeps its input: one caller at a time


@cache
def bundle_member(name: str) -> bytes:
    """Bytes of one file in the model bundle."""
    data = resources.files("scarmetrics.face").joinpath("data", _BUNDLE).read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as bundle:
        return bundle.read(name)


@cache
def _net(name: str) -> Any:
    # The new engine of OpenCV 5 exposes only one of these nets' outputs, and reading from memory
    # ignores the choice of engine: hence a file for the moment of loading.
    with tempfile.TemporaryDirectory(prefix="scarmetrics-") as folder:
        path = Path(folder, "net.tflite")
        path.write_bytes(bundle_member(name))
        return cv2.dnn.readNetFromTFLite(str(path), engine=cv2.dnn.ENGINE_CLASSIC)


def run_net(
    name: str, blob: NDArray[np.float32], outputs: Sequence[str]
) -> list[NDArray[np.float32]]:
    """Run one net of the bundle.

    Parameters
    ----------
    name : str
        File in the bundle.
    blob : ndarray of float32, shape (1, 3, H, W)
        Network input.
    outputs : sequence of str
        Output layers wanted.

    Returns
    -------
    list of ndarray of float32
        In the order of `outputs`.
    """
    with _FORWARD:
        net = _net(name)
        net.setInput(blob)
        return [np.array(out, copy=True) for out in net.forward(list(outputs))]
