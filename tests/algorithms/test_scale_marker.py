"""A marker's scale: tilt is not distance, and every unusable marker says why."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scarmetrics.errors import REASONS
from scarmetrics.opencv import cv2
from scarmetrics.phantom import Exposure, expose
from scarmetrics.phantom.prints import View, marker_print, place_print
from scarmetrics.scale import PlaneScale, ScaleNotFound, find_marker
from scarmetrics.scale.marker import predefined
from scarmetrics.scale.plane import fit_plane

SIZE_MM = 18.0
SQUARE = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * SIZE_MM / 2
SHAPE = (900, 720)
AXIS = (359.5, 449.5)
NOISE_PX = 0.05


def fitted(points_px, *, distance_mm=None, sd_px=NOISE_PX):
    return fit_plane(
        SQUARE,
        points_px,
        outline_mm=SQUARE,
        covariance_px2=np.broadcast_to(np.eye(2) * sd_px**2, (4, 2, 2)),
        shape=SHAPE,
        camera_distance_mm=distance_mm,
    )


views = st.builds(
    View,
    centre_px=st.tuples(st.floats(60, 660), st.floats(60, 840)),
    mm_per_px=st.floats(0.15, 0.4),
    tilt_deg=st.floats(0, 45),
    azimuth_deg=st.floats(0, 360),
    turn_deg=st.floats(0, 360),
    distance_mm=st.floats(500, 2000),
    axis_px=st.just(AXIS),
)


@given(views)
def test_exact_corners_give_the_scale_whatever_the_tilt(view):
    """mm per px in the frontal plane through the middle, when the distance is known."""
    found = fitted(view.project(SQUARE), distance_mm=view.distance_mm)
    assert found.mm_per_px == pytest.approx(view.mm_per_px, rel=2e-3)


@given(views)
def test_an_unknown_distance_costs_less_than_a_percent(view):
    found = fitted(view.project(SQUARE))
    assert found.mm_per_px == pytest.approx(view.mm_per_px, rel=0.01)
    assert abs(np.log(found.mm_per_px / view.mm_per_px)) < 4 * found.rel_sd + 1e-3


@given(st.floats(10, 45), st.floats(0, 360))
def test_tilt_is_measured_and_not_taken_for_distance(tilt_deg, azimuth_deg):
    view = View((300, 500), 0.2, tilt_deg, azimuth_deg, 20, 800, AXIS)
    points = view.project(SQUARE)
    found = fitted(points)
    assert found.tilt_deg == pytest.approx(tilt_deg, abs=3)
    x, y = points.T
    area_px2 = abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2
    by_area = SIZE_MM / np.sqrt(area_px2)  # what foreshortening would be mistaken for
    assert by_area / 0.2 - 1 > 5 * abs(found.mm_per_px / 0.2 - 1)


def test_the_uncertainty_is_that_of_repeated_noise():
    rng = np.random.default_rng(0)
    view = View((250, 600), 0.25, 35, 70, 10, 900, AXIS)
    exact = view.project(SQUARE)
    found = [fitted(exact + rng.normal(0, 0.1, (4, 2)), sd_px=0.1) for _ in range(60)]
    off = np.array([np.log(one.mm_per_px / 0.25) for one in found])
    stated = np.median([one.rel_sd for one in found])
    assert 0.5 * stated < np.sqrt(np.mean(off**2)) < 1.6 * stated


def test_more_noise_is_more_uncertainty():
    points = View((250, 600), 0.25, 20, 70, 10, 900, AXIS).project(SQUARE)
    assert fitted(points, sd_px=0.2).rel_sd > 1.5 * fitted(points, sd_px=0.05).rel_sd


def test_bent_paper_is_less_certain_than_flat():
    points = View((250, 600), 0.25, 20, 70, 10, 900, AXIS).project(SQUARE)
    bent = points.copy()
    bent[2] += (points[2] - points[0]) * 0.05
    assert fitted(bent).rel_sd > 3 * fitted(points).rel_sd


def test_views_are_those_of_a_pinhole_camera():
    view = View((250, 600), 0.25, 35, 70, 10, 900, AXIS)
    focal = 900 / 0.25
    camera = np.array([[focal, 0, AXIS[0]], [0, focal, AXIS[1]], [0, 0, 1]])
    place = 900 * np.linalg.solve(camera, [250, 600, 1])
    tilt, _ = cv2.Rodrigues(np.radians(35) * np.array([np.cos(np.radians(70)),
                                                       np.sin(np.radians(70)), 0]))  # fmt: skip
    turn, _ = cv2.Rodrigues(np.radians([0.0, 0, 10]))
    turned, _ = cv2.Rodrigues(tilt @ turn)
    points = np.column_stack([SQUARE, np.zeros(4)])
    seen, _ = cv2.projectPoints(points, turned, place, camera, None)
    np.testing.assert_allclose(view.project(SQUARE), seen[:, 0], atol=1e-6)


# --- in photographs


@pytest.fixture(scope="module")
def face_image(phantom):
    return phantom.image


def with_marker(image, *, name="aruco_4x4_50", number=3, seed=0, size_mm=SIZE_MM, **view):
    view = {"centre_px": (260.0, 560.0), "mm_per_px": 0.3, "axis_px": AXIS, **view}
    thing = marker_print(size_mm, dictionary=predefined(name), marker_id=number)
    return expose(place_print(image, thing, View(**view)), Exposure(), seed=seed)


@pytest.mark.parametrize("name", ["aruco_4x4_50", "aruco_6x6_250", "apriltag_36h11"])
@pytest.mark.parametrize("tilt_deg", [0, 15, 30, 45])
def test_a_marker_in_a_face_gives_the_scale(face_image, name, tilt_deg):
    image = with_marker(face_image, name=name, tilt_deg=tilt_deg, azimuth_deg=40, turn_deg=25)
    found = find_marker(image, size_mm=SIZE_MM, dictionary=name)
    assert isinstance(found, PlaneScale)
    assert found.mm_per_px == pytest.approx(0.3, rel=0.01)
    assert abs(found.mm_per_px / 0.3 - 1) < 3 * found.rel_sd
    assert 0 < found.rel_sd < 0.02


def test_corners_lie_where_they_were_drawn_to_a_tenth_of_a_pixel(face_image):
    view = View((260.3, 560.7), 0.3, 20, 70, 33, 800, AXIS)
    found = find_marker(with_marker(face_image, **dataclasses.asdict(view)), size_mm=SIZE_MM)
    np.testing.assert_allclose(found.corners_px, view.project(SQUARE), atol=0.12)


def test_a_deeper_picture_gives_the_same(face_image):
    image = with_marker(face_image, tilt_deg=20)
    found = find_marker(image, size_mm=SIZE_MM)
    deeper = find_marker(image.astype(np.uint16) * 257, size_mm=SIZE_MM)
    assert deeper.mm_per_px == pytest.approx(found.mm_per_px, rel=1e-5)


def test_twice_the_pixels_are_half_the_scale(face_image):
    image = with_marker(face_image, tilt_deg=20)
    large = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    found, twice = (find_marker(one, size_mm=SIZE_MM) for one in (image, large))
    assert twice.mm_per_px == pytest.approx(found.mm_per_px / 2, rel=3e-3)


def refused(image, code, **options):
    found = find_marker(image, size_mm=SIZE_MM, **options)
    assert isinstance(found, ScaleNotFound)
    assert not found
    assert found.reason_code == code
    assert found.remedy == REASONS[code].remedy
    return found


def test_no_marker(face_image):
    refused(face_image, "marker_not_found")


def test_another_marker_than_the_one_asked_for(face_image):
    found = refused(with_marker(face_image), "marker_not_found", marker_id=5)
    assert "5 was not found, but 3" in found.reason


def test_two_markers(face_image):
    two = with_marker(with_marker(face_image), number=7, centre_px=(450.0, 200.0))
    found = refused(two, "marker_several")
    assert found.reason == "2 markers were found: 3, 7"
    assert find_marker(two, size_mm=SIZE_MM, marker_id=7)


def test_the_same_marker_twice(face_image):
    two = with_marker(with_marker(face_image), centre_px=(450.0, 200.0))
    refused(two, "marker_several", marker_id=3)


@pytest.mark.parametrize("x_px", [12.0, 22.0, 31.0])
@pytest.mark.parametrize("turn_deg", [0, 90])
def test_a_marker_cut_by_the_edge(face_image, x_px, turn_deg):
    image = with_marker(face_image, centre_px=(x_px, 400.0), turn_deg=turn_deg)
    refused(image, "marker_cut")


def test_a_marker_with_a_corner_cut_by_the_edge(face_image):
    image = with_marker(face_image, centre_px=(28.0, 400.0), turn_deg=45)
    refused(image, "marker_cut")


def test_a_dark_thing_at_the_edge_is_no_marker(face_image):
    image = face_image.copy()
    image[300:400, :60] = 10
    image[320:380, 20:40] = 240
    refused(image, "marker_not_found")


def test_a_marker_tilted_beyond_use(face_image):
    image = with_marker(face_image, tilt_deg=60, size_mm=SIZE_MM * 1.5)
    found = find_marker(image, size_mm=SIZE_MM * 1.5)
    assert found.reason_code == "marker_tilted"
    assert found.remedy
    assert find_marker(image, size_mm=SIZE_MM * 1.5, max_tilt_deg=65)


def test_a_marker_of_too_few_pixels(face_image):
    image = with_marker(face_image)
    found = refused(image, "marker_too_small", min_size_px=80)
    assert "the marker is 60 px wide, 80 needed" in found.reason


def test_a_marker_in_the_dark(face_image):
    thing = marker_print(SIZE_MM, dictionary=predefined("aruco_4x4_50"), marker_id=3)
    dark = (face_image * 0.2).astype(np.uint8)
    image = place_print(dark, thing, View((260, 560), 0.3, axis_px=AXIS), light=0.05)
    refused(image, "marker_unclear")


def test_a_marker_whose_white_margin_is_missing(face_image):
    thing = marker_print(SIZE_MM, dictionary=predefined("aruco_4x4_50"), marker_id=3)
    bare = dataclasses.replace(
        thing, colours=thing.colours[1:-1, 1:-1], x_mm=thing.x_mm[1:-1], y_mm=thing.y_mm[1:-1]
    )
    black = np.full_like(face_image, 30)
    image = place_print(black, bare, View((260, 560), 0.3, axis_px=AXIS))
    assert not find_marker(image, size_mm=SIZE_MM)


@pytest.mark.parametrize("size_mm", [0.0, -1.0, float("nan")])
def test_a_size_that_is_none_is_refused(face_image, size_mm):
    with pytest.raises(ValueError, match="size_mm"):
        find_marker(face_image, size_mm=size_mm)
