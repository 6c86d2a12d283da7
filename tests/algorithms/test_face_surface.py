"""Bodies whose surface is known, photographed by a camera that is far away or near."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import CloughTocher2DInterpolator
from scipy.spatial import Delaunay
from synthetic import turned_face

from scarmetrics.config import FaceConfig
from scarmetrics.face import Face
from scarmetrics.face.mesh import posed_face
from scarmetrics.face.surface import mesh_surface
from scarmetrics.opencv import cv2

SHAPE = (801, 801)
CENTRE = 400.0
RADIUS_PX = 300.0
Y, X = np.mgrid[: SHAPE[0], : SHAPE[1]] - CENTRE


def scattered(count, seed=0):
    """About `count` points of the square from -1 to 1, uneven as landmarks are."""
    side = round(np.sqrt(count))
    line = np.linspace(-1, 1, side)
    points = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    return points + np.random.default_rng(seed).normal(0, 0.2 / side, points.shape)


def sphere(count=468, to_deg=80):
    """Vertices and triangles of the cap of a sphere that faces the camera."""
    flat = scattered(count * 4 / np.pi)
    flat = flat[np.hypot(*flat.T) < 1]
    polar = np.radians(to_deg) * np.hypot(*flat.T)
    turn = np.arctan2(flat[:, 1], flat[:, 0])
    body = np.stack(
        [np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), -np.cos(polar)], axis=1
    )
    return RADIUS_PX * body, Delaunay(flat).simplices


def cylinder(count=468, to_deg=80):
    flat = scattered(count)
    angle = np.radians(to_deg) * flat[:, 0]
    body = np.stack([np.sin(angle), flat[:, 1], -np.cos(angle)], axis=1)
    return RADIUS_PX * body, Delaunay(flat).simplices


def plane(tilt_deg, turn_deg, count=300):
    flat = RADIUS_PX * scattered(count)
    slope = np.tan(np.radians(tilt_deg))
    along = np.cos(np.radians(turn_deg)) * flat[:, 0] + np.sin(np.radians(turn_deg)) * flat[:, 1]
    return np.column_stack([flat, slope * along]), Delaunay(flat).simplices


def in_the_image(body):
    return body + np.array([CENTRE, CENTRE, 0])


def relative_error(surface, true_factor, where):
    """Of the area of a part of the image."""
    return surface.factor()[where].sum(dtype=float) / true_factor[where].sum() - 1


@pytest.mark.parametrize(("low_deg", "high_deg"), [(0, 60), (0, 25), (25, 45), (45, 60)])
@pytest.mark.parametrize("body", [sphere, cylinder])
def test_a_curved_body_has_its_true_area(body, low_deg, high_deg):
    vertices, triangles = body()
    surface = mesh_surface(in_the_image(vertices), triangles, SHAPE)
    off_axis = np.hypot(X, Y) if body is sphere else np.abs(X)
    sine = off_axis / RADIUS_PX
    where = (sine >= np.sin(np.radians(low_deg))) & (sine < np.sin(np.radians(high_deg)))
    where &= np.abs(Y) < 0.9 * RADIUS_PX
    true_factor = 1 / np.sqrt(1 - np.minimum(sine, 0.99) ** 2)
    assert abs(relative_error(surface, true_factor, where)) < 0.01
    if high_deg == 60 and low_deg == 0:
        flat = where.sum() / true_factor[where].sum() - 1
        assert flat < -0.1  # what the correction is for
    within, middle = surface.within(60.0), np.abs(Y) < 0.9 * RADIUS_PX
    assert within[middle & (sine < np.sin(np.radians(57)))].all()
    assert not within[middle & (sine > np.sin(np.radians(63)))].any()


@given(tilt_deg=st.floats(0, 60), turn_deg=st.floats(0, 360))
def test_a_tilted_plane_has_its_true_area_at_every_pixel(tilt_deg, turn_deg):
    vertices, triangles = plane(tilt_deg, turn_deg)
    factor = mesh_surface(in_the_image(vertices), triangles, SHAPE).factor()
    np.testing.assert_allclose(factor, 1 / np.cos(np.radians(tilt_deg)), rtol=1e-4)


@settings(max_examples=15)
@given(
    tilt_deg=st.floats(0, 50),
    turn_deg=st.floats(0, 360),
    distance=st.floats(3, 10),
    deeper=st.floats(-0.3, 0.3),
)
def test_a_near_camera_sees_a_plane_at_its_true_area(tilt_deg, turn_deg, distance, deeper):
    # pixels are rays: where each meets the plane is known, and so is the area between the rays
    focal_px = distance * RADIUS_PX
    body, triangles = plane(tilt_deg, turn_deg, count=900)
    body[:, :2] *= 1.3
    body[:, 2] = 1.3 * body[:, 2] + deeper * RADIUS_PX
    away = 1 + body[:, 2:] / focal_px
    seen = np.column_stack([body[:, :2] / away, body[:, 2]])
    surface = mesh_surface(in_the_image(seen), triangles, SHAPE, focal_px=focal_px)
    slope = np.tan(np.radians(tilt_deg))
    gradient = slope * np.array([np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))])
    u, v = X / focal_px, Y / focal_px
    depth = (focal_px + deeper * RADIUS_PX) / (1 - gradient[0] * u - gradient[1] * v)
    normal_ray = np.abs(1 - gradient[0] * u - gradient[1] * v) / np.sqrt(1 + slope**2)
    true_factor = (depth / focal_px) ** 2 / normal_ray
    where = np.hypot(X, Y) < 0.5 * RADIUS_PX
    np.testing.assert_allclose(surface.factor()[where], true_factor[where], rtol=0.01)


def test_without_perspective_is_the_limit_of_a_far_camera():
    vertices, triangles = sphere()
    far, parallel = (
        mesh_surface(in_the_image(vertices), triangles, SHAPE, focal_px=focal_px).factor()
        for focal_px in (1e4 * RADIUS_PX, None)
    )
    where = np.hypot(X, Y) < 0.8 * RADIUS_PX
    np.testing.assert_allclose(far[where], parallel[where], rtol=1e-3)


def test_the_nearer_of_two_surfaces_counts():
    behind, triangles = plane(0, 0)
    before, _ = plane(45, 0)
    before[:, 2] -= 2 * RADIUS_PX
    backwards = np.array([0, 0, RADIUS_PX])
    both = np.concatenate([behind + backwards, 0.4 * before - backwards])
    surface = mesh_surface(
        in_the_image(both), np.concatenate([triangles, triangles + len(behind)]), SHAPE
    )
    centre = np.maximum(np.abs(X), np.abs(Y)) < 0.3 * RADIUS_PX
    edge = (np.hypot(X, Y) > 0.7 * RADIUS_PX) & (np.hypot(X, Y) < 0.9 * RADIUS_PX)
    np.testing.assert_allclose(surface.factor()[centre], np.sqrt(2), rtol=1e-3)
    np.testing.assert_allclose(surface.factor()[edge], 1, rtol=1e-3)


def test_the_factor_is_finite_beyond_the_mesh_and_smooth_on_it():
    vertices, triangles = sphere()
    factor = mesh_surface(in_the_image(vertices), triangles, SHAPE).factor()
    assert factor.shape == SHAPE
    assert np.isfinite(factor).all()
    assert factor.min() >= 0.999
    inner = np.hypot(X, Y) < 0.8 * RADIUS_PX
    step = np.abs(np.diff(factor, axis=1))[:, :][inner[:, 1:]]
    assert step.max() < 0.03  # no facet shows


# --- the face's own mesh ---


@given(
    yaw_deg=st.floats(-60, 60),
    pitch_deg=st.floats(-25, 25),
    roll_deg=st.floats(-40, 40),
    zoom=st.floats(3, 60),
)
def test_the_posed_face_covers_the_landmarks(yaw_deg, pitch_deg, roll_deg, zoom):
    landmarks = turned_face(yaw_deg, pitch_deg, roll_deg, zoom)
    posed = posed_face(landmarks, (10.0, 20.0))
    np.testing.assert_allclose(posed[:, :2], landmarks[:468, :2], atol=1e-3 * zoom)
    depth = landmarks[:468, 2] - landmarks[[33, 133, 362, 263], 2].mean()
    np.testing.assert_allclose(posed[:, 2], depth, atol=2e-2 * zoom)


def test_the_pose_comes_from_the_place_of_the_landmarks_and_not_from_their_depth():
    landmarks = turned_face(30, 5, -10)
    posed = posed_face(landmarks, (0.0, 0.0))
    flattened = landmarks * [1, 1, 0.9]
    change = np.abs(posed_face(flattened, (0.0, 0.0)) - posed).max()
    assert change < 0.5 * np.abs(landmarks - flattened).max()


def test_a_near_face_is_posed_with_perspective():
    focal_px, centre = 900.0, (300.0, 400.0)
    true = turned_face(15, -5, 5, zoom=20)[:468]
    true[:, :2] -= centre
    true[:, 2] -= true[[33, 133, 362, 263], 2].mean()
    seen = np.zeros((478, 3))
    seen[:468, :2] = true[:, :2] / (1 + true[:, 2:] / focal_px) + centre
    seen[:468, 2] = true[:, 2]
    posed = posed_face(seen, centre, focal_px)
    np.testing.assert_allclose(posed[:, :2], seen[:468, :2], atol=0.02)
    np.testing.assert_allclose(posed[:, 2], true[:, 2], atol=0.4)


def face_of(landmarks, shape, **config):
    pupils = landmarks[[33, 133, 362, 263]].reshape(2, 2, 3).mean(axis=1)
    landmarks[468], landmarks[473] = pupils
    return Face(landmarks, 1.0, 0.0, 0.0, 0.0, shape, (), FaceConfig(**config))


PATCHES = {  # rings of landmarks: cheeks, forehead, chin
    "right cheek": (116, 117, 118, 101, 36, 205, 187, 123),
    "left cheek": (345, 346, 347, 330, 266, 425, 411, 352),
    "forehead": (67, 69, 108, 151, 337, 299, 297, 338, 10, 109),
    "chin": (194, 201, 200, 421, 418, 396, 175, 171),
}


def smooth_patch(ring, zoom):
    """Points, normals and areas of a patch of the smooth surface through the face's vertices.

    In the axes of an image of the face from the front, in px; the mesh itself has facets, whose
    area is some per cent less than that of the skin.
    """
    vertices = turned_face(zoom=zoom)[:468]
    # vertices that face the camera: the surface is a function of x and y there
    smooth = CloughTocher2DInterpolator(vertices[:, :2], vertices[:, 2])
    outline = vertices[list(ring), :2].astype(np.float32)
    low, high = outline.min(axis=0), outline.max(axis=0)
    grid = np.stack(np.meshgrid(*(np.arange(low[i], high[i], 1.0) for i in range(2))), axis=-1)
    points = grid.reshape(-1, 2)
    inside = [cv2.pointPolygonTest(outline, (float(x), float(y)), False) > 0 for x, y in points]
    points, half = points[inside], 0.25
    slope_x, slope_y = (
        (smooth(points + step) - smooth(points - step)) / (2 * half)
        for step in (np.array([half, 0]), np.array([0, half]))
    )
    known = np.isfinite(slope_x + slope_y)  # not on the very rim of the mesh
    assert known.mean() > 0.95
    points, slope_x, slope_y = points[known], slope_x[known], slope_y[known]
    normals = np.column_stack([-slope_x, -slope_y, np.ones(len(points))])
    areas = np.linalg.norm(normals, axis=1)
    return np.column_stack([points, smooth(points)]), normals / areas[:, None], areas


def turning(yaw_deg, roll_deg, zoom):
    """The rotation and shift that `turned_face` applies, in image axes."""
    straight, turned = turned_face(zoom=zoom)[:468], turned_face(yaw_deg, 0, roll_deg, zoom)[:468]
    u, _, vt = np.linalg.svd((turned - turned.mean(0)).T @ (straight - straight.mean(0)))
    rotation = u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
    return rotation, turned.mean(0) - rotation @ straight.mean(0)


def areas_of_a_patch(face, ring, zoom, yaw_deg, roll_deg):
    """True, measured and projected area of a patch in a turned face's photograph."""
    points, normals, areas = smooth_patch(ring, zoom)
    rotation, shift = turning(yaw_deg, roll_deg, zoom)
    seen, facing = points @ rotation.T + shift, (normals @ rotation.T)[:, 2]
    assert (facing > 0).all()
    x, y = seen[:, :2].astype(np.float32).T
    factor = cv2.remap(face.surface_factor(), x[:, None], y[:, None], cv2.INTER_LINEAR)[:, 0]
    return areas.sum(), (factor * facing * areas).sum(), (facing * areas).sum()


