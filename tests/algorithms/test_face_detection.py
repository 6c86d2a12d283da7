import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from scarmetrics.config import FaceConfig
from scarmetrics.face import Face, FaceNotFound, detect_face
from scarmetrics.opencv import cv2

RIGHT_PUPIL, LEFT_PUPIL = 468, 473
EYES_AND_LIPS = {"right eye": (33, 133), "left eye": (263, 362), "lips": (13, 14)}


def moved(image, turn_deg=0.0, zoom=1.0, shift_px=(0.0, 0.0)):
    """The picture turned about its centre, enlarged and shifted, and the map of its points."""
    rows, cols = image.shape[:2]
    room = 1.5 * max(zoom, 0.7)
    size = (round(cols * room), round(rows * room))
    matrix = cv2.getRotationMatrix2D(((cols - 1) / 2, (rows - 1) / 2), turn_deg, zoom)
    matrix[:, 2] += np.array([size[0] - cols, size[1] - rows]) / 2 + shift_px
    smooth = cv2.GaussianBlur(image, (0, 0), 0.4 / zoom) if zoom < 1 else image
    return cv2.warpAffine(smooth, matrix, size, borderMode=cv2.BORDER_REPLICATE), matrix


@pytest.mark.parametrize("enlarged", [1, 3])
def test_the_portrait_is_found_at_any_size(enlarged):
    image = cv2.resize(data.astronaut(), None, fx=enlarged, fy=enlarged)
    face = detect_face(image)
    assert isinstance(face, Face)
    assert face
    assert face.flags == ()
    assert face.presence > 0.99
    assert face.side_visible == "both"
    pupils = (face.landmarks[[RIGHT_PUPIL, LEFT_PUPIL], :2] + 0.5) / enlarged - 0.5
    # read off the picture by eye
    np.testing.assert_allclose(pupils, [[203.2, 100.5], [246.3, 102.9]], atol=1.0)


@settings(max_examples=15)
@given(
    turn_deg=st.floats(-30, 30),
    zoom=st.floats(0.5, 2),
    shift_px=st.tuples(st.floats(-60, 60), st.floats(-60, 60)),
)
def test_landmarks_follow_the_face(phantom, phantom_face, turn_deg, zoom, shift_px):
    image, matrix = moved(phantom.image, turn_deg, zoom, shift_px)
    face = detect_face(image)
    assert face
    expected = phantom_face.landmarks[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    off = np.hypot(*(face.landmarks[:, :2] - expected).T)
    interpupillary_px = zoom * phantom_face.interpupillary_px
    assert np.median(off) < 0.01 * interpupillary_px
    assert off.max() < 0.03 * interpupillary_px
    assert face.interpupillary_px == pytest.approx(interpupillary_px, rel=0.02)
    # getRotationMatrix2D turns counter-clockwise
    assert face.roll_deg == pytest.approx(phantom_face.roll_deg - turn_deg, abs=1.0)
    assert face.yaw_deg == pytest.approx(phantom_face.yaw_deg, abs=1.5)


def test_left_is_left(phantom_face):
    landmarks = phantom_face.landmarks
    assert landmarks[RIGHT_PUPIL, 0] < landmarks[LEFT_PUPIL, 0]
    left, right = (phantom_face.skin_mask(side) for side in ("left", "right"))
    assert np.nonzero(left)[1].mean() > np.nonzero(right)[1].mean()


def test_left_stays_left_when_the_photograph_is_upside_down(phantom, phantom_face):
    face = detect_face(np.ascontiguousarray(phantom.image[::-1, ::-1]))
    assert face
    assert abs(face.roll_deg) > 175
    for side in ("left", "right"):
        same = face.skin_mask(side)[::-1, ::-1] & phantom_face.skin_mask(side)
        assert same.sum() > 0.9 * phantom_face.skin_mask(side).sum()


def test_the_nearer_side_is_the_one_turned_to_the_camera(phantom):
    rows, cols = phantom.image.shape[:2]
    corners = np.array([[0, 0], [cols, 0], [0, rows], [cols, rows]], np.float32)
    # the viewer's right, which is the anatomical left, recedes
    shrunk = corners * [0.75, 1] + np.outer([0, 1, 0, -1], [0, 0.3 * rows])
    matrix = cv2.getPerspectiveTransform(corners, shrunk.astype(np.float32))
    image = cv2.warpPerspective(
        phantom.image, matrix, (cols, rows), borderMode=cv2.BORDER_REPLICATE
    )
    face, mirrored = detect_face(image), detect_face(np.ascontiguousarray(image[:, ::-1]))
    assert face
    assert mirrored
    assert face.yaw_deg < -10
    assert mirrored.yaw_deg == pytest.approx(-face.yaw_deg, abs=2)
    assert mirrored.roll_deg == pytest.approx(-face.roll_deg, abs=2)


def test_skin_is_inside_the_outline_and_off_the_features(phantom_face):
    left, right = (phantom_face.skin_mask(side) for side in ("left", "right"))
    skin = left | right
    assert not (left & right).any()
    assert not (skin & ~phantom_face.face_mask).any()
    assert 0.5 < skin.sum() / phantom_face.face_mask.sum() < 0.9
    for corners in EYES_AND_LIPS.values():
        x, y = np.rint(phantom_face.landmarks[list(corners), :2].mean(axis=0)).astype(int)
        assert not skin[y, x]
    x0, y0, x1, y1 = phantom_face.box
    outside = skin.copy()
    outside[y0:y1, x0:x1] = False
    assert not outside.any()


def test_margins_are_the_configs(phantom):
    tight = detect_face(phantom.image, config=FaceConfig(outline_margin=0.0, feature_margin=0.0))
    wide = detect_face(phantom.image, config=FaceConfig(outline_margin=0.2, feature_margin=0.1))
    assert tight
    assert wide
    assert not (wide.skin_mask("left") & ~tight.skin_mask("left")).any()
    assert wide.skin_mask("left").sum() < 0.8 * tight.skin_mask("left").sum()


def test_16_bit_gives_the_same_face(phantom, phantom_face):
    face = detect_face(phantom.image.astype(np.uint16) * 257)
    assert face
    np.testing.assert_array_equal(face.landmarks, phantom_face.landmarks)


@pytest.mark.parametrize("what", ["black", "noise", "skin alone", "one pixel"])
def test_no_face_is_a_reason_and_falsy(what, phantom, phantom_face):
    if what == "skin alone":
        x, y = np.rint(phantom_face.landmarks[425, :2]).astype(int)  # middle of the left cheek
        image = phantom.image[y - 50 : y + 50, x - 50 : x + 50]
    elif what == "noise":
        image = np.random.default_rng(0).integers(0, 256, (400, 300, 3), np.uint8)
    else:
        image = np.zeros((1, 1, 3) if what == "one pixel" else (300, 400, 3), np.uint8)
    face = detect_face(image)
    assert isinstance(face, FaceNotFound)
    assert not face
    assert face.reason_code == "face_not_found"
    assert face.reason
    assert face.remedy


@pytest.mark.parametrize("edge", ["left", "right", "bottom"])
@pytest.mark.parametrize("share", [0.45, 0.7])
def test_a_face_cut_by_the_edge_is_refused(phantom, phantom_face, edge, share):
    x0, y0, x1, y1 = phantom_face.box
    x, y = x0 + round(share * (x1 - x0)), y1 - round(share * (y1 - y0))
    image = {
        "left": phantom.image[:, x:],
        "right": phantom.image[:, : x0 + x1 - x],
        "bottom": phantom.image[:y],
    }[edge]
    face = detect_face(np.ascontiguousarray(image))
    assert not face
    assert face.reason_code in ("face_partial", "face_not_found")
    if share < 0.5:
        assert face.reason_code == "face_partial"


def test_a_face_at_the_edge_is_taken(phantom, phantom_face):
    x0, y0, x1, y1 = phantom_face.box
    face = detect_face(np.ascontiguousarray(phantom.image[y0 + 5 : y1 - 5, x0 + 5 : x1 - 5]))
    assert face
    assert face.interpupillary_px == pytest.approx(phantom_face.interpupillary_px, rel=0.03)


def test_a_face_of_a_few_pixels_is_refused(phantom):
    face = detect_face(cv2.resize(phantom.image, (48, 60), interpolation=cv2.INTER_AREA))
    assert not face
    assert "too small" in face.reason


@pytest.mark.parametrize("mirrored", [False, True])
def test_of_two_faces_the_larger_is_taken_and_flagged(
    phantom, phantom_face, other_phantom, mirrored
):
    small = cv2.resize(other_phantom.image, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
    rows, cols = phantom.image.shape[:2]
    image = np.full((rows, cols + small.shape[1], 3), 90, np.uint8)
    image[:, :cols] = phantom.image
    image[100 : 100 + small.shape[0], cols:] = small
    if mirrored:
        image = np.ascontiguousarray(image[:, ::-1])
    face = detect_face(image)
    assert face
    assert "several_faces" in face.flags
    assert face.interpupillary_px == pytest.approx(phantom_face.interpupillary_px, rel=0.02)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((50, 50), np.uint8),
        np.zeros((50, 50, 4), np.uint8),
        np.zeros((50, 50, 3), np.float32),
    ],
)
def test_what_is_no_rgb_image_is_an_error(image):
    with pytest.raises(ValueError, match="RGB"):
        detect_face(image)


