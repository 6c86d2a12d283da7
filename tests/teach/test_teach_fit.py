"""Teaching: what was traced is learnt, and tested on people left out."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from traced import MM_PER_PX, cheek, lessons

from scarmetrics.config import SegmentationConfig
from scarmetrics.errors import UsageError
from scarmetrics.opencv import cv2
from scarmetrics.segmentation import make_segmenter, segment
from scarmetrics.segmentation.contours import label_evidence
from scarmetrics.segmentation.modelfile import save_model
from scarmetrics.teach import (
    Agreement,
    Settings,
    agreement,
    area_rel_sd,
    fit,
    folds,
    judge,
    make_lesson,
    mask_pairs,
    pairs,
    part_of,
    teach,
)
from scarmetrics.teach.calibrate import calibrate, response_of

QUICK = Settings(seed=0, epochs=10, nets=1, cells=20_000)


@pytest.fixture(scope="module")
def taught():
    return teach(lessons((1, 2, 3)), settings=QUICK)


def squares(*corners, size=10):
    labels = np.zeros((60, 60), np.int32)
    for number, (x, y) in enumerate(corners, start=1):
        labels[y : y + size, x : x + size] = number
    return labels


def test_agreement_of_known_squares():
    same = agreement(squares((5, 5), (30, 30)), [squares((30, 30), (5, 5))])
    assert (same.f1, same.dice, same.area_ratio) == (1, 1, 1)
    half = agreement(squares((5, 5), (40, 5)), [squares((10, 5), (5, 40))])
    assert half.f1 == pytest.approx(0.5)  # overlap of 50 over 150 pairs
    assert half.dice == pytest.approx(2 * 50 / 400)
    far = agreement(squares((5, 5)), [squares((13, 5))])
    assert far.f1 == 0  # overlap of 20 over 180 does not
    none = agreement(squares(), [squares((5, 5)), squares()])
    assert (none.f1, none.dice, none.area_ratio) == (0, 0, 0)
    assert np.isnan(agreement(squares((5, 5)), [squares()]).area_ratio)
    nothing = agreement(squares(), [squares()])
    assert (nothing.f1, nothing.dice) == (1, 1)


def test_each_scar_pairs_once_with_its_best():
    found = squares((5, 5))
    traced = squares((5, 5), size=5)
    traced[5:15, 10:15] = 2
    assert pairs(found, traced) == [(1, 2)]
    assert pairs(found, traced, least=0.6) == []


def test_masks_pair_as_their_labels_do():
    rng = np.random.default_rng(0)
    found, traced = (squares(*rng.integers(0, 50, (12, 2)), size=9) for _ in range(2))
    masks = [[part == label for label in range(1, 13)] for part in (found, traced)]
    expected = [(first - 1, second - 1) for first, second in pairs(found, traced)]
    assert len(expected) > 2
    assert mask_pairs(*masks) == expected
    assert mask_pairs([], masks[0]) == mask_pairs(masks[0], []) == []


def test_nobody_is_on_both_sides():
    people = ["a", "b", "a", "c", "c", "c", "d"]
    parts = folds(people, 3)
    assert sorted(index for part in parts for index in part) == list(range(len(people)))
    for part in parts:
        inside = {people[index] for index in part}
        outside = {person for index, person in enumerate(people) if index not in part}
        assert not inside & outside
    assert len(folds(["a"] * 5, 8)) == 5
    assert len(folds([str(i) for i in range(20)], 8)) == 8


def test_what_is_taught_finds_scars_on_faces_it_has_not_seen(taught):
    unseen = lessons((5, 6))
    for lesson in unseen:
        score = judge(taught.model, lesson)
        everything = agreement((lesson.roi > 0).astype(np.int32), lesson.readers)
        assert score.f1 > 0.5
        assert score.dice > max(0.5, 2 * everything.dice)
        assert score.area_ratio == pytest.approx(1, abs=0.6)


def test_the_figures_are_of_people_left_out(taught):
    assert list(taught.tested) == ["P1", "P2", "P3"]
    assert taught.by_person
    held = taught.model.about["tested"]
    assert held["all"]["f1"] == taught.overall.f1
    assert sorted(row["dice"] for row in held["photographs"]) == sorted(
        part.dice for part in taught.tested.values()
    )
    own = [judge(taught.model, lesson).dice for lesson in lessons((1, 2, 3))]
    assert np.mean(own) > taught.overall.dice  # its own teachers it knows better


def test_no_name_is_in_the_model_and_none_hides_the_total():
    two = lessons((1, 2))
    for lesson, name in zip(two, ("all", "anna-k"), strict=True):
        object.__setattr__(lesson, "name", name)
        object.__setattr__(lesson, "person", name)
    made = teach(two, settings=Settings(epochs=2, nets=1, cells=8_000))
    assert set(made.tested) == {"all", "anna-k"}
    held = made.model.about["tested"]
    assert held["all"]["dice"] == made.overall.dice != made.tested["all"].dice
    assert len(held["photographs"]) == 2
    assert "anna" not in json.dumps(dict(made.model.about))
    with pytest.raises(ValueError, match="names of their own"):
        teach(lessons((1, 1)))


def test_the_error_of_an_area_is_what_was_left_out_shows(taught, tmp_path):
    def part(found_px, traced_px):
        return Agreement(found_px=found_px, traced_px=traced_px)

    assert area_rel_sd([part(200, 100), part(50, 100)]) == pytest.approx(np.log(2))
    assert area_rel_sd([part(100, 100)] * 3) == 0.05
    assert area_rel_sd([part(200, 100), part(30, 0)]) == pytest.approx(np.log(2))
    assert np.isfinite(area_rel_sd([part(0, 100)]))
    assert area_rel_sd([]) == 1
    assert taught.model.area_rel_sd == area_rel_sd(taught.tested.values())
    save_model(taught.model, tmp_path / "m.npz")
    method = make_segmenter(SegmentationConfig(method=str(tmp_path / "m.npz")))
    assert method.calibration.area_rel_sd == taught.model.area_rel_sd


def test_the_limit_is_chosen_on_what_it_is_compared_with():
    y, x = np.mgrid[:150, :150]
    labels = np.zeros((150, 150), np.int32)
    true = [(20 + 30 * i, 20 + 29 * j) for i in range(4) for j in range(4)]
    for number, (across, down) in enumerate(true, start=1):
        labels[(x - across) ** 2 + (y - down) ** 2 <= 25] = number
    lesson = make_lesson(cheek(1)[0], [labels], mm_per_px=MM_PER_PX, name="P1")
    evidence = 0.6 * (lesson.target >= 0.5).astype(np.float32)
    rows, cols = np.mgrid[: evidence.shape[0], : evidence.shape[1]]
    at = 1 / lesson.skin.grid.px_per_cell[0]
    for across, down in true:  # one cell is the surest of each, no cell of a spot beside it
        evidence[round(down * at), round(across * at)] = 0.95
        beside = (cols - (across + 14) * at) ** 2 + (rows - (down + 12) * at) ** 2
        evidence[beside <= 20] = 0.9
    level, detection, _ = calibrate([lesson], [evidence])
    found = label_evidence(
        response_of(lesson, evidence), lesson.roi, 0.0, SegmentationConfig(),
        level=level, detection=detection,
    )  # fmt: skip
    score = agreement(found.labels, [labels])
    assert (score.hits, score.found) == (16, 16)


def test_a_finer_photograph_is_reduced_and_a_coarser_one_is_not():
    image, labels = cheek(1)
    coarse = make_lesson(image, [labels], mm_per_px=MM_PER_PX, name="P1")
    assert coarse.readers[0].shape == labels.shape
    assert coarse.mm_per_px == MM_PER_PX
    fine = make_lesson(
        image.repeat(8, axis=0).repeat(8, axis=1),
        [labels.repeat(8, axis=0).repeat(8, axis=1)],
        mm_per_px=MM_PER_PX / 8,
        name="P1",
    )
    assert fine.mm_per_px == pytest.approx(0.1, rel=0.01)
    assert fine.roi.shape == fine.readers[0].shape == (375, 375)
    assert fine.scar_count == coarse.scar_count
    area_mm2 = (labels > 0).sum() * MM_PER_PX**2
    assert (fine.readers[0] > 0).sum() * fine.mm_per_px**2 == pytest.approx(area_mm2, rel=0.01)
    assert fine.skin.roi.shape == coarse.skin.roi.shape
    likeness = np.corrcoef(fine.skin.planes[0].ravel(), coarse.skin.planes[0].ravel())[0, 1]
    assert likeness > 0.95
    assert np.abs(fine.target - coarse.target).mean() < 0.01


def test_a_part_of_a_photograph_is_like_the_whole():
    (lesson,) = lessons((1,))
    assert part_of(lesson, lesson.skin.roi.size) is lesson
    part = part_of(lesson, 6_000)
    rows, cols = part.skin.roi.shape
    assert 3_000 < rows * cols <= 6_000
    assert part.skin.planes.shape == (5, rows, cols)
    assert part.roi.shape == part.readers[0].shape
    assert part.target.mean() == pytest.approx(lesson.target.mean(), rel=0.2)
    # the scars of the pixels lie where those of the cells do
    drawn = (part.readers[0] > 0).astype(np.float32)
    again = cv2.resize(drawn, part.skin.grid.size, interpolation=cv2.INTER_AREA)
    assert np.corrcoef(again.ravel(), part.target.ravel())[0, 1] > 0.95


def test_large_photographs_are_taught_in_part_and_tested_whole(monkeypatch):
    monkeypatch.setattr(fit, "_MOST_KEPT", 20_000)
    two = lessons((1, 2))
    made = teach(two, settings=Settings(epochs=6, nets=1, cells=8_000))
    for lesson in two:
        tested = made.tested[lesson.name]
        assert tested.traced_px == (lesson.readers[0] > 0).sum()
        assert tested.dice > 0.3


def test_the_same_lessons_and_seed_are_the_same_model(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        made = teach(lessons((1, 2)), settings=Settings(seed=seed, epochs=2, nets=1, cells=8_000))
        save_model(made.model, tmp_path / f"{name}.npz")
    first, again, other = ((tmp_path / f"{n}.npz").read_bytes() for n in "abc")
    assert first == again
    assert first != other


def test_a_taught_model_is_a_method(taught, tmp_path):
    save_model(taught.model, tmp_path / "m.npz")
    image, labels = cheek(5)
    config = SegmentationConfig(method=str(tmp_path / "m.npz"))
    found = segment(image, mm_per_px=MM_PER_PX, config=config)
    assert agreement(found.labels, [labels]) == judge(taught.model, lessons((5,))[0])


def test_one_person_only_is_said():
    two = lessons((1, 2))
    for lesson in two:
        object.__setattr__(lesson, "person", "anna")
    assert not teach(two, settings=Settings(epochs=1, nets=1, cells=8_000)).by_person


def test_teaching_needs_two_photographs_and_scikit_learn(monkeypatch):
    with pytest.raises(UsageError, match="fewer than 2"):
        teach(lessons((1,)))
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(UsageError, match=r"scarmetrics\[train\]"):
        teach(lessons((1, 2)))
