import dataclasses
import json
from importlib import resources

import numpy as np
import pytest

import scarmetrics as sm
from scarmetrics.config import SegmentationConfig
from scarmetrics.errors import UsageError
from scarmetrics.measure import measure_labels
from scarmetrics.phantom import astronaut_face, render, scar_field, shrink
from scarmetrics.segmentation import FailedSegmentation
from scarmetrics.segmentation.evidence import Calibration
from scarmetrics.segmentation.learned import (
    LearnedSegmenter,
    NetSegmenter,
    OnnxSegmenter,
    net_sha256,
    packaged_net,
)
from scarmetrics.segmentation.net import NetError, ScarNet
from scarmetrics.units import PixelScale

LEARNED = SegmentationConfig(method="learned")


@pytest.fixture(scope="module")
def net():
    return ScarNet(packaged_net())


@pytest.fixture(scope="module")
def phantom():
    face = astronaut_face(21, 0.2)
    skin = face.face.skin_mask("left")
    scars = scar_field(skin, mm_per_px=face.mm_per_px, seed=3, area_fraction=0.03)
    return render(face.image, scars, mm_per_px=face.mm_per_px), skin, face


class OneAnswer:
    """A net that says the same of every cell."""

    def __init__(self, answer):
        self.answer = answer

    def evidence(self, planes):
        if isinstance(self.answer, Exception):
            raise self.answer
        return np.full((1, *planes.shape[1:]), self.answer, np.float32)


def test_the_net_gives_two_probabilities_for_any_size(net):
    planes = np.random.default_rng(0).standard_normal((3, 37, 53), np.float32)
    evidence = net.evidence(planes)
    assert evidence.shape == (2, 37, 53)
    assert evidence.min() >= 0
    assert evidence.max() <= 1


def test_tiles_leave_no_seams(net, monkeypatch):
    planes = np.random.default_rng(1).standard_normal((3, 300, 520), np.float32)
    whole = net.evidence(planes)
    monkeypatch.setattr("scarmetrics.segmentation.net._TILE", 128)
    np.testing.assert_allclose(net.evidence(planes), whole, atol=1e-4)


def test_drawn_scars_are_found_and_little_else(phantom):
    truth, skin, face = phantom
    found = sm.segment(truth.image, mm_per_px=face.mm_per_px, roi=skin, config=LEARNED)
    inside, true = found.labels > 0, truth.labels > 0
    assert (inside & true).sum() / true.sum() > 0.6
    assert inside.sum() / true.sum() == pytest.approx(1, abs=0.35)
    clear = sm.segment(face.image, mm_per_px=face.mm_per_px, roi=skin, config=LEARNED)
    assert (clear.labels > 0).sum() < 0.003 * skin.sum()


def test_the_same_photograph_gives_the_same_labels(phantom):
    truth, skin, face = phantom
    first, second = (
        sm.segment(truth.image, mm_per_px=face.mm_per_px, roi=skin, config=LEARNED)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first.labels, second.labels)


def test_a_brighter_photograph_gives_nearly_the_same_area(phantom):
    truth, skin, face = phantom
    table = np.clip(np.arange(256) * 0.85, 0, 255).astype(np.uint8)
    first, second = (
        sm.segment(image, mm_per_px=face.mm_per_px, roi=skin, config=LEARNED)
        for image in (truth.image, table[truth.image])
    )
    assert (second.labels > 0).sum() == pytest.approx((first.labels > 0).sum(), rel=0.05)


def test_more_sensitivity_finds_more(phantom):
    truth, skin, face = phantom
    faint = render(face.image, shrink(truth.scars, 1.0, 0.3), mm_per_px=face.mm_per_px)
    counts = [
        sm.segment(
            faint.image,
            mm_per_px=face.mm_per_px,
            roi=skin,
            config=SegmentationConfig(method="learned", sensitivity=sensitivity),
        ).count
        for sensitivity in (0.03, 0.5, 0.97)
    ]
    assert counts == sorted(counts)
    assert counts[0] < counts[2]


def test_no_skin_is_a_failure_and_no_zero(phantom):
    truth, _, face = phantom
    nowhere = np.zeros(truth.labels.shape, bool)
    found = sm.segment(truth.image, mm_per_px=face.mm_per_px, roi=nowhere, config=LEARNED)
    assert isinstance(found, FailedSegmentation)
    assert found.reason_code == "no_skin"


def test_a_scale_that_cannot_be_is_a_failure(phantom):
    found = sm.segment(phantom[0].image, mm_per_px=2.0, config=LEARNED)
    assert isinstance(found, FailedSegmentation)
    assert found.reason_code == "pixels_too_coarse"


