import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic import turned_face

from scarmetrics.config import FaceConfig
from scarmetrics.face import REGIONS, Face
from scarmetrics.face.mesh import mesh_triangles, mirror_order
from scarmetrics.face.parts import RIGHT_RINGS, triangle_regions
from scarmetrics.models import SIDES

# a landmark in the middle of each region, on the right side
INSIDE = {
    "forehead": 69,
    "temple": 139,
    "cheek": 50,
    "nose": 51,
    "perioral": 165,
    "chin": 208,
    "jaw": 135,
}
FACE_PX = 17.7  # height of the canonical face in its own unit


def face_at(yaw_deg, roll_deg, face_px):
    """A face that fills most of its image."""
    landmarks = turned_face(yaw_deg, 0, roll_deg, zoom=face_px / FACE_PX)
    low, high = landmarks[:468, :2].min(axis=0), landmarks[:468, :2].max(axis=0)
    landmarks[:, :2] += 0.05 * face_px - low
    landmarks[468], landmarks[473] = landmarks[[33, 133]].mean(0), landmarks[[263, 362]].mean(0)
    cols, rows = np.ceil(high - low + 0.1 * face_px).astype(int)
    return Face(landmarks, 1.0, yaw_deg, 0.0, roll_deg, (rows, cols), (), FaceConfig())


def check_partition(face):
    labels = {side: face.regions(side) for side in SIDES}
    for side, found in labels.items():
        np.testing.assert_array_equal(found > 0, face.skin_mask(side))
        assert found.max() <= len(REGIONS)
    assert not ((labels["left"] > 0) & (labels["right"] > 0)).any()
    return labels


@settings(max_examples=20)
@given(
    yaw_deg=st.floats(-60, 60),
    roll_deg=st.floats(-30, 30),
    face_px=st.sampled_from([300, 450, 700]),
)
def test_every_pixel_of_skin_has_exactly_one_region(yaw_deg, roll_deg, face_px):
    check_partition(face_at(yaw_deg, roll_deg, face_px))


@pytest.mark.parametrize(("yaw_deg", "roll_deg"), [(0, 0), (-60, 30)])
def test_a_face_of_6000_px_has_the_same_regions(yaw_deg, roll_deg):
    large, small = (check_partition(face_at(yaw_deg, roll_deg, px)) for px in (6000, 300))
    for side in SIDES:
        shares = [
            np.bincount(labels[side].ravel(), minlength=8)[1:] / max(1, (labels[side] > 0).sum())
            for labels in (large, small)
        ]
        np.testing.assert_allclose(shares[0], shares[1], atol=0.02)


@pytest.mark.parametrize("yaw_deg", [0, -20, -45])
@pytest.mark.parametrize("roll_deg", [-30, 0, 30])
def test_each_region_is_where_its_name_says(yaw_deg, roll_deg):
    face = face_at(yaw_deg, roll_deg, 700)
    labels = face.regions("right")
    for name, landmark in INSIDE.items():
        if name == "nose" and yaw_deg == -45:
            continue  # its ridge is the face's edge there
        x, y = np.rint(face.landmarks[landmark, :2]).astype(int)
        assert labels[y, x] == REGIONS.index(name) + 1, name


def test_a_frontal_face_has_all_regions_on_both_sides_alike():
    face = face_at(0, 0, 700)
    counts = [np.bincount(face.regions(side).ravel(), minlength=8)[1:] for side in SIDES]
    assert (counts[0] > 0.01 * counts[0].sum()).all()
    np.testing.assert_allclose(counts[0], counts[1], rtol=0.05)


def test_the_nose_hides_the_cheek_behind_it():
    face = face_at(55, 0, 700)
    nose = face.landmarks[[4, 5, 195], :2]
    labels = face.regions("left") + face.regions("right")
    for x, y in np.rint(nose).astype(int):
        assert labels[y, x] in (0, REGIONS.index("nose") + 1)


def test_the_meshs_two_sides_are_mirror_images():
    labels = {frozenset(t): label for t, label in zip(mesh_triangles().tolist(),
                                                      triangle_regions(), strict=True)}  # fmt: skip
    mirror = mirror_order()
    for corners, label in labels.items():
        other = labels.get(frozenset(mirror[list(corners)].tolist()))
        assert other is None or other == label
    assert set(RIGHT_RINGS) | {"cheek"} == set(REGIONS)
    assert set(labels.values()) == set(range(1, len(REGIONS) + 1))


@pytest.mark.shared
def test_regions_of_real_faces_and_of_their_mirror_images(shared_faces, read_photograph):
    from scarmetrics.face import detect_face

    for path in sorted((shared_faces / "london").glob("*_08.jpg"))[::9]:
        image = read_photograph(path)
        face = detect_face(image)
        mirrored = detect_face(np.ascontiguousarray(image[:, ::-1]))
        labels = check_partition(face)
        other = {side: mirrored.regions(side)[:, ::-1] for side in SIDES}
        for side, opposite in (("left", "right"), ("right", "left")):
            both = (labels[side] > 0) & (other[opposite] > 0)
            assert both.sum() > 0.9 * (labels[side] > 0).sum()
            assert (labels[side] == other[opposite])[both].mean() > 0.93, path.name
