from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from scarmetrics.flags import FLAGS
from scarmetrics.overlay import Captions
from scarmetrics.overlay.captions import (
    alignment_paragraph,
    change_paragraph,
    half_paragraphs,
    left_out_words,
    legend_words,
    small_print,
    visit_paragraphs,
)
from scarmetrics.overlay.left_out import left_out

CAPTIONS = Captions(
    "P01", "baseline", "month3", dt.date(2024, 1, 5), None, "1.2.3", short_hash="abc123"
)


def words(paragraphs) -> str:
    return "\n".join(paragraph.text for paragraph in paragraphs)


def test_subject_side_status_and_version_are_named(make_half) -> None:
    _, result = make_half()
    text = words(half_paragraphs(CAPTIONS, result, 20))
    assert "P01 · patient's RIGHT side" in text
    assert "quality: pass" in text
    assert small_print(CAPTIONS, 20).text.startswith("scarmetrics 1.2.3 · abc123 · ")


def test_a_visit_shows_its_day_area_count_and_region(make_half) -> None:
    _, result = make_half()
    measured = result.baseline.measurement
    text = words(visit_paragraphs(CAPTIONS, result, 0, 20))
    assert "baseline · 2024-01-05" in text
    assert f"scar area {measured.area_mm2:.1f} ± {measured.area_sd_mm2:.1f} mm²" in text
    assert "4 scars" in text
    assert f"measured skin {measured.roi_area_mm2:.0f} mm²" in text
    assert "month3 · no date" in words(visit_paragraphs(CAPTIONS, result, 1, 20))


def test_without_a_scale_no_number_claims_to_be_in_mm2(make_half) -> None:
    _, result = make_half(scale=None)
    numbers = [visit_paragraphs(CAPTIONS, result, 0, 20), [change_paragraph(result, 20)]]
    for paragraphs in numbers:
        assert "mm²" not in words(paragraphs)
        assert "no scale" in words(paragraphs)
    fraction = 100 * result.baseline.measurement.area_fraction
    assert f"scar area {fraction:.2f} % of the skin (no scale)" in words(numbers[0])
    assert FLAGS["no_scale"].description in words(half_paragraphs(CAPTIONS, result, 20))


def test_change_has_its_sign_and_uncertainty(make_half) -> None:
    _, result = make_half(fates=("healed", "persisted"))
    text = change_paragraph(result, 20).text
    assert "−" in text
    assert "±" in text
    assert "% of baseline" in text


def test_no_scar_is_said_in_words(make_half) -> None:
    _, result = make_half(fates=())
    text = words(visit_paragraphs(CAPTIONS, result, 0, 20))
    assert "scar area 0 mm²" in text
    assert "no scar found" in text
    assert change_paragraph(result, 20).text == "Change of scar area: 0 mm²"


def test_one_scar_is_singular(make_half) -> None:
    _, result = make_half(fates=("persisted",))
    assert "1 scar ·" in words(visit_paragraphs(CAPTIONS, result, 0, 20))


def test_review_flags_are_described_and_info_flags_named(make_half) -> None:
    _, result = make_half(flags=("high_residual",))
    text = words(half_paragraphs(CAPTIONS, result, 20))
    assert "quality: review" in text
    assert FLAGS["high_residual"].description in text
    assert "high_residual" not in text
    assert FLAGS["flat_surface"].description in text
    assert "flat_surface" not in text


def test_a_flag_of_one_visit_says_which(make_half) -> None:
    _, result = make_half(fates=("healed",))
    text = words(half_paragraphs(CAPTIONS, result, 20))
    assert f"month3: {FLAGS['no_scar_found'].description}" in text


@pytest.mark.parametrize("fate", ["persisted", "shrunk", "grown", "healed", "new"])
def test_the_legend_counts_each_fate(make_half, fate: str) -> None:
    _, result = make_half()
    assert legend_words(CAPTIONS, result)[fate].startswith(f"1 {fate}: ")


def test_the_alignment_is_told_with_its_share_and_its_error(make_half) -> None:
    _, result = make_half()
    assert "100 %" in alignment_paragraph(result, 20).text
    assert "0.03 mm" in alignment_paragraph(result, 20).text
    _, unscaled = make_half(scale=None)
    assert "0.1 px" in alignment_paragraph(unscaled, 20).text


def test_skin_that_was_left_out_is_told_by_cause_and_share(make_half) -> None:
    pair, result = make_half(left_out=(("hair", 0, (20, 40, 98, 57)),), fates=())
    words = left_out_words(CAPTIONS, left_out(pair, result), (0,))
    assert words == {"hair": "10 % of the half's skin: strands of hair"}
    both = left_out_words(CAPTIONS, left_out(pair, result), (0, 1))
    assert both["hair"] == "10 % and 0 % of the half's skin: strands of hair"
    assert left_out_words(CAPTIONS, (None, None), (0, 1)) == {}


def test_skin_that_only_the_other_visit_lacks_names_that_visit(make_half) -> None:
    pair, result = make_half(left_out=(("hair", 1, (26, 44, 104, 61)),), fates=())
    roi = result.baseline.roi.copy()
    roi[40:57, 20:98] = False
    result = replace(result, baseline=replace(result.baseline, roi=roi))
    words = left_out_words(CAPTIONS, left_out(pair, result), (0,))
    assert words == {"other_visit": "10 % of the half's skin: not shown by month3"}
