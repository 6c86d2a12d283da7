"""Synthetic skin, labels and faces that several test files draw."""

from __future__ import annotations

import numpy as np

from scarmetrics.face.mesh import canonical_vertices


def srgb_code(linear, dtype=np.uint16):
    """An RGB image, gray, of linear light from 0 to 1."""
    linear = np.clip(linear, 0, 1)
    code = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    levels = np.round(code * np.iinfo(dtype).max).astype(dtype)
    return np.repeat(levels[..., None], 3, axis=-1)


def dips(shape, spots):
    """Gaussian dips in log luminance: (x_px, y_px, FWHM in px, depth) each."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    total = np.zeros(shape)
    for at_x, at_y, fwhm_px, depth in spots:
        squared = (x - at_x) ** 2 + (y - at_y) ** 2
        total += depth * 0.5 ** (squared / (fwhm_px / 2) ** 2)
    return total


def skin(depth, *, light=0.3, noise=0.005, seed=0, dtype=np.uint16):
    """Skin of even light, darker by `depth` (log luminance), with fine noise."""
    grain = np.random.default_rng(seed).normal(0, noise, depth.shape) if noise else 0.0
    return srgb_code(light * np.exp(grain - depth), dtype)


def disc(shape, x, y, radius):
    """Pixels whose centre lies in a disc."""
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    return (cols - x) ** 2 + (rows - y) ** 2 <= radius**2


def turned_face(yaw_deg=0.0, pitch_deg=0.0, roll_deg=0.0, zoom=20.0):
    """Landmarks of the model's own face in a head pose."""
    yaw, pitch, roll = np.radians([yaw_deg, pitch_deg, roll_deg])
    look_up = [[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]]
    show_left = [[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]]
    clockwise = [[np.cos(roll), np.sin(roll), 0], [-np.sin(roll), np.cos(roll), 0], [0, 0, 1]]
    seen = canonical_vertices() @ np.array(look_up).T @ np.array(show_left).T
    seen = seen @ np.array(clockwise).T * zoom * [1, -1, -1]  # image: y down, z away
    landmarks = np.zeros((478, 3))
    landmarks[:468] = seen + np.array([300, 350, 0])
    return landmarks
