"""Teaching: what was traced is learnt, and tested on people left out."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from traced import MM_PER_PX, cheek, lessons

from scarmetrics.config import SegmentationConfig
from scarmetrics.errors import UsageError
from scarmetrics.segmentation import segment
from scarmetrics.segmentation.modelfile import save_model
from scarmetrics.teach import Settings, agreement, folds, judge, pairs, teach

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


def test_each_scar_pairs_once_with_its_best():
    found = squares((5, 5))
    traced = squares((5, 5), size=5)
    traced[5:15, 10:15] = 2
    assert pairs(found, traced) == [(1, 2)]


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
    assert taught.model.about["tested"]["all"]["f1"] == taught.overall.f1
    own = [judge(taught.model, lesson).dice for lesson in lessons((1, 2, 3))]
    assert np.mean(own) > taught.overall.dice  # its own teachers it knows better


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
