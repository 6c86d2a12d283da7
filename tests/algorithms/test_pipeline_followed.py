"""A scar counts at both visits or has gone: its place is looked at again before that is said."""

from collections import Counter

import numpy as np
import pytest
from synthetic import dips, disc, skin

from scarmetrics.config import SegmentationConfig, StudyConfig
from scarmetrics.phantom import coverage, recapture, scar_field, shrink
from scarmetrics.pipeline import Pair, align_pair, half, measure_side
from scarmetrics.segmentation import ClassicalSegmenter
from scarmetrics.units import PixelScale

SHAPE = (240, 320)
MM_PER_PX = 0.2
FAINT, CLEAR = (80, 120, 10, 0.13), (220, 120, 10, 0.4)
CONFIG = SegmentationConfig(method="classical")


def label(image, known=None, noise=0.01):
    roi = np.ones(SHAPE, bool)
    segmenter = ClassicalSegmenter(CONFIG)
    response = segmenter.respond(image, roi, MM_PER_PX, MM_PER_PX)
    return segmenter.label(response, roi, noise, known)


def at(found, spot):
    return found.labels[spot[1], spot[0]]


def test_a_faint_scar_counts_where_the_other_visit_shows_one():
    image = skin(dips(SHAPE, [FAINT, CLEAR]))
    alone = label(image)
    assert alone.count == 1
    assert at(alone, CLEAR) == 1
    known = disc(SHAPE, *FAINT[:2], 6)
    found = label(image, known)
    assert found.count == 2
    assert at(found, FAINT) != at(found, CLEAR) > 0
    area_px = (found.labels == at(found, FAINT)).sum()
    assert area_px == pytest.approx(np.pi * 5**2, rel=0.45)  # 2 mm wide: its outline, not `known`
    np.testing.assert_array_equal(
        found.labels == at(found, CLEAR), alone.labels == at(alone, CLEAR)
    )


def test_a_known_place_elsewhere_adds_nothing():
    image = skin(dips(SHAPE, [FAINT, CLEAR]))
    alone, elsewhere = label(image), label(image, disc(SHAPE, 160, 40, 8))
    np.testing.assert_array_equal(elsewhere.labels, alone.labels)
    assert label(image, np.zeros(SHAPE, bool)).count == alone.count


def test_clear_skin_gains_no_area_where_a_scar_was():
    rng = np.random.default_rng(4)
    grain = skin(dips(SHAPE, []), noise=0.05, seed=1)
    roi = np.ones(SHAPE, bool)
    noise = ClassicalSegmenter(CONFIG).respond(grain, roi, MM_PER_PX, MM_PER_PX).noise
    known = np.zeros(SHAPE, bool)
    for x, y in rng.uniform(20, 220, (12, 2)):
        known |= disc(SHAPE, x, y, 6)
    assert label(grain, known, noise).count == 0


def test_the_lower_limit_never_falls_into_the_noise():
    image = skin(dips(SHAPE, [FAINT, CLEAR]))
    known = disc(SHAPE, *FAINT[:2], 6)
    noisy = label(image, known, noise=0.1)  # 0.13 deep before the blur: under 1.5 times that
    assert at(noisy, FAINT) == 0


def test_a_scar_at_its_limit_is_seen_by_chance():
    depths = (0.27, 0.32, 0.6)
    spots = [(60 + 100 * i, 120, 10, depth) for i, depth in enumerate(depths)]
    found = label(skin(dips(SHAPE, spots)), noise=0.03)
    chances = [found.detection_probability[at(found, spot) - 1] for spot in spots]
    assert found.count == 3
    assert 0.5 < chances[0] < 0.9 < chances[2]
    assert chances == sorted(chances)


@pytest.fixture(scope="module")
def treated(phantom):
    """A face with scars, of which some vanish and the others shrink; and the truth."""
    field = scar_field(
        phantom.face.skin_mask("left"),
        mm_per_px=phantom.mm_per_px,
        seed=8,
        area_fraction=0.05,
        diameter_mm=(1.5, 4.0),
        confluent_fraction=0.0,
    )
    left = shrink(field, 0.4, 0.6, healed_fraction=0.3, seed=5)
    photographs = [
        recapture(phantom.image, seed=20 + i, mm_per_px=phantom.mm_per_px, scars=shown)
        for i, shown in enumerate((field, left))
    ]
    scales = tuple(PixelScale(taken.mm_per_px, 0.0, "api") for taken in photographs)
    pair = align_pair(*(taken.image for taken in photographs), scales=scales, config=StudyConfig())
    assert isinstance(pair, Pair)
    first = photographs[0]
    moved = first.warp.transform_scars(left, phantom.mm_per_px, first.mm_per_px)
    return pair, first, coverage(first.image.shape[:2], moved, first.mm_per_px)


def told(treated):
    """Fates of the baseline's scars, by whether they are truly left."""
    pair, first, left = treated
    config = StudyConfig(segmentation=CONFIG)
    result = measure_side(pair, "left", config)
    assert result
    table = {True: Counter(), False: Counter()}
    for found in result.matches:
        inside = result.baseline.labels == found.baseline_id
        if found.baseline_id and first.truth.coverage[inside].mean() > 0.3:
            share = left[inside].mean()
            if share < 0.05 or share > 0.3:
                table[share > 0.3][found.fate] += 1
    return result, table


def test_scars_that_show_are_not_healed_and_vanished_ones_are(treated, monkeypatch):
    result, after = told(treated)
    none = np.zeros(result.baseline.labels.shape, bool)
    with monkeypatch.context() as patched:
        patched.setattr(half, "unmatched", lambda *_, **__: (none, none))
        _, before = told(treated)
    assert before[True]["healed"] >= 3
    assert after[True]["healed"] < before[True]["healed"] / 2
    assert after[True]["shrunk"] >= max(before[True]["shrunk"], 0.7 * after[True].total())
    assert after[False]["healed"] >= max(5, 0.9 * after[False].total())


def test_what_is_found_at_one_visit_is_looked_for_at_the_other(treated):
    """The rule has no direction: with the visits exchanged, what was healed is new."""
    pair, *_ = treated
    config = StudyConfig(segmentation=CONFIG)
    turned = align_pair(
        pair.images[1], pair.images[0], scales=(pair.scales[1], pair.scales[0]), config=config
    )
    assert isinstance(turned, Pair)
    forth, back = (measure_side(one, "left", config) for one in (pair, turned))
    for one, other in ((forth.baseline, back.follow_up), (forth.follow_up, back.baseline)):
        a, b = one.measurement, other.measurement
        # the same photograph, aligned anew: scars at the limit of detection may come or go
        sd_mm2 = np.hypot(a.repeat_sd_mm2, b.repeat_sd_mm2)
        assert a.area_mm2 == pytest.approx(b.area_mm2, abs=1.96 * sd_mm2)
        assert a.area_mm2 == pytest.approx(b.area_mm2, rel=0.1)
    fates = [Counter(found.fate for found in one.matches) for one in (forth, back)]
    assert fates[0]["healed"] == pytest.approx(fates[1]["new"], abs=2)
    assert fates[0]["shrunk"] == pytest.approx(fates[1]["grown"], abs=3)
