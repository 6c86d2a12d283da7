"""The parts of dense flow, on textures and flows that are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scarmetrics.opencv import cv2
from scarmetrics.registration.flow import (
    CELL_PX,
    dense_flow,
    follow,
    from_grid,
    inverse_flow,
    to_grid,
)
from scarmetrics.registration.frame import WorkImage
from scarmetrics.registration.landmarks import landmark_affine, landmark_flow
from scarmetrics.registration.smooth import smooth_flow

SHAPE = (150, 180)
seeds = st.integers(0, 2**31 - 1)


def affine_flow(rng, shape=SHAPE, strain=0.05):
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    slopes = rng.uniform(-strain, strain, (2, 2))
    shift = rng.uniform(-3, 3, 2)
    return np.stack(
        [shift[i] + slopes[i, 0] * x + slopes[i, 1] * y for i in (0, 1)], axis=-1
    ).astype(np.float32)


def skin_like(seed, shape=SHAPE, sigma=1.2):
    """Texture of zero mean and unit deviation, about as fine as pores."""
    noise = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    fine = cv2.GaussianBlur(noise, (0, 0), sigma)
    broad = cv2.GaussianBlur(noise, (0, 0), 4 * sigma)
    texture = fine / fine.std() + broad / broad.std()
    return (texture / texture.std()).astype(np.float32)


def work(texture):
    return WorkImage(texture, texture, np.ones(texture.shape, bool), 1.0)


@given(seeds)
def test_smoothing_leaves_an_affine_flow_as_it_is(seed):
    rng = np.random.default_rng(seed)
    flow = affine_flow(rng, (40, 50))
    weight = rng.uniform(0.2, 1, (40, 50)).astype(np.float32)
    # but for the ridge, which holds slopes down by a twentieth of the window's variance
    off = smooth_flow(flow, weight, 3.0) - flow
    inner = off[9:-9, 9:-9]
    assert np.abs(inner).max() < 0.05 * np.abs(np.gradient(flow, axis=(0, 1))).max() * 3 + 0.02


@given(seeds)
def test_smoothing_does_not_follow_a_small_spot_that_moves_alone(seed):
    rng = np.random.default_rng(seed)
    flow = affine_flow(rng, (60, 60), 0.02)
    spot = np.hypot(*(np.mgrid[:60, :60] - rng.uniform(20, 40, (2, 1, 1)))) < 2
    moved = flow.copy()
    moved[spot] += rng.choice([-1, 1], 2).astype(np.float32) * 2
    weight = np.ones((60, 60), np.float32)
    shift = smooth_flow(moved, weight, 3.0) - smooth_flow(flow, weight, 3.0)
    assert np.abs(shift).max() < 0.15


def test_smoothing_with_nothing_known_is_finite():
    flow = np.ones((20, 20, 2), np.float32)
    assert np.isfinite(smooth_flow(flow, np.zeros((20, 20), np.float32), 2.0)).all()


@given(seeds)
def test_the_grid_keeps_linear_flows(seed):
    rng = np.random.default_rng(seed)
    rows, cols = (int(n) for n in rng.integers(40, 90, 2))
    flow = affine_flow(rng, (rows, cols))
    back = from_grid(to_grid(flow), (rows, cols))
    assert back.shape == flow.shape
    edge = 2 * CELL_PX
    np.testing.assert_allclose(
        back[edge:-edge, edge:-edge], flow[edge:-edge, edge:-edge], atol=2e-3
    )


@given(seeds)
def test_the_inverse_leads_back(seed):
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(-4, 4, (5, 6, 2)).astype(np.float32)
    flow = cv2.resize(coarse, SHAPE[::-1], interpolation=cv2.INTER_CUBIC)
    closing = flow + follow(inverse_flow(flow, -flow), flow)
    inner = closing[15:-15, 15:-15]  # what leaves the frame has no way back
    assert np.abs(inner).max() < 0.05  # OpenCV reads at multiples of 1/32 px


@pytest.mark.parametrize("seed", range(6))
def test_a_known_smooth_flow_is_found(seed):
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(-2.5, 2.5, (3, 3, 2)).astype(np.float32)
    truth = cv2.resize(coarse, SHAPE[::-1], interpolation=cv2.INTER_CUBIC)
    second = skin_like(seed)
    first = follow(second, truth, cv2.INTER_CUBIC)
    start = np.zeros((*SHAPE, 2), np.float32)
    found = dense_flow(work(first), work(second), start, np.ones(SHAPE, bool), 8.0)
    off = np.hypot(*(found.field - truth)[15:-15, 15:-15].reshape(-1, 2).T)
    assert np.median(off) < 0.1
    assert np.percentile(off, 99) < 0.4
    assert found.unrest_px.shape == to_grid(first).shape


def test_a_new_spot_does_not_move_the_skin_around():
    first = skin_like(3)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    spot = np.exp(-((x - 90) ** 2 + (y - 70) ** 2) / (2 * 4.0**2)).astype(np.float32)
    start = np.zeros((*SHAPE, 2), np.float32)
    found = dense_flow(work(first), work(first - 3 * spot), start, np.ones(SHAPE, bool), 8.0)
    off = np.hypot(found.field[..., 0], found.field[..., 1])
    assert np.median(off) < 0.02
    assert off.max() < 0.4


@given(seeds)
def test_landmarks_give_an_affine_map_back(seed):
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 400, (60, 2))
    matrix = np.array([[1, 0, 0], [0, 1, 0]], float) + rng.uniform(-0.2, 0.2, (2, 3))
    moved = points @ matrix[:, :2].T + matrix[:, 2]
    found = landmark_affine(points, moved, mirrored=False)
    np.testing.assert_allclose(found, matrix, atol=1e-4)
    flow = landmark_flow(points, moved, (420, 410))
    x, y = points[:5].round().astype(int).T
    at = np.column_stack([x, y])
    expected = at @ matrix[:, :2].T + matrix[:, 2] - at
    # between nodes OpenCV reads at multiples of 1/32: of 13 px, on a slope of up to 0.2
    np.testing.assert_allclose(flow[y, x], expected, atol=0.1)


def test_landmarks_that_mirror_each_other_are_no_map():
    points = np.random.default_rng(1).uniform(0, 400, (60, 2))
    mirrored = points * [-1, 1] + [400, 0]
    assert landmark_affine(points, mirrored, mirrored=False) is None
    assert landmark_affine(points, mirrored, mirrored=True) is not None