def test_a_net_that_fails_is_a_failure(phantom):
    truth, skin, face = phantom
    segmenter = NetSegmenter(LEARNED, OneAnswer(NetError("no probability")), Calibration())
    found = segmenter.respond(truth.image, skin, face.mm_per_px, face.mm_per_px)
    assert isinstance(found, FailedSegmentation)
    assert found.reason_code == "net_failed"


def test_a_net_that_says_no_finds_nothing(phantom):
    truth, skin, face = phantom
    segmenter = NetSegmenter(LEARNED, OneAnswer(0.0), Calibration())
    response = segmenter.respond(truth.image, skin, face.mm_per_px, face.mm_per_px)
    assert segmenter.label(response, skin, response.noise).count == 0


def test_files_that_are_no_net_say_so(tmp_path):
    missing = tmp_path / "missing.onnx"
    with pytest.raises(UsageError, match=r"missing\.onnx cannot be read"):
        OnnxSegmenter(LEARNED, missing)
    wrong = tmp_path / "wrong.onnx"
    wrong.write_bytes(b"this is no net")
    with pytest.raises(UsageError, match=r"wrong\.onnx is of no use"):
        OnnxSegmenter(LEARNED, wrong)
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(packaged_net()[:1000])
    with pytest.raises(UsageError, match=r"cut\.onnx is of no use"):
        OnnxSegmenter(LEARNED, cut)


def test_a_net_from_a_file_measures_as_the_packaged_one(phantom, tmp_path):
    truth, skin, face = phantom
    path = tmp_path / "own.onnx"
    path.write_bytes(packaged_net())
    own = OnnxSegmenter(LEARNED, path)
    assert own.calibration == Calibration()
    packaged = LearnedSegmenter(LEARNED)
    facts = {
        "calibration": dataclasses.asdict(packaged.calibration),
        "darkness": dataclasses.asdict(packaged.darkness),
    }
    path.with_suffix(".json").write_text(json.dumps(facts))
    config = SegmentationConfig(method=f"onnx:{path}")
    first, second = (
        sm.segment(truth.image, mm_per_px=face.mm_per_px, roi=skin, config=c)
        for c in (LEARNED, config)
    )
    np.testing.assert_array_equal(first.labels, second.labels)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"calibration": {"level": 2}}',
        '{"calibration": {"no": 1}}',
        '{"calibration": {"level": NaN}}',
        '{"calibration": {"log_odds_sd": 0}}',
        '{"darkness": {"weight": "x"}}',
        '{"levels": 1}',
    ],
)
def test_a_wrong_calibration_says_so(text, tmp_path):
    path = tmp_path / "own.onnx"
    path.write_bytes(packaged_net())
    path.with_suffix(".json").write_text(text)
    with pytest.raises(UsageError, match=r"own\.json beside the model"):
        OnnxSegmenter(LEARNED, path)


@pytest.mark.shared
def test_scarred_cheeks_are_told_from_clear_ones(shared_scars, shared_faces):
    from skimage.io import imread

    scarred = [
        (sm.segment(imread(path), mm_per_px=0.2, config=LEARNED).labels > 0).mean()
        for path in sorted(shared_scars.glob("*.jpg"))
    ]
    clear = []
    for path in sorted((shared_faces / "london").glob("*_03.jpg"))[-4:]:
        image = imread(path)
        face = sm.detect_face(image)
        for side in ("left", "right"):
            skin = face.skin_mask(side)
            found = sm.segment(image, mm_per_px=0.31, roi=skin, config=LEARNED)
            clear.append((found.labels > 0).sum() / skin.sum())
    assert min(scarred) > max(clear)


def test_the_facts_beside_the_net_are_of_this_net():
    text = resources.files("scarmetrics.segmentation").joinpath("data/scarnet.json").read_text()
    assert json.loads(text)["about"]["net_sha256"] == net_sha256()
    assert len(packaged_net()) < 4e6


def test_scars_of_unknown_certainty_say_nothing_of_it(phantom):
    truth, skin, face = phantom
    found = sm.segment(truth.image, mm_per_px=face.mm_per_px, roi=skin, config=LEARNED)
    flat = np.ones(skin.shape, np.float32)
    measured = measure_labels(found, skin, flat, PixelScale(face.mm_per_px, 0.01, "api"))
    assert {scar.detection_probability for scar in measured.scars} == {None}
    assert measured.area_sd_mm2 > 0.2 * measured.area_mm2