@pytest.mark.shared
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("folder", "count"), [("london", 36), ("canada", 20)])
def test_pupils_of_real_faces(shared_faces, read_photograph, folder, count, turned):
    errors = []
    rng = np.random.default_rng(count)
    for marked in sorted((shared_faces / folder).glob("*.tem")):
        lines = marked.read_text().splitlines()[1:3]
        pupils = np.array([line.split()[:2] for line in lines], float)
        image = read_photograph(marked.with_suffix(".jpg"))
        if turned:
            zoom = float(np.exp(rng.uniform(np.log(0.3), np.log(2))))
            image, matrix = moved(image, rng.uniform(-30, 30), zoom)
            pupils = pupils @ matrix[:, :2].T + matrix[:, 2]
        face = detect_face(image)
        assert face, marked.name
        assert face.flags == ()
        off = np.hypot(*(face.landmarks[[RIGHT_PUPIL, LEFT_PUPIL], :2] - pupils).T)
        errors.append(off / np.hypot(*(pupils[1] - pupils[0])))
    assert len(errors) == count
    assert np.median(errors) < 0.02
    assert np.max(errors) < 0.04


@pytest.mark.shared
def test_real_faces_mirrored_and_upside_down(shared_faces, read_photograph):
    for path in sorted((shared_faces / "london").glob("*_03.jpg"))[::6]:
        image = read_photograph(path)
        face, mirrored, turned = (
            detect_face(np.ascontiguousarray(view))
            for view in (image, image[:, ::-1], image[::-1, ::-1])
        )
        assert mirrored.yaw_deg == pytest.approx(-face.yaw_deg, abs=2.5), path.name
        pupils = turned.landmarks[[RIGHT_PUPIL, LEFT_PUPIL], :2]
        back = np.array(image.shape[1::-1]) - 1 - pupils
        off = np.hypot(*(back - face.landmarks[[RIGHT_PUPIL, LEFT_PUPIL], :2]).T)
        assert off.max() < 0.03 * face.interpupillary_px, path.name
