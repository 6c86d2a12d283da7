import numpy as np
import pytest

from scarmetrics.measure import measure_regions
from scarmetrics.units import PixelScale

NAMES = ("upper", "lower", "absent")
SHAPE = (40, 30)


@pytest.fixture
def drawn():
    regions = np.ones(SHAPE, np.uint8)
    regions[20:] = 2
    roi = np.ones(SHAPE, bool)
    roi[:, :3] = False
    labels = np.zeros(SHAPE, np.int32)
    labels[5:9, 10:15] = 1  # 20 px above
    labels[18:28, 20:24] = 2  # 8 px above, 32 below
    factor = np.ones(SHAPE, np.float32)
    factor[20:] = 1.5
    return labels, roi, factor, regions


def test_a_scar_across_a_border_is_divided_and_counted_once(drawn):
    labels, roi, factor, regions = drawn
    scale = PixelScale(0.5, 0.0, "api")
    upper, lower, absent = measure_regions(
        labels, roi, factor, regions=regions, names=NAMES, scale=scale
    )
    assert (upper.region, upper.area_mm2, upper.scar_count) == ("upper", 28 * 0.25, 1)
    assert (lower.region, lower.area_mm2, lower.scar_count) == ("lower", 48 * 0.25, 1)
    assert upper.roi_area_mm2 == 20 * 27 * 0.25
    assert lower.roi_area_mm2 == 1.5 * 20 * 27 * 0.25
    assert lower.area_fraction == pytest.approx(48 / (1.5 * 20 * 27))
    assert (absent.roi_area_mm2, absent.area_mm2, absent.scar_count) == (0, 0, 0)
    assert absent.area_fraction is None


def test_without_a_scale_fractions_stay(drawn):
    labels, roi, factor, regions = drawn
    upper, *_ = measure_regions(labels, roi, factor, regions=regions, names=NAMES, scale=None)
    assert upper.area_mm2 is None
    assert upper.roi_area_mm2 is None
    assert upper.area_fraction == pytest.approx(28 / (20 * 27))


def test_no_scar_is_zero_everywhere(drawn):
    _, roi, factor, regions = drawn
    found = measure_regions(
        np.zeros(SHAPE, np.int32), roi, factor, regions=regions, names=NAMES,
        scale=PixelScale(0.5, 0.0, "api"),
    )  # fmt: skip
    assert [(part.area_mm2, part.scar_count) for part in found] == [(0, 0)] * 3
