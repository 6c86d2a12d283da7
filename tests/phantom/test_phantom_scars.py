import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scarmetrics.phantom import Scar, coverage, scar_field, shrink

MM_PER_PX = 0.15

scars = st.builds(
    Scar,
    x_px=st.floats(55, 65),
    y_px=st.floats(55, 65),
    rx_mm=st.floats(0.5, 2.5),
    ry_mm=st.floats(0.5, 2.5),
    angle_deg=st.floats(0, 180),
    depth_mm=st.floats(0.02, 0.5),
    profile=st.sampled_from(["ice_pick", "boxcar", "rolling"]),
    irregularity=st.floats(0, 0.6),
    shape_seed=st.integers(0, 2**31 - 1),
)


def pit(**changes: object) -> Scar:
    settings = {
        "x_px": 60.0,
        "y_px": 60.0,
        "rx_mm": 1.2,
        "ry_mm": 0.8,
        "angle_deg": 20.0,
        "depth_mm": 0.2,
        "profile": "rolling",
    }
    return Scar(**{**settings, **changes})


@pytest.fixture(scope="module")
def cheek():
    mask = np.zeros((400, 300), np.bool_)
    mask[20:380, 30:270] = True
    return mask


@settings(deadline=None, max_examples=60)
@given(scar=scars)
def test_area_is_that_of_the_ellipse_whatever_the_outline(scar):
    inside = coverage((120, 120), [scar], MM_PER_PX)
    assert inside.sum() * MM_PER_PX**2 == pytest.approx(scar.area_mm2, rel=0.02)


@settings(deadline=None, max_examples=40)
@given(scar=scars)
def test_depth_is_full_at_one_point_and_nil_beyond_reach(scar):
    fine = np.arange(0, 120, 0.25, dtype=np.float32)
    depth = scar.depth_at(fine[None, :], fine[:, None], MM_PER_PX)
    assert depth.max() == pytest.approx(scar.depth_mm, rel=0.05)
    away = np.hypot(fine[None, :] - scar.x_px, fine[:, None] - scar.y_px) * MM_PER_PX
    assert not depth[away > scar.reach_mm * 1.0001].any()


def test_steeper_walls_from_rolling_to_boxcar():
    beyond = np.array([[60 + 1.5 * 1.2 / MM_PER_PX]], np.float32)
    y = np.array([[60.0]], np.float32)
    depths = {
        profile: float(pit(profile=profile, angle_deg=0.0).depth_at(beyond, y, MM_PER_PX)[0, 0])
        for profile in ("ice_pick", "rolling", "boxcar")
    }
    assert depths["ice_pick"] > depths["rolling"] > depths["boxcar"] >= 0


@pytest.mark.parametrize(
    "changes", [{"rx_mm": 0.0}, {"ry_mm": -1.0}, {"depth_mm": -0.1}, {"irregularity": 0.7}]
)
def test_impossible_scars_are_refused(changes):
    with pytest.raises(ValueError, match=r"scar needs|irregularity"):
        pit(**changes)


def test_overlaps_count_once():
    one, other = pit(), pit(x_px=64.0)
    union = coverage((120, 120), [one, other], MM_PER_PX)
    apart = [coverage((120, 120), [scar], MM_PER_PX) for scar in (one, other)]
    assert union.max() <= 1
    assert max(part.sum() for part in apart) < union.sum() < sum(part.sum() for part in apart)


@pytest.mark.parametrize("fraction", [0.01, 0.03, 0.06])
def test_field_reaches_the_area_asked_for(cheek, fraction):
    found = scar_field(cheek, mm_per_px=0.2, seed=3, area_fraction=fraction)
    covered = coverage(cheek.shape, found, 0.2).sum()
    assert covered == pytest.approx(fraction * cheek.sum(), rel=0.2)


