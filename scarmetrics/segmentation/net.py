"""A net in ONNX, run by OpenCV tile by tile.

Contract: one input (1, 3, h, w), the planes of `normalise`, h and w multiples of 8; one output
(1, 1 or 2, h, w), the probability that a cell lies inside a scar and, if there are two, the
relative depth by which touching scars are split.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from scarmetrics.opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TILE, _OVERLAP = 448, 64  # cells; the overlap is what a cell's evidence depends on, at the most
_MULTIPLE = 8
_TRIALS = ((64, 64), (72, 104))  # two, so that a net of one fixed size is found out


class NetError(ValueError):
    """The file is not a net of the contract; the message says what is wrong with it."""


class ScarNet:
    """A net that keeps the contract.

    Parameters
    ----------
    code : bytes
        An ONNX file.

    Raises
    ------
    NetError
        If it is none, or takes or gives something else.
    """

    def __init__(self, code: bytes) -> None:
        self._lock = threading.Lock()  # a cv2.dnn.Net keeps its input: one caller at a time
        self._net = _read(code)
        rng = np.random.default_rng(0)
        for shape in _TRIALS:
            self._forward(rng.standard_normal((3, *shape), np.float32))

    def evidence(self, planes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the net.

        Parameters
        ----------
        planes : ndarray of float32, shape (3, h, w)
            Of any height and width.

        Returns
        -------
        ndarray of float32, shape (1 or 2, h, w)
        """
        _, rows, cols = planes.shape
        parts = []
        for y in range(0, rows, _TILE):
            row = []
            for x in range(0, cols, _TILE):
                row.append(self._tile(planes, y, x))
            parts.append(np.concatenate(row, axis=2))
        return np.concatenate(parts, axis=1)

    def _tile(self, planes: NDArray[np.float32], y: int, x: int) -> NDArray[np.float32]:
        """One tile's evidence; beyond the photograph there is no skin, which is what zeros say."""
        _, rows, cols = planes.shape
        y0, x0 = max(0, y - _OVERLAP), max(0, x - _OVERLAP)
        y1, x1 = min(rows, y + _TILE + _OVERLAP), min(cols, x + _TILE + _OVERLAP)
        height, width = (-(-(b - a) // _MULTIPLE) * _MULTIPLE for a, b in ((y0, y1), (x0, x1)))
        padded = np.zeros((planes.shape[0], height, width), np.float32)
        padded[:, : y1 - y0, : x1 - x0] = planes[:, y0:y1, x0:x1]
        out = self._forward(padded)
        return out[:, y - y0 : min(y + _TILE, rows) - y0, x - x0 : min(x + _TILE, cols) - x0]

    def _forward(self, planes: NDArray[np.float32]) -> NDArray[np.float32]:
        shape = planes.shape[1:]
        try:
            with self._lock:
                self._net.setInput(planes[None])
                out = np.array(self._net.forward(), np.float32, copy=True)
        except cv2.error as error:
            raise NetError(f"it does not run on an input of {(1, 3, *shape)}") from error
        if out.shape not in ((1, 1, *shape), (1, 2, *shape)):
            raise NetError(
                f"it gives shape {out.shape} for an input of {(1, 3, *shape)}, "
                f"must be (1, 1 or 2, {shape[0]}, {shape[1]})"
            )
        if not (np.isfinite(out).all() and out.min() >= 0 and out.max() <= 1):
            raise NetError("what it gives is no probability: some values are not in [0, 1]")
        return out[0]


def _read(code: bytes) -> Any:
    try:
        return cv2.dnn.readNetFromONNX(np.frombuffer(code, np.uint8))
    except cv2.error as error:
        raise NetError("it is not an ONNX file that OpenCV can read") from error
