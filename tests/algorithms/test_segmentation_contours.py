"""From evidence to scars: what every learned method shares."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage as ndi
from skimage.morphology import reconstruction
from synthetic import disc

from scarmetrics.config import SegmentationConfig
from scarmetrics.segmentation import Response
from scarmetrics.segmentation.contours import _reconstructed, evidence_noise, label_evidence
from scarmetrics.segmentation.shapes import fields

SHAPE = (100, 120)
CELL_MM = 0.2


def bumps(spots, shape=SHAPE, floor=0.02):
    """Evidence that falls smoothly from a centre; 0.5 at the radius: (x, y, radius, highest)."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    total = np.full(shape, floor)
    for at_x, at_y, radius, highest in spots:
        distance = np.hypot(x - at_x, y - at_y)
        total = np.maximum(total, highest / (1 + np.exp((distance - radius) / 0.8)))
    return total.astype(np.float32)


def response(evidence, *, finer=1.0, core=None, log=None):
    """A response whose cells are 0.2 mm, on a photograph `finer` times as fine."""
    return Response(
        depth=evidence,
        roi=np.ones(evidence.shape, bool),
        origin=(0, 0),
        px_per_cell=(finer, finer),
        mm_per_px=CELL_MM / finer,
        noise=0.02,
        log=np.zeros_like(evidence) if log is None else log,
        core=core,
    )


def outlined(made, *, level=0.5, detection=0.6, known=None, **config):
    shape = tuple(
        round(n * f) for n, f in zip(made.depth.shape, made.px_per_cell[::-1], strict=True)
    )
    return label_evidence(
        made, np.ones(shape, bool), 0.02, SegmentationConfig(**config),
        level=level, detection=detection, known=known,
    )  # fmt: skip


@pytest.mark.parametrize("finer", [0.8, 1.0, 2.0, 3.3])
def test_the_contour_lies_between_cells_whatever_the_photographs_scale(finer):
    found = outlined(response(bumps([(50.3, 40.4, 7.3, 1.0)]), finer=finer))
    area_mm2 = (found.labels > 0).sum() * (CELL_MM / finer) ** 2
    assert found.count == 1
    assert area_mm2 == pytest.approx(np.pi * (7.3 * CELL_MM) ** 2, rel=0.04)


def test_a_scar_needs_evidence_and_sensitivity_lowers_the_limit():
    faint = response(bumps([(30, 40, 6, 0.95), (80, 40, 6, 0.7)]))
    assert outlined(faint, detection=0.8).count == 1
    assert outlined(faint, detection=0.8, sensitivity=0.8).count == 2
    assert outlined(faint, detection=0.8, sensitivity=0.01).count == 0


def test_where_the_other_visit_shows_a_scar_less_evidence_does():
    faint = response(bumps([(30, 40, 6, 0.7), (80, 40, 6, 0.7)]))
    known = disc(SHAPE, 80, 42, 6)
    found = outlined(faint, detection=0.8, known=known)
    assert found.count == 1
    assert found.labels[40, 80] == 1
    hopeless = response(bumps([(80, 40, 6, 0.55)]))
    assert outlined(hopeless, detection=0.8, known=known).count == 0
    clear = response(bumps([]))
    assert outlined(clear, known=known).count == 0


def test_touching_scars_are_split_by_their_depth_and_not_by_noise():
    evidence = bumps([(44, 40, 8, 1.0), (57, 40, 8, 1.0)])
    core = bumps([(44, 40, 5, 1.0), (57, 40, 5, 0.9)], floor=0)
    noise = np.random.default_rng(0).normal(0, 0.01, SHAPE).astype(np.float32)
    split = outlined(response(evidence, core=core + noise))
    assert split.count == 2
    assert split.labels[40, 40] != split.labels[40, 61]
    merged = outlined(response(evidence, core=core + noise), touching="merge")
    assert merged.count == 1
    np.testing.assert_array_equal(merged.labels > 0, split.labels > 0)
    one = outlined(response(bumps([(50, 40, 9, 1.0)]), core=bumps([(50, 40, 6, 0.9)]) + noise))
    assert one.count == 1


def test_without_depth_the_evidence_itself_splits():
    evidence = bumps([(42, 40, 6, 1.0), (57, 40, 6, 1.0)])
    evidence[40, 42:58] = np.maximum(evidence[40, 42:58], 0.6)
    assert fields((evidence >= 0.5).astype(np.int32)).max() == 1
    assert outlined(response(evidence)).count == 2


def test_pores_creases_and_what_is_too_long_are_no_scars():
    evidence = bumps([(20, 20, 1.2, 1.0)])
    evidence[60:63, 10:100] = 0.99
    assert outlined(response(evidence)).count == 0
    assert outlined(response(bumps([(50, 50, 23, 1.0)])), min_diameter_mm=0.3).count == 0


