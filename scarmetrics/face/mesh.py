"""The canonical face of the landmark model and the head pose it gives."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.face.nets import bundle_member

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

N_MESH = 468
_FLOATS_PER_VERTEX = 5  # x, y, z, u, v


@cache
def canonical_vertices() -> NDArray[np.float64]:
    """Vertices of the model's metric face, shape (468, 3): x to its left, y up, z to the viewer."""
    mesh = next(value for field, value in _fields(_metadata()) if field == 1)
    assert isinstance(mesh, bytes)
    numbers = [value for field, value in _fields(mesh) if field == 3]
    vertices = np.array(numbers, np.float64).reshape(-1, _FLOATS_PER_VERTEX)
    return vertices[:N_MESH, :3]


@cache
def mirror_order() -> NDArray[np.intp]:
    """For each landmark of the mesh the one on the other side of the face, shape (468,)."""
    vertices = canonical_vertices()
    mirrored = vertices * np.array([-1.0, 1.0, 1.0])
    distance = np.linalg.norm(mirrored[:, None, :] - vertices[None, :, :], axis=2)
    return distance.argmin(axis=1)


def _metadata() -> bytes:
    return bundle_member("geometry_pipeline_metadata_landmarks.binarypb")


def _fields(message: bytes) -> Iterator[tuple[int, int | float | bytes]]:
    """Fields of a protocol buffer message: (number, value)."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _varint(message, at)
            yield number, value
        elif wire == 2:
            size, at = _varint(message, at)
            yield number, message[at : at + size]
            at += size
        elif wire == 5:
            yield number, float(np.frombuffer(message, "<f4", 1, at)[0])
            at += 4
        else:
            raise ValueError(f"wire type {wire} in the model's geometry")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def head_pose_deg(landmarks: NDArray[np.float64]) -> tuple[float, float, float]:
    """Head pose from the landmarks, by the best rotation of the canonical face [1]_.

    Parameters
    ----------
    landmarks : ndarray of float64, shape (478, 3)
        x, y in px (y down), z in px (away from the camera).

    Returns
    -------
    yaw_deg : float
        Positive when the anatomical left side is turned to the camera.
    pitch_deg : float
        Positive when the face looks up.
    roll_deg : float
        Positive when the face is turned clockwise in the image.

    References
    ----------
    .. [1] S. Umeyama, "Least-squares estimation of transformation parameters between two point
       patterns", IEEE TPAMI 13(4), 376-380 (1991).
    """
    seen = landmarks[:N_MESH] * np.array([1.0, -1.0, -1.0])
    model = canonical_vertices()
    u, _, vt = np.linalg.svd((seen - seen.mean(axis=0)).T @ (model - model.mean(axis=0)))
    handed = np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = u @ handed @ vt
    roll = np.arctan2(-rotation[1, 0], rotation[0, 0])  # tilt of the line through the eyes
    # roll is undone first: yaw and pitch are the head's own, however it is tilted in the image
    cos, sin = np.cos(roll), np.sin(roll)
    right, up, ahead = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]) @ rotation[:, 2]
    yaw = -np.arctan2(right, ahead)
    pitch = np.arcsin(np.clip(up, -1, 1))
    return float(np.degrees(yaw)), float(np.degrees(pitch)), float(np.degrees(roll))
