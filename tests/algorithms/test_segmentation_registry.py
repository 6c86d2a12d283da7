import numpy as np
import pytest
from synthetic import dips, skin

from scarmetrics.config import SegmentationConfig
from scarmetrics.errors import UsageError
from scarmetrics.segmentation import (
    ClassicalSegmenter,
    LearnedSegmenter,
    Response,
    make_segmenter,
    pool_noise,
    register_segmenter,
    segment,
    segmenter_names,
)


def response(noise):
    return Response(
        depth=np.zeros((2, 2), np.float32),
        roi=np.ones((2, 2), bool),
        origin=(0, 0),
        px_per_cell=(1.0, 1.0),
        mm_per_px=0.2,
        noise=noise,
    )


def test_the_pairs_noise_is_one_number_whatever_the_order():
    assert pool_noise([response(0.03), response(0.04)]) == pytest.approx(np.sqrt(12.5) / 100)
    assert pool_noise([response(0.04), response(0.03)]) == pool_noise(
        [response(0.03), response(0.04)]
    )
    assert pool_noise([response(0.03)]) == pytest.approx(0.03)


def test_the_learned_method_is_the_default():
    assert isinstance(make_segmenter(SegmentationConfig()), LearnedSegmenter)
    assert isinstance(make_segmenter(SegmentationConfig(method="classical")), ClassicalSegmenter)
    assert {"classical", "learned"} <= set(segmenter_names())


def test_an_unknown_method_is_wrong_use_and_names_the_known_ones():
    config = SegmentationConfig(method="no-such-method")
    with pytest.raises(UsageError, match=r"no-such-method.*classical"):
        make_segmenter(config)
    with pytest.raises(UsageError):
        segment(skin(np.zeros((40, 40))), mm_per_px=0.2, config=config)


def test_a_name_is_taken_once():
    with pytest.raises(ValueError, match="classical"):
        register_segmenter("classical", ClassicalSegmenter)


def test_noise_rises_with_the_photographs_own():
    segmenter = make_segmenter(SegmentationConfig())
    roi = np.ones((250, 250), bool)
    noise = [
        segmenter.respond(skin(np.zeros(roi.shape), noise=sd), roi, 0.2, 0.2).noise
        for sd in (0.02, 0.08)
    ]
    assert noise[1] == pytest.approx(4 * noise[0], rel=0.1)
    # scars are not noise
    scarred = skin(dips(roi.shape, [(40, 40, 10, 0.6), (100, 90, 8, 0.5)]), noise=0.02)
    assert segmenter.respond(scarred, roi, 0.2, 0.2).noise == pytest.approx(noise[0], rel=0.25)
