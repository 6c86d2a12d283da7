import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic import turned_face

from scarmetrics.face.mesh import head_pose_deg
from scarmetrics.face.regions import OUTLINE, outline_mask, side_mask

NOSE_TIP = 1
LEFT_EAR, RIGHT_EAR = 454, 234


@given(
    yaw_deg=st.floats(-60, 60),
    pitch_deg=st.floats(-30, 30),
    roll_deg=st.floats(-179, 179),
    zoom=st.floats(1, 100),
)
def test_pose_is_the_heads_own_whatever_the_roll(yaw_deg, pitch_deg, roll_deg, zoom):
    pose = head_pose_deg(turned_face(yaw_deg, pitch_deg, roll_deg, zoom))
    np.testing.assert_allclose(pose, (yaw_deg, pitch_deg, roll_deg), atol=1e-6)


def test_positive_yaw_shows_more_of_the_left_cheek():
    x = turned_face(yaw_deg=30)[:, 0]
    left, right = x[LEFT_EAR] - x[NOSE_TIP], x[NOSE_TIP] - x[RIGHT_EAR]
    assert left > 2 * right > 0


def test_positive_pitch_looks_up_and_positive_roll_is_clockwise():
    straight = turned_face()
    assert turned_face(pitch_deg=20)[NOSE_TIP, 1] < straight[NOSE_TIP, 1]
    rolled = turned_face(roll_deg=20)
    assert rolled[LEFT_EAR, 1] > rolled[RIGHT_EAR, 1]


@given(yaw_deg=st.floats(-25, 25), roll_deg=st.floats(-180, 180))
def test_sides_part_the_image_and_hold_their_own_ear(yaw_deg, roll_deg):
    landmarks = turned_face(yaw_deg, 0, roll_deg, zoom=14)
    shape = (700, 600)
    left, right = (side_mask(landmarks, shape, side) for side in ("left", "right"))
    assert np.array_equal(left, ~right)
    ears = np.rint(landmarks[[LEFT_EAR, RIGHT_EAR], :2]).astype(int)
    assert left[ears[0, 1], ears[0, 0]]
    assert right[ears[1, 1], ears[1, 0]]


def test_the_outline_is_filled_up_to_its_margin():
    landmarks = turned_face(zoom=14)
    ring = landmarks[list(OUTLINE), :2]
    x, y = ring.T
    area = abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2
    length = np.hypot(*(ring - np.roll(ring, -1, axis=0)).T).sum()
    whole, inner = (outline_mask(landmarks, (700, 600), margin).sum() for margin in (0.0, 12.0))
    assert whole == pytest.approx(area, rel=0.01)
    assert inner == pytest.approx(area - 12 * length + np.pi * 12**2, rel=0.02)
