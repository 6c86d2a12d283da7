from __future__ import annotations

import datetime as dt

import pytest

from scarmetrics.flags import FLAGS
from scarmetrics.overlay import Captions
from scarmetrics.overlay.captions import (
    change_paragraph,
    half_paragraphs,
    legend_words,
    small_print,
    visit_paragraphs,
)

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
    assert small_print(CAPTIONS, 20).text == "scarmetrics 1.2.3 · abc123"


def test_a_visit_shows_its_day_area_count_and_region(make_half) -> None:
    _, result = make_half()
    measured = result.baseline.measurement
    text = words(visit_paragraphs(CAPTIONS, result, 0, 20))
    assert "baseline · 2024-01-05" in text
    assert f"scar area {measured.area_mm2:.1f} ± {measured.area_sd_mm2:.1f} mm²" in text
    assert "4 scars" in text
    assert f"measured skin {measured.roi_area_mm2:.0f} mm²" in text
    assert "month3\n" in words(visit_paragraphs(CAPTIONS, result, 1, 20))


def test_without_a_scale_no_number_claims_to_be_in_mm2(make_half) -> None:
    _, result = make_half(scale=None)
    numbers = [visit_paragraphs(CAPTIONS, result, 0, 20), [change_paragraph(result, 20)]]
    for paragraphs in numbers:
        assert "mm²" not in words(paragraphs)
        assert "no scale" in words(paragraphs)
    fraction = 100 * result.baseline.measurement.area_fraction
    assert f"fraction {fraction:.2f} %" in words(numbers[0])
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
    assert "notes: flat_surface" in text


def test_a_flag_of_one_visit_says_which(make_half) -> None:
    _, result = make_half(fates=("healed",))
    assert "no_scar_found (month3)" in words(half_paragraphs(CAPTIONS, result, 20))


@pytest.mark.parametrize("fate", ["persisted", "shrunk", "grown", "healed", "new"])
def test_the_legend_counts_each_fate(make_half, fate: str) -> None:
    _, result = make_half()
    assert legend_words(CAPTIONS, result)[fate].startswith(f"1 {fate}: ")