def test_numbers_run_in_reading_order_and_stay_inside_the_region():
    made = response(bumps([(90, 20, 6, 1.0), (20, 50, 6, 1.0), (70, 80, 6, 1.0)]))
    roi = np.ones(SHAPE, bool)
    roi[:, 85:] = False
    found = label_evidence(made, roi, 0.02, SegmentationConfig(), level=0.5, detection=0.6)
    assert [found.labels[y, x] for x, y in ((20, 50), (70, 80))] == [found.count - 1, found.count]
    assert not found.labels[~roi].any()
    first = found.labels[found.labels > 0][0]
    assert first == 1


def test_contrast_is_read_against_the_skin_beside_and_a_soft_edge_is_less_certain():
    scar = disc(SHAPE, 50, 40, 8)
    log = np.where(scar, -0.3, 0.1).astype(np.float32)
    made = response(bumps([(50, 40, 8, 1.0)]), log=log)
    found = outlined(made)
    assert found.peak[0] == pytest.approx(0.4, abs=0.02)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    soft = (1 / (1 + np.exp((np.hypot(x - 50, y - 40) - 8) / 2.5))).astype(np.float32)
    assert outlined(response(soft, log=log)).boundary_sd_px[0] > 2 * found.boundary_sd_px[0]


def test_no_evidence_no_scars():
    nothing = outlined(response(np.zeros(SHAPE, np.float32)))
    assert nothing.count == 0
    assert nothing.labels.shape == SHAPE
    assert nothing.boundary_sd_px.shape == (0,)


def test_the_chance_of_detection_is_a_half_at_the_limit():
    made = response(bumps([(30, 40, 6, 0.8), (80, 40, 6, 1.0)]))
    top = float(made.depth[40, 30])
    found = label_evidence(
        made, np.ones(SHAPE, bool), 0.02, SegmentationConfig(),
        level=0.5, detection=top, log_odds_sd=0.5,
    )  # fmt: skip
    assert found.detection_probability is not None
    assert found.detection_probability[found.labels[40, 30] - 1] == pytest.approx(0.5, abs=0.01)
    assert found.detection_probability[found.labels[40, 80] - 1] > 0.99


def test_noise_is_that_of_the_luminance():
    rng = np.random.default_rng(0)
    roi = np.ones((200, 200), bool)
    quiet, loud = (rng.normal(0, sd, roi.shape).astype(np.float32) for sd in (0.02, 0.06))
    assert evidence_noise(loud, roi, CELL_MM) == pytest.approx(
        3 * evidence_noise(quiet, roi, CELL_MM), rel=0.05
    )
    assert evidence_noise(quiet, np.zeros_like(roi), CELL_MM) == 0


@pytest.mark.parametrize(("gap_mm", "count"), [(0.0, 2), (0.5, 2), (1.5, 1)])
def test_the_gap_says_what_is_one_field(gap_mm, count):
    evidence = np.zeros((60, 80), np.float32)
    evidence[20:30, 20:30] = evidence[20:30, 35:45] = 0.9  # 1 mm apart at 0.2 mm per px
    found = outlined(response(evidence), touching="merge", merge_gap_mm=gap_mm)
    alone = outlined(response(evidence), touching="split")
    assert found.count == count
    np.testing.assert_array_equal(found.labels > 0, alone.labels > 0)


def test_a_touch_of_a_known_place_is_not_enough():
    faint = response(bumps([(60, 50, 12, 0.7)]))
    assert outlined(faint, detection=0.8, known=disc(SHAPE, 60, 50, 4)).count == 0
    assert outlined(faint, detection=0.8, known=disc(SHAPE, 60, 50, 11)).count == 1


def test_what_is_fainter_than_the_level_can_still_be_found_where_it_is_known():
    faint = response(bumps([(60, 50, 8, 0.45)], floor=0.0))
    known = disc(SHAPE, 60, 50, 9)
    assert outlined(faint, level=0.5, detection=0.6).count == 0
    found = outlined(faint, level=0.5, detection=0.6, known=known)
    assert found.count == 1
    assert 0.6 < (found.labels > 0).sum() / (np.pi * 8**2) < 1.1


def test_usual_scars_keep_their_outline_when_fainter_ones_are_asked_for():
    made = response(bumps([(30, 50, 8, 0.95), (90, 50, 8, 0.45)], floor=0.0))
    alone, again = outlined(made), outlined(made, known=disc(SHAPE, 90, 50, 9))
    assert (alone.count, again.count) == (1, 2)
    np.testing.assert_array_equal(alone.labels > 0, (again.labels > 0) & (alone.labels > 0))
    assert ((again.labels > 0)[:, :60] == (alone.labels > 0)[:, :60]).all()


@pytest.mark.parametrize("seed", range(5))
def test_reconstruction_is_that_of_scikit_image(seed):
    rng = np.random.default_rng(seed)
    mask = ndi.gaussian_filter(rng.random((60, 70)), 2).astype(np.float32)
    marker = np.maximum(mask - np.float32(0.05), 0)
    expected = reconstruction(marker, mask).astype(np.float32)
    np.testing.assert_array_equal(_reconstructed(marker, mask), expected)