def test_field_keeps_clear_of_the_border_and_in_the_size_range(cheek):
    found = scar_field(
        cheek, mm_per_px=0.2, seed=4, area_fraction=0.05, diameter_mm=(1.0, 4.0), clearance_mm=5.0
    )
    diameters = [scar.equivalent_diameter_mm for scar in found]
    assert 1.0 <= min(diameters) < 1.5
    assert 2.0 < max(diameters) <= 4.0
    inside = coverage(cheek.shape, found, 0.2) > 0
    rows, cols = np.nonzero(inside)
    margin_px = 4.5 / 0.2
    assert 20 + margin_px < rows.min() <= rows.max() < 380 - margin_px
    assert 30 + margin_px < cols.min() <= cols.max() < 270 - margin_px


def test_confluent_scars_overlap_and_isolated_ones_do_not(cheek):
    def overlap(confluent_fraction):
        found = scar_field(
            cheek,
            mm_per_px=0.2,
            seed=5,
            area_fraction=0.04,
            confluent_fraction=confluent_fraction,
        )
        alone = sum(scar.area_mm2 for scar in found)
        return 1 - coverage(cheek.shape, found, 0.2).sum() * 0.2**2 / alone

    assert overlap(1.0) > 0.08
    assert overlap(0.0) < 0.03


def test_field_depends_on_the_seed_alone(cheek):
    settings = {"mm_per_px": 0.2, "area_fraction": 0.02}
    assert scar_field(cheek, seed=1, **settings) == scar_field(cheek, seed=1, **settings)
    assert scar_field(cheek, seed=1, **settings) != scar_field(cheek, seed=2, **settings)


def test_a_mask_that_differs_a_little_gets_the_same_scars(cheek):
    nibbled = cheek.copy()
    nibbled[20, 100] = False
    fields = [scar_field(mask, mm_per_px=0.2, seed=6) for mask in (cheek, nibbled)]
    assert fields[0] == fields[1]


@pytest.mark.parametrize("size", [0, 30])
def test_no_room_no_scars(size):
    mask = np.zeros((100, 100), np.bool_)
    mask[:size, :size] = True
    assert scar_field(mask, mm_per_px=0.2, seed=1) == []


@pytest.mark.parametrize(
    "wrong",
    [{"diameter_mm": (3.0, 1.0)}, {"area_fraction": 1.0}, {"confluent_fraction": -0.1}],
)
def test_field_refuses_impossible_settings(cheek, wrong):
    with pytest.raises(ValueError):
        scar_field(cheek, mm_per_px=0.2, seed=1, **wrong)


@settings(deadline=None)
@given(
    scar=scars,
    area_factor=st.floats(0.1, 1.5),
    depth_factor=st.floats(0.1, 1.5),
)
def test_shrinking_changes_area_and_depth_apart(scar, area_factor, depth_factor):
    (left,) = shrink([scar], area_factor, depth_factor)
    assert left.area_mm2 == pytest.approx(scar.area_mm2 * area_factor)
    assert left.depth_mm == pytest.approx(scar.depth_mm * depth_factor)
    assert (left.x_px, left.y_px, left.shape_seed) == (scar.x_px, scar.y_px, scar.shape_seed)


def test_some_scars_heal_and_the_rest_keep_their_order():
    before = [pit(x_px=float(x)) for x in range(100)]
    after = shrink(before, 0.8, 0.8, healed_fraction=0.3, spread=0.1, seed=2)
    assert 50 < len(after) < 90
    places = [scar.x_px for scar in after]
    assert places == sorted(places)
    assert len({scar.rx_mm for scar in after}) > 1
    assert shrink(before, 0.8, 0.8, healed_fraction=1.0) == []


@pytest.mark.parametrize("wrong", [{"area_factor": 0.0}, {"depth_factor": -1.0}, {"spread": -0.1}])
def test_shrink_refuses_impossible_factors(wrong):
    with pytest.raises(ValueError):
        shrink([pit()], **{"area_factor": 0.5, "depth_factor": 0.5, **wrong})
