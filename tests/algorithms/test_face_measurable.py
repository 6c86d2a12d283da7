import json

import numpy as np
import pytest
from synthetic import dips, skin, srgb_code

from scarmetrics.face.measurable import (
    CAUSES,
    beard_texture,
    clipped_highlights,
    hair_strands,
    measurable_skin,
)
from scarmetrics.opencv import cv2
from scarmetrics.photometry import lit_skin

SHAPE = (400, 300)
MM_PER_PX = 0.2
EVERYWHERE = np.ones(SHAPE, bool)


def strand(points, width_px=4, darkness=0.8):
    """Log luminance of a dark line through points, drawn soft."""
    canvas = np.zeros(SHAPE, np.float32)
    line = np.array(points, np.int32).reshape(-1, 1, 2)
    cv2.polylines(canvas, [line], False, 1.0, width_px, cv2.LINE_AA)
    return darkness * canvas.astype(float)


def spotted(rng, count, from_row, depth):
    """Log luminance of small dark spots at random places below a row."""
    canvas = np.zeros(SHAPE)
    rows, cols = rng.integers(from_row, SHAPE[0], count), rng.integers(0, SHAPE[1], count)
    canvas[rows, cols] = 12 * depth
    return cv2.GaussianBlur(canvas, (0, 0), 1.2)


LOCK = [(60, 5), (80, 90), (90, 180), (85, 270), (60, 360)]


