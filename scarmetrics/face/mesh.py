"""The canonical face of the landmark model and the head pose it gives."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from scarmetrics.face.nets import bundle_member

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

N_MESH = 468
_EYE_CORNERS = (33, 133, 362, 263)
_AS_IMAGE = np.array([1.0, -1.0, -1.0])  # from y up, z to the viewer to y down, z away
_VERTEX_FIELD, _INDEX_FIELD = 3, 4  # of MediaPipe's message Mesh3d
_FLOATS_PER_VERTEX = 5  # x, y, z, u, v


@cache
def canonical_vertices() -> NDArray[np.float64]:
    """Vertices of the model's metric face, shape (468, 3): x to its left, y up, z to the viewer."""
    numbers = [value for field, value in _fields(_mesh()) if field == _VERTEX_FIELD]
    vertices = np.array(numbers, np.float64).reshape(-1, _FLOATS_PER_VERTEX)
    return vertices[:N_MESH, :3]


@cache
def mesh_triangles() -> NDArray[np.intp]:
    """Triangles of the landmarks' mesh, shape (898, 3): it covers the face, eyes and lips too."""
    indices = [value for field, value in _fields(_mesh()) if field == _INDEX_FIELD]
    return np.array(indices, np.intp).reshape(-1, 3)


@cache
def mirror_order() -> NDArray[np.intp]:
    """For each landmark of the mesh the one on the other side of the face, shape (468,)."""
    vertices = canonical_vertices()
    mirrored = vertices * np.array([-1.0, 1.0, 1.0])
    distance = np.linalg.norm(mirrored[:, None, :] - vertices[None, :, :], axis=2)
    return distance.argmin(axis=1)


def _mesh() -> bytes:
    mesh = next(value for field, value in _fields(_metadata()) if field == 1)
    assert isinstance(mesh, bytes)
    return mesh


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
    rotation = head_rotation(landmarks)
    roll = np.arctan2(-rotation[1, 0], rotation[0, 0])  # tilt of the line through the eyes
    # roll is undone first: yaw and pitch are the head's own, however it is tilted in the image
    cos, sin = np.cos(roll), np.sin(roll)
    right, up, ahead = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]) @ rotation[:, 2]
    yaw = -np.arctan2(right, ahead)
    pitch = np.arcsin(np.clip(up, -1, 1))
    return float(np.degrees(yaw)), float(np.degrees(pitch)), float(np.degrees(roll))


def head_rotation(landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Best rotation of the canonical face to the landmarks; y up, z to the viewer."""
    seen = landmarks[:N_MESH] * np.array([1.0, -1.0, -1.0])
    model = canonical_vertices()
    u, _, vt = np.linalg.svd((seen - seen.mean(axis=0)).T @ (model - model.mean(axis=0)))
    handed = np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    return u @ handed @ vt


def posed_face(
    landmarks: NDArray[np.float64],
    centre_px: tuple[float, float],
    focal_px: float | None = None,
) -> NDArray[np.float64]:
    """The face's surface where the landmarks lie in the image, smoother and surer than they are.

    The pose comes from the landmarks' x and y alone, by a least-squares fit of the canonical face:
    their z makes turned heads too frontal. The shape is the mean of the canonical face and of the
    landmarks' own, made symmetric: that differs between people, and on one side of a turned head it
    is seen badly.

    Parameters
    ----------
    landmarks : ndarray of float64, shape (478, 3)
        x, y, z in px.
    centre_px : tuple of float
        x, y where the optical axis meets the image; without perspective it does not matter.
    focal_px : float, optional
        Distance from the camera to the eyes in pixels of their depth; None is parallel projection.

    Returns
    -------
    ndarray of float64, shape (468, 3)
        x, y in the image in px; z in px of the eyes' depth, away from the camera, 0 at the eyes.
    """
    model = _from_the_eyes(canonical_vertices() * _AS_IMAGE)
    seen = landmarks[:N_MESH, :2] - np.array(centre_px)
    eyes = seen[list(_EYE_CORNERS)].mean(axis=0)
    size = float(np.linalg.norm(seen - seen.mean(axis=0)) / np.linalg.norm(model))
    nearness = 0.0 if focal_px is None else 1.0 / focal_px
    depth = landmarks[:N_MESH, 2] - landmarks[list(_EYE_CORNERS), 2].mean()
    in_space = np.column_stack([seen * (1 + nearness * depth[:, None]), depth])
    rotation = np.diag(_AS_IMAGE) @ head_rotation(in_space) @ np.diag(_AS_IMAGE)

    def place(shape: NDArray[np.float64], pose: NDArray[np.float64]) -> NDArray[np.float64]:
        turned = pose[3] * size * shape @ Rotation.from_rotvec(pose[:3]).as_matrix().T
        plane = turned[:, :2] + eyes + size * pose[4:]
        return np.column_stack([plane / (1 + nearness * turned[:, 2:]), turned[:, 2]])

    def off(pose: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((place(model, pose)[:, :2] - seen) / size).ravel()

    start = np.array([*Rotation.from_matrix(rotation).as_rotvec(), 1.0, 0.0, 0.0])
    pose = least_squares(off, start).x
    own = _from_the_eyes(in_space @ rotation / (pose[3] * size))
    own = (own + own[mirror_order()] * np.array([-1.0, 1.0, 1.0])) / 2
    own += (model - own).mean(axis=0)
    placed = place((model + own) / 2, pose)
    placed[:, :2] += centre_px
    return placed


def _from_the_eyes(shape: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(shape - shape[list(_EYE_CORNERS)].mean(axis=0))
