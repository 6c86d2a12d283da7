from __future__ import annotations

import numpy as np

from scarmetrics.overlay.tone import Tone, fit_tone


def skin(level: int, dtype: type = np.uint8) -> np.ndarray:
    rng = np.random.default_rng(7)
    image = np.clip(rng.normal(level, 12, (50, 60, 3)), 0, 255).astype(np.uint8)
    return image if dtype == np.uint8 else image.astype(np.uint16) * 257


ALL = np.ones((50, 60), bool)


def test_the_same_skin_looks_the_same_and_darker_skin_looks_darker() -> None:
    bright, dark = skin(150), skin(110)
    tone = fit_tone((bright, dark), (ALL, ALL))
    assert np.array_equal(tone.apply(bright), tone.apply(bright.copy()))
    difference = tone.apply(bright).mean() - tone.apply(dark).mean()
    assert difference > 40  # at least what it is in the photographs


def test_measured_skin_of_both_visits_uses_the_range_and_the_rest_does_not_count() -> None:
    image = skin(100)
    framed = image.copy()
    framed[:10] = 255
    inside = ALL.copy()
    inside[:10] = False
    assert fit_tone((framed, framed), (inside, inside)).gain > 1.5
    low, high = np.percentile(fit_tone((image, image), (ALL, ALL)).apply(image), (1, 99))
    assert low < 90
    assert high > 160


def test_flat_skin_is_not_stretched_into_noise() -> None:
    flat = np.full((50, 60, 3), 90, np.uint8)
    tone = fit_tone((flat, flat), (ALL, ALL))
    assert tone.gain <= 3
    assert np.ptp(tone.apply(flat)) == 0


def test_sixteen_bit_looks_like_eight_bit() -> None:
    tone = fit_tone((skin(120), skin(100, np.uint16)), (ALL, ALL))
    eight = tone.apply(skin(120)).astype(int)
    sixteen = tone.apply(skin(120, np.uint16))
    assert sixteen.dtype == np.uint8
    assert np.abs(eight - sixteen).max() <= 2


def test_both_visits_count_the_same_whatever_their_size() -> None:
    bright, dark = skin(180), skin(80)
    large = np.tile(dark, (4, 4, 1))
    small = fit_tone((bright, dark), (ALL, ALL))
    mixed = fit_tone((bright, large), (ALL, np.tile(ALL, (4, 4))))
    assert np.isclose(small.offset, mixed.offset, atol=0.02)
    assert np.isclose(small.gain, mixed.gain, atol=0.05)


def test_hue_differences_are_kept() -> None:
    image = np.full((2, 2, 3), (140, 110, 100), np.uint8)
    shown = Tone(offset=-0.1, gain=1.3).apply(image).astype(int)
    assert np.all(shown[..., 0] - shown[..., 1] == 30)
    assert np.all(shown[..., 1] - shown[..., 2] == 10)