def test_a_lock_of_hair_is_found_and_little_else():
    image = skin(strand(LOCK))
    strands, _ = hair_strands(image, EVERYWHERE, MM_PER_PX)
    drawn = strand(LOCK) > 0.4
    assert strands[drawn].mean() > 0.9
    near = cv2.dilate(drawn.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert not strands[~near].any()


@pytest.mark.parametrize("zoom", [0.7, 2.0])
def test_hair_is_found_at_any_resolution(zoom):
    image = cv2.resize(skin(strand(LOCK)), None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
    strands, _ = hair_strands(image, np.ones(image.shape[:2], bool), MM_PER_PX / zoom)
    drawn = cv2.resize(strand(LOCK), image.shape[1::-1], interpolation=cv2.INTER_AREA) > 0.4
    assert strands[drawn].mean() > 0.8


def test_scars_pores_and_short_hairs_stay():
    rng = np.random.default_rng(3)
    spots = [
        (*rng.uniform(15, 285, 2), rng.uniform(4, 25), rng.uniform(0.2, 0.7)) for _ in range(60)
    ]
    spots += [(*rng.uniform(5, 295, 2), 2.5, 0.4) for _ in range(100)]
    image = skin(dips(SHAPE, spots) + strand([(150, 150), (190, 160)]))
    strands, webs = hair_strands(image, EVERYWHERE, MM_PER_PX)
    assert (strands | webs).mean() < 0.01


def test_crossing_hairs_are_a_web_and_count_as_beard_where_beards_grow():
    rng = np.random.default_rng(1)
    hairs = np.zeros(SHAPE)
    for _ in range(90):
        x, y, turn = *rng.uniform([80, 80], [220, 220]), rng.normal(np.pi / 2, 0.35)
        dx, dy = 45 * np.cos(turn), 45 * np.sin(turn)
        hairs = np.maximum(hairs, strand([(x - dx, y - dy), (x + dx, y + dy)], 2, 0.7))
    image = skin(hairs)
    bearded = EVERYWHERE.copy()
    bearded[:150] = False
    found = measurable_skin(
        image, EVERYWHERE, mm_per_px=MM_PER_PX, darkest=0.0, untilted=EVERYWHERE, bearded=bearded
    )
    assert found.excluded["beard"] > 0.05
    lost = ~found.mask
    assert lost[150:].sum() > 5 * lost[:150].sum()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_highlights_are_where_the_sensor_was_full(dtype):
    light = np.full(SHAPE, 0.4)
    light[100:140, 50:90] = 1.2
    image = srgb_code(light, dtype)
    clipped = clipped_highlights(image, EVERYWHERE, MM_PER_PX)
    assert clipped[100:140, 50:90].all()
    clipped[96:144, 46:94] = False
    assert not clipped.any()
    only_red = srgb_code(np.full(SHAPE, 0.4), dtype)
    only_red[..., 0] = np.iinfo(dtype).max
    assert not clipped_highlights(only_red, EVERYWHERE, MM_PER_PX).any()


def test_shares_are_of_the_skin_and_add_up():
    light = np.full(SHAPE, 0.4)
    light[:60] = 0.05  # deep shadow
    light[200:240, 200:] = 1.5
    image = srgb_code(light * np.exp(-strand([(20, 100), (25, 390)])))
    anatomical = EVERYWHERE.copy()
    anatomical[:, 280:] = False
    untilted = EVERYWHERE.copy()
    untilted[380:] = False
    printed = np.zeros(SHAPE, bool)
    printed[300:328, 100:140] = True
    found = measurable_skin(
        image, anatomical, mm_per_px=MM_PER_PX, darkest=0.4, untilted=untilted, bearded=EVERYWHERE,
        printed=printed,
    )  # fmt: skip
    assert set(found.excluded) == set(CAUSES)
    assert sum(found.excluded.values()) == pytest.approx(1 - found.mask.sum() / anatomical.sum())
    assert found.excluded["tilt"] == pytest.approx(20 / 400)
    assert found.excluded["print"] == pytest.approx(28 * 40 / (400 * 280))
    assert found.excluded["shadow"] == pytest.approx(60 / 400, abs=0.02)
    assert found.excluded["highlight"] == pytest.approx(40 * 80 / (400 * 280), abs=0.005)
    assert 0.01 < found.excluded["hair"] < 0.05
    assert found.excluded["beard"] == 0
    assert not (found.mask & ~anatomical).any()


def test_nothing_is_left_out_of_clear_skin():
    rng = np.random.default_rng(0)
    spots = [(*rng.uniform(5, 295, 2), 3.0, 0.1) for _ in range(200)]
    found = measurable_skin(
        skin(dips(SHAPE, spots), noise=0.02), EVERYWHERE, mm_per_px=MM_PER_PX, darkest=0.4,
        untilted=EVERYWHERE, bearded=EVERYWHERE,
    )  # fmt: skip
    assert found.mask.all()
    assert set(found.excluded.values()) == {0.0}


def test_stubble_has_a_texture_and_clear_skin_has_none():
    rng = np.random.default_rng(5)
    lower = np.zeros(SHAPE, bool)
    lower[220:] = True
    pores = spotted(rng, 900, 0, 0.08)
    stubble = spotted(rng, 900, 230, 0.35)
    bare, shaved = skin(pores), skin(pores + stubble)
    assert beard_texture(bare, lower, ~lower, MM_PER_PX) == pytest.approx(1, abs=0.15)
    assert beard_texture(shaved, lower, ~lower, MM_PER_PX) > 1.5
    assert beard_texture(bare, lower, np.zeros(SHAPE, bool), MM_PER_PX) is None


@pytest.mark.shared
def test_traced_scars_are_not_taken_for_hair_light_or_shadow(shared_scars, read_photograph):
    traced = [json.loads((shared_scars / f"reader_{name}.json").read_text()) for name in "AB"]
    lost = total = 0
    for number in traced[0]:
        image = read_photograph(shared_scars / f"{number}.jpg")
        scars = np.zeros(image.shape[:2], np.uint8)
        for reader in traced:
            for x, y, rx, ry, turn in reader[number]:
                cv2.ellipse(scars, ((x, y), (2 * rx, 2 * ry), turn), 1, -1)
        whole = np.ones(image.shape[:2], bool)
        found = measurable_skin(
            image, whole, mm_per_px=MM_PER_PX, darkest=0.4, untilted=whole, bearded=whole
        )
        lost += int((~found.mask & (scars > 0)).sum())
        total += int(scars.sum())
    assert total > 10_000
    assert lost < 0.02 * total


@pytest.mark.shared
def test_hair_on_real_faces(shared_faces, read_photograph):
    from scarmetrics.face import detect_face
    from scarmetrics.units import NOMINAL_INTERPUPILLARY_MM

    def shares(code):
        image = read_photograph(shared_faces / "london" / f"{code}_03.jpg")
        face = detect_face(image)
        mm_per_px = NOMINAL_INTERPUPILLARY_MM / face.interpupillary_px
        whole = face.skin_mask("left") | face.skin_mask("right")
        strands, webs = hair_strands(image, whole, mm_per_px)
        lit = lit_skin(image, whole, 3.0 / mm_per_px, 0.4)
        return ((strands | webs).sum() / whole.sum(), 1 - lit.sum() / whole.sum())

    assert shares("003")[1] > 0.08  # a fringe over the forehead
    assert shares("037")[0] > 0.03  # a full beard
    for code in ("009", "018", "068", "090"):  # clear skin
        hair, dark = shares(code)
        assert hair == 0
        assert dark < 0.03
