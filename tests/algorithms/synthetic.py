"""Synthetic skin and labels that several test files draw."""

from __future__ import annotations

import numpy as np


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