@pytest.mark.parametrize("roll_deg", [0, -25])
@pytest.mark.parametrize("yaw_deg", [-45, -30, -15, 0, 15, 30, 45])
def test_patches_of_a_turned_face_keep_their_area(yaw_deg, roll_deg):
    zoom, shape = 25.0, (700, 700)
    face = face_of(turned_face(yaw_deg, 0, roll_deg, zoom), shape)
    far_cheek = {-1: "left cheek", 0: "", 1: "right cheek"}[int(np.sign(yaw_deg))]
    lost = []
    for name, ring in PATCHES.items():
        if name != far_cheek:  # which the nose hides in part
            true, measured, flat = areas_of_a_patch(face, ring, zoom, yaw_deg, roll_deg)
            assert measured == pytest.approx(true, rel=0.03), name
            lost.append(1 - flat / true)
    assert max(lost) > (0.29 if abs(yaw_deg) == 45 else 0.1)  # what is corrected


def test_perspective_needs_the_cameras_distance():
    landmarks, shape = turned_face(zoom=20), (700, 600)
    far = face_of(landmarks, shape)
    near = face_of(landmarks, shape, camera_distance_mm=250.0)
    np.testing.assert_array_equal(far.surface_factor(0.5), far.surface_factor(0.3))
    # the nose's tip is nearer to the camera than the eyes, the cheeks' rims are farther away
    x, y = np.rint(landmarks[[1, 234], :2]).astype(int).T
    magnification = {}
    for name, face in (("far", far), ("near", near)):
        plane = face.surface(0.5)
        whole = plane.factor() * np.clip(plane._in_pixels(plane.cosine), 0, 1)
        magnification[name] = whole[y, x]
    assert magnification["near"][0] < 0.9
    assert magnification["near"][1] > 1.1
    np.testing.assert_allclose(magnification["far"], 1, atol=0.05)
