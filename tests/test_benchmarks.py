"""The benchmarks' own scores, against truth made by hand."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
sys.path.append(str(BENCHMARKS))  # scripts, not a package

import _faces  # noqa: E402
import _legs  # noqa: E402
import _peers  # noqa: E402
import _pictures  # noqa: E402
import _real_scars  # noqa: E402
import _scores  # noqa: E402
import _targets  # noqa: E402
import segmentation  # noqa: E402

from scarmetrics.phantom import Mark  # noqa: E402

SHAPE = (60, 80)


def block(
    top: int, left: int, height: int, width: int, shape: tuple[int, int] = SHAPE
) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[top : top + height, left : left + width] = True
    return mask


def skin_with_pits(centres_xy, radius_px: float, shape=(200, 200), depth: int = 60) -> np.ndarray:
    y, x = np.mgrid[: shape[0], : shape[1]]
    image = np.full((*shape, 3), 180, np.uint8)
    for cx, cy in centres_xy:
        image[(x - cx) ** 2 + (y - cy) ** 2 <= radius_px**2] = 180 - depth
    return image


# --- scores ---


@pytest.mark.parametrize(
    ("found", "truth", "expected"),
    [
        (block(0, 0, 10, 10), block(0, 0, 10, 10), 1.0),
        (block(0, 0, 10, 10), block(0, 5, 10, 10), 0.5),
        (block(0, 0, 10, 10), block(0, 0, 10, 30), 0.5),
        (block(0, 0, 10, 10), block(30, 30, 10, 10), 0.0),
        (block(0, 0, 0, 0), block(0, 0, 10, 10), 0.0),
        (block(0, 0, 0, 0), block(0, 0, 0, 0), 1.0),
    ],
)
def test_dice(found, truth, expected):
    assert _scores.dice(found, truth) == pytest.approx(expected)


def test_pairs_need_more_than_the_least_overlap():
    scar = block(0, 0, 10, 20)
    beside = block(0, 20, 10, 20)
    third = block(0, 10, 10, 20)  # intersection over union 100 / 300
    assert _scores.pairs_found([scar], [third]) == 1
    assert _scores.pairs_found([scar], [third], least=1 / 3 + 1e-6) == 0
    assert _scores.pairs_found([scar], [beside]) == 0
    assert _scores.pairs_found([], [scar]) == _scores.pairs_found([scar], []) == 0


def test_one_detection_pairs_once():
    whole = block(0, 0, 10, 20)
    halves = [block(0, 0, 10, 10), block(0, 10, 10, 10)]
    assert _scores.pairs_found([whole], halves) == 1
    assert _scores.pairs_found(halves, [whole]) == 1


def test_the_best_pair_is_taken_first():
    # in list order the wide one would take the narrow one's only partner
    narrow, wide = block(0, 0, 10, 6), block(0, 6, 10, 18)
    assert _scores.pairs_found([wide, narrow], [block(0, 0, 10, 10), block(0, 8, 10, 16)]) == 2


def test_f1_of_hand_made_detections():
    crop = np.zeros((*SHAPE, 3), np.uint8)
    truth = [block(0, 0, 10, 10), block(20, 20, 10, 10), block(40, 40, 10, 10)]
    found = [truth[0], block(20, 25, 10, 10), block(0, 60, 5, 5)]  # two of three, one false
    figures = _real_scars.agreement({"a": found}, {"a": truth}, {"a": crop})
    assert figures["f1"] == pytest.approx(2 * 2 / 6)
    assert figures["dice"] == pytest.approx(2 * 150 / (300 + 225))


def test_labels_become_one_mask_each():
    labels = np.zeros(SHAPE, np.int32)
    labels[block(0, 0, 3, 3)], labels[block(10, 10, 2, 2)] = 4, 9
    assert [int(mask.sum()) for mask in _scores.masks_of(labels)] == [9, 4]


def test_relative_error_needs_something_true():
    assert _scores.relative_error(90, 100) == pytest.approx(-0.1)
    with pytest.raises(ValueError, match="above zero"):
        _scores.relative_error(1, 0)


def test_auc_of_separated_mixed_and_equal_values():
    assert _scores.auc([3, 4], [1, 2]) == 1.0
    assert _scores.auc([1, 2], [3, 4]) == 0.0
    assert _scores.auc([1, 1], [1, 1, 1]) == 0.5
    assert _scores.auc([1, 3], [2]) == 0.5


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=8),
    st.lists(st.integers(0, 5), min_size=1, max_size=8),
)
def test_auc_is_the_share_of_pairs_in_order(positive, negative):
    pairs = [(a > b) + 0.5 * (a == b) for a in positive for b in negative]
    assert _scores.auc(positive, negative) == pytest.approx(np.mean(pairs))


def test_retest_cv_recovers_the_scatter_of_one_measurement():
    rng = np.random.default_rng(1)
    true = np.exp(rng.normal(4, 1, 4000))
    first, second = (true * np.exp(rng.normal(0, 0.05, 4000)) for _ in range(2))
    assert _scores.retest_cv_pct(first, second) == pytest.approx(5, rel=0.05)
    assert _scores.retest_cv_pct([10.0], [10.0]) == 0
    assert math.isnan(_scores.retest_cv_pct([0.0], [1.0]))


def test_spread_of_nothing_is_not_a_number():
    assert _scores.spread(list(range(101))) == (10, 50, 90)
    assert all(math.isnan(value) for value in _scores.spread([]))


# --- real scars ---


def test_an_ellipse_has_its_area_and_direction():
    (mask,) = _real_scars.ellipse_masks([(40, 30, 20, 5, 90)], SHAPE)
    assert mask.sum() == pytest.approx(np.pi * 20 * 5, rel=0.03)
    y, x = np.nonzero(mask)
    assert np.ptp(y) > 3 * np.ptp(x)  # turned by 90 degrees
    (slanted,) = _real_scars.ellipse_masks([(40, 30, 20, 5, 45)], SHAPE)
    y, x = np.nonzero(slanted)
    assert np.corrcoef(x, y)[0, 1] > 0.5  # clockwise from +x: down to the right


def crops_with(areas_a, areas_b) -> _real_scars.Crops:
    readers = {
        name: {str(i): [block(0, 0, 10, width)] for i, width in enumerate(widths)}
        for name, widths in (("A", areas_a), ("B", areas_b))
    }
    images = {str(i): np.zeros((*SHAPE, 3), np.uint8) for i in range(len(areas_a))}
    return _real_scars.Crops(images, readers)


def test_area_is_compared_with_the_readers_mean():
    crops = crops_with([10, 20, 30], [30, 20, 50])  # mean widths 20, 20, 40
    found = {"0": [block(0, 0, 10, 10)], "1": [block(0, 0, 10, 24)], "2": [block(0, 0, 10, 40)]}
    figures = _real_scars.area_figures(found, crops)
    assert figures["ratios"] == pytest.approx({"0": 0.5, "1": 1.2, "2": 1.0})
    assert figures["area_error_pct"] == pytest.approx(20)
    assert (figures["ratio_least"], figures["ratio_most"]) == pytest.approx((0.5, 1.2))
    assert figures["rank_correlation"] == pytest.approx(0.866, abs=0.001)  # two means tie


def test_a_method_that_finds_nothing_has_no_rank_correlation():
    crops = crops_with([10, 20], [10, 30])
    figures = _real_scars.area_figures({"0": [], "1": []}, crops)
    assert math.isnan(figures["rank_correlation"])
    assert figures["area_error_pct"] == 100
    assert _real_scars.mean_agreement({"0": [], "1": []}, crops)["f1"] == 0


# --- legs ---


def test_phantom_figures_keep_the_kinds_apart():
    rows = [
        {"field": field, "dice": dice, "area_error": error}
        for field, dice, error in (
            ("isolated", 0.9, -0.1), ("isolated", 0.8, 0.1), ("isolated", 0.7, 0.0),
            ("confluent", 0.5, 0.3),
        )
    ]  # fmt: skip
    figures = _legs.phantom_figures(rows)
    assert figures["dice_isolated"] == pytest.approx(0.8)
    assert figures["dice_confluent"] == pytest.approx(0.5)
    assert figures["area_error_isolated_median"] == pytest.approx(0)
    assert figures["area_error_median"] == pytest.approx(5)  # percent, over all four
    assert figures["n"] == 4


def test_change_and_retest_come_from_their_own_pairs():
    again = {"pair": "again", "change_pct": 50.0, "true_change_pct": 0.0, "first_mm2": 100.0,
             "second_mm2": 110.0, "true_first_mm2": 100.0, "true_second_mm2": 110.0}  # fmt: skip
    later = again | {"pair": "later", "change_pct": -30.0, "true_change_pct": -40.0}
    figures = _legs.change_figures([again, later, later | {"change_pct": None}])
    assert figures["change_error_median"] == pytest.approx(10)
    assert (figures["n"], figures["n_retest"]) == (1, 1)
    assert figures["retest_cv_pct"] == pytest.approx(100 * np.log(1.1) / np.sqrt(2))
    assert figures["retest_cv_over_truth_pct"] == pytest.approx(0, abs=1e-9)


def test_false_area_is_a_share_in_percent_and_held_out_faces_stand_apart():
    rows = [{"fraction": share, "held_out": out}
            for share, out in ((0.0, True), (0.01, False), (0.05, False))]  # fmt: skip
    figures = _legs.clear_figures(rows)
    assert figures["false_area_median"] == pytest.approx(1)
    assert figures["false_area_mean"] == pytest.approx(2)
    assert figures["false_area_max"] == pytest.approx(5)
    assert figures["false_area_held_out_median"] == pytest.approx(0)


def test_a_mark_counts_from_a_fifth_of_its_area_less_what_was_there_before():
    rows = [
        {"kind": "mole", "marked": 0.9, "marked_without": 0.0},
        {"kind": "mole", "marked": 0.9, "marked_without": 0.5},
        {"kind": "papule", "marked": 0.19, "marked_without": 0.0},
        {"kind": "papule", "marked": 0.21, "marked_without": 0.0},
    ]
    figures = _legs.mark_figures(rows)
    assert figures["marked_mole"] == figures["marked_papule"] == 50
    assert "marked_freckle" not in figures


def test_marks_have_their_area_and_count_where_skin_shows_them():
    def mole(x, y):
        return Mark("mole", x, y, 2.0, 1.0, 0.0, 0.5, seed=3)

    roi = block(0, 0, 200, 100, (200, 200))
    marks = [mole(50, 50), mole(150, 50), mole(2, 100)]  # inside, outside, cut by the border
    shown = list(_legs.marks_within(marks, roi, 0.1))
    assert [kind for kind, _, _ in shown] == ["mole", "mole"]
    _, window, mask = shown[0]
    assert mask.sum() == pytest.approx(np.pi * 20 * 10, rel=0.03)
    canvas = np.zeros(roi.shape, bool)
    canvas[window] |= mask
    y, x = np.nonzero(canvas)
    assert (x.mean(), y.mean()) == pytest.approx((50, 50), abs=3)
    assert _scores.share_within(roi[window], mask) == 1.0


# --- peers ---


@pytest.mark.parametrize("mm_per_px", [0.1, 0.2, 0.3])
@pytest.mark.parametrize("name", ["otsu", "adaptive", "log-blobs", "naive"])
def test_a_peer_finds_dark_discs_at_any_scale(name, mm_per_px):
    radius = 1.2 / mm_per_px
    size = round(40 / mm_per_px)
    centres = [(0.3 * size, 0.3 * size), (0.7 * size, 0.6 * size)]
    image = skin_with_pits(centres, radius, (size, size))
    labels = _peers.PEERS[name](image, np.ones(image.shape[:2], bool), mm_per_px)
    assert labels.max() == 2
    assert {labels[round(y), round(x)] for x, y in centres} == {1, 2}
    assert (labels > 0).sum() * mm_per_px**2 == pytest.approx(2 * np.pi * 1.2**2, rel=0.6)


def test_frangi_finds_a_dark_line_and_leaves_a_light_one():
    image = np.full((200, 200, 3), 150, np.uint8)
    image[40:44, 20:180], image[140:144, 20:180] = 90, 210
    image += np.random.default_rng(1).integers(0, 3, image.shape, np.uint8)  # no skin is even
    found = _peers.frangi_ridges(image, np.ones((200, 200), bool), 0.2) > 0
    assert found[41:43, 40:160].mean() > 0.9
    assert found[141:143, 40:160].mean() < 0.1


@pytest.mark.parametrize("name", sorted(_peers.PEERS))
def test_peers_stay_inside_the_region_and_leave_clear_skin_without_scars(name):
    image = skin_with_pits([(60, 100), (150, 100)], 8)
    roi = block(0, 0, 200, 100, (200, 200))
    labels = _peers.PEERS[name](image, roi, 0.2)
    assert labels.shape == roi.shape
    assert not labels[~roi].any()
    nothing = _peers.PEERS[name](image, np.zeros_like(roi), 0.2)
    assert not nothing.any()


def test_what_is_smaller_than_a_scar_is_left_out():
    labels = np.zeros((50, 50), np.int32)
    labels[:3, :3], labels[20:26, 20:26] = 1, 2
    kept = _peers.renumbered(_peers.without_small(labels, 0.2))  # 0.8 mm are four pixels
    assert np.array_equal(kept, (labels == 2).astype(np.int32))


def test_a_peer_is_a_segmenter_that_cuts_to_the_measured_skin():
    segmenter = _peers.PeerSegmenter(_peers.naive)
    image, whole = skin_with_pits([(50, 60), (150, 120)], 6), np.ones((200, 200), bool)
    response = segmenter.respond(image, whole, 0.2, 0.2)
    half = block(0, 100, 200, 100, (200, 200))
    assert segmenter.label(response, whole, 0.0).count == 2
    cut = segmenter.label(response, half, 0.0)
    assert (cut.count, cut.labels.max()) == (1, 1)
    assert not segmenter.respond(image, ~whole, 0.2, 0.2)


# --- faces, targets, pictures ---


def test_groups_are_mixed_evenly():
    assert _faces.mixed(["a", "b", "c", "d"], ["X", "Y"]) == ["a", "X", "b", "c", "Y", "d"]
    held_out = _faces.held_out_names()
    assert len(held_out) == 16
    assert {name.split("-")[0] for name in held_out[:4]} == {"london", "canada"}


@pytest.mark.shared
def test_held_out_faces_are_the_last_of_each_group(shared_faces):
    london = sorted(path.name[:3] for path in (shared_faces / "london").glob("*_03.jpg"))
    canada = sorted(path.stem for path in (shared_faces / "canada").glob("*.jpg"))
    assert london[-10:] == list(_faces.HELD_OUT_LONDON)
    assert canada[-6:] == list(_faces.HELD_OUT_CANADA)
    assert len(_faces.names()) == len(london) + len(canada)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["london-113", "canada-152m"])
def test_cheek_crops_are_cheeks_of_either_side(shared_faces, name):
    person = _faces.load(name)
    crops = list(_faces.cheek_crops(person))
    assert [side for side, _, _ in crops] == ["left", "right"]
    for _, image, skin in crops:
        assert image.shape == (224, 224, 3)
        assert skin.mean() > 0.5
    assert not np.array_equal(crops[0][1], crops[1][1])


def test_targets_are_met_from_both_sides_and_never_by_what_is_not_there():
    figures = {"phantoms": {"dice_isolated": 0.88, "area_error_median": -5.1},
               "change": {"retest_cv_pct": math.nan}}  # fmt: skip
    met = {verdict.target.key: verdict.met for verdict in _targets.judge(figures)}
    assert met["dice_isolated"] is True
    assert met["area_error_median"] is False
    assert met["retest_cv_pct"] is False
    assert met["auc"] is None


def test_the_table_has_methods_side_by_side_and_what_is_missing_is_a_dash(capsys):
    figures = {
        "real": {
            "classical": {"n": 8, "f1": 0.7, "dice": 0.6, "auc": 1.0},
            "naive": {"n": 8, "f1": 0.5, "dice": 0.4, "auc": 0.5},
            "readers": {"n": 8, "f1": 0.9, "dice": 0.75},
        },
        "marks": {"classical": {"n": 40, "marked_mole": 7.0, "marked_papule": 2.0},
                  "naive": {"n": 10, "marked_mole": 70.0}},
    }  # fmt: skip
    methods = [_faces.Method("classical"), _faces.Method("naive")]
    segmentation.derive(figures)
    assert figures["real"]["classical"]["f1_below"] == pytest.approx(0.2)
    assert figures["real"]["classical"]["dice_below"] == pytest.approx(0.15)
    assert figures["marks"]["classical"]["marked_worst"] == 7
    segmentation.show(figures, methods)
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split()[-3:] == ["classical", "naive", "readers"]
    (auc,) = (line.split() for line in lines if "AUC" in line)
    assert auc[-5:] == ["8", "8", "1.000", "0.500", "-"]
    (moles,) = (line.split() for line in lines if "moles" in line)
    assert moles[-5:] == ["40", "10", "7.0", "70.0", "-"]
    targets = segmentation.show_targets(figures, methods)
    assert list(targets) == ["classical"]  # peers have none


def test_only_the_worst_halves_are_pictured(tmp_path):
    gallery = _pictures.Gallery(tmp_path / "pictures")
    roi = block(10, 10, 30, 40)
    labels = np.where(block(20, 20, 8, 8), 1, 0).astype(np.int32)
    image = np.full((*SHAPE, 3), 150, np.uint8)
    for badness, name in ((0.1, "a"), (0.4, "b"), (0.3, "c"), (0.2, "d")):
        gallery.offer("clear", "m", badness, _pictures.Half(name, image, labels, roi))
    gallery.close()
    found = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert found == ["clear_m_worst1_b.png", "clear_m_worst2_c.png", "clear_m_worst3_d.png"]
    _pictures.Gallery(None).close()


def test_contours_are_drawn_around_what_was_found():
    image = np.full((40, 40, 3), 150, np.uint8)
    drawn = _pictures.panel(image, [([block(10, 10, 12, 12, (40, 40))], _pictures.FOUND)], 4)
    changed = (drawn != 150).any(axis=2)
    assert drawn.shape == (160, 160, 3)
    assert (drawn[40, 40:88] == _pictures.FOUND).all()
    assert not changed[48:80, 48:80].any()  # the inside stays to be seen
    assert not changed[:36].any()
