"""Folders of tracings: every layout is read, every problem told."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from skimage.io import imread, imsave
from traced import MM_PER_PX, cheek, write_folder, write_json

from scarmetrics.errors import UsageError
from scarmetrics.opencv import cv2
from scarmetrics.teach import TracingsError, read_tracings


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("teach") / "tracings")


@pytest.fixture
def folder(clean, tmp_path):
    return shutil.copytree(clean, tmp_path / "tracings")


def problems(folder, **options):
    with pytest.raises(TracingsError) as caught:
        read_tracings(folder, **{"mm_per_px": MM_PER_PX, **options})
    for problem in caught.value.problems:
        assert problem.file in str(caught.value)
        assert problem.remedy
    return {problem.file: problem.what for problem in caught.value.problems}


def test_masks_become_the_labels_that_were_drawn(clean):
    read = read_tracings(clean, mm_per_px=MM_PER_PX)
    assert [lesson.name for lesson in read.lessons] == ["P1", "P2"]
    for lesson, number in zip(read.lessons, (1, 2), strict=True):
        drawn = cheek(number)[1]
        np.testing.assert_array_equal(lesson.readers[0] > 0, drawn > 0)
        for label in np.unique(lesson.readers[0])[1:]:
            assert len(np.unique(drawn[lesson.readers[0] == label])) == 1
        area_mm2 = lesson.target.sum() * lesson.skin.mm_per_cell**2
        assert area_mm2 == pytest.approx((drawn > 0).sum() * MM_PER_PX**2, rel=0.01)


def test_a_mask_of_one_value_is_divided_where_it_does_not_touch(folder):
    mask = np.zeros(cheek(1)[1].shape, np.uint8)
    mask[20:30, 20:30] = mask[50:60, 50:60] = 255
    imsave(folder / "P1.mask.png", mask, check_contrast=False)
    assert read_tracings(folder, mm_per_px=MM_PER_PX).lessons[0].scar_count == 2


def test_ellipses_are_half_axes_turned_clockwise(folder):
    (folder / "P1.mask.png").unlink()
    write_json(folder / "P1.ellipses.json", [[70.0, 60.0, 20.0, 5.0, 90.0], [20, 20, 4, 4, 0]])
    labels = read_tracings(folder, mm_per_px=MM_PER_PX).lessons[0].readers[0]
    y, x = np.nonzero(labels == 1)
    assert (x.min(), x.max(), y.min(), y.max()) == (65, 75, 40, 80)
    assert (labels == 1).sum() == pytest.approx(np.pi * 100, rel=0.05)
    assert labels[20, 20] == 2
    write_json(folder / "P1.ellipses.json", [[70.0, 60.0, 20.0, 5.0, 45.0]])
    labels = read_tracings(folder, mm_per_px=MM_PER_PX).lessons[0].readers[0]
    assert labels[70, 80]  # down to the right
    assert not labels[50, 80]


def test_several_readers_make_a_soft_target(folder):
    (folder / "P1.mask.png").unlink()
    big, small = [[70, 60, 20, 20, 0]], [[70, 60, 8, 8, 0]]
    write_json(folder / "P1.A.ellipses.json", big)
    write_json(folder / "tracings_B.json", {"P1.png": small})
    lesson = read_tracings(folder, mm_per_px=MM_PER_PX).lessons[0]
    assert len(lesson.readers) == 2
    at = lesson.skin.grid.px_per_cell
    assert lesson.target[round(60 / at[1]), round(70 / at[0])] == 1
    assert lesson.target[round(60 / at[1]), round(84 / at[0])] == pytest.approx(0.5)


def test_scales_and_people_come_from_the_table(folder):
    (folder / "scales.csv").write_text(
        "photograph,mm_per_px,person\nP1.png,0.2,anna\nP2,,anna\n", encoding="utf-8"
    )
    first, second = read_tracings(folder, mm_per_px=0.3).lessons
    assert (first.mm_per_px, second.mm_per_px) == (0.2, 0.3)
    assert first.person == second.person == "anna"


def test_a_region_keeps_what_lies_outside_out_of_it(folder):
    region = np.zeros(cheek(1)[1].shape, np.uint8)
    region[:80] = 255
    imsave(folder / "P1.roi.png", region, check_contrast=False)
    lesson = read_tracings(folder, mm_per_px=MM_PER_PX).lessons[0]
    assert not lesson.readers[0][80:].any()
    assert lesson.roi.sum() == (region > 0).sum()


def test_all_problems_are_told_at_once(folder):
    imsave(folder / "P1.mask.png", np.zeros((10, 20), np.uint8), check_contrast=False)
    (folder / "P2.mask.png").unlink()
    write_json(folder / "P2.ellipses.json", [[1, 2, 3, 4]])
    shutil.copy(folder / "P1.png", folder / "P3.png")
    write_json(folder / "P9.ellipses.json", [[30, 30, 5, 5, 0]])
    write_json(folder / "tracings.json", {"P8": []})
    (folder / "scales.csv").write_text("photograph,mm_per_px\nP1,zero\nP7,0.2\n", encoding="utf-8")
    found = problems(folder, mm_per_px=None)
    assert "20 x 10" in found["P1.mask.png"]
    assert "4 numbers" in found["P2.ellipses.json"]
    assert found["P3.png"] in ("has no tracing", "has no scale")
    assert "no photograph" in found["P9.ellipses.json"]
    assert "'P8'" in found["tracings.json"]
    assert "'zero'" in found["scales.csv, line 2"]
    assert "'P7'" in found["scales.csv, line 3"]
    assert found["P2.png"] == "has no scale"


@pytest.mark.parametrize(
    ("ellipse", "what"),
    [
        ([1, 2, 0, 4, 0], "no size"),
        ([1, 2, 3, float("nan"), 0], "no size"),
        ([1, 2, "3", 4, 0], "no number"),
        ([1, 2, True, 4, 0], "no number"),
        ([5000, 2, 3, 4, 0], "covers no pixel"),
        ([1e300, 2, 3, 1e-300, 0], "covers no pixel"),
        ([1, 2, 10**400, 4, 0], "too large"),
        ("circle", "0 numbers"),
    ],
)
def test_ellipses_that_are_none(folder, ellipse, what):
    (folder / "P1.mask.png").unlink()
    write_json(folder / "P1.ellipses.json", [[40, 40, 5, 5, 0], ellipse])
    found = problems(folder)
    assert list(found) == ["P1.ellipses.json"]
    assert "ellipse 2" in found["P1.ellipses.json"]
    assert what in found["P1.ellipses.json"]


def test_a_soft_brush_is_recognised(folder):
    y, x = np.mgrid[: cheek(1)[1].shape[0], : cheek(1)[1].shape[1]]
    soft = 255 * np.exp(-((x - 60.3) ** 2 + (y - 60.7) ** 2) / 200)
    imsave(folder / "P1.mask.png", soft.astype(np.uint8), check_contrast=False)
    assert "soft brush" in problems(folder)["P1.mask.png"]


def test_files_that_are_not_what_they_are_called(folder):
    (folder / "P1.mask.png").write_bytes(b"nothing")
    (folder / "P2.png").write_bytes(imread(folder / "P2.png").tobytes())
    (folder / "P2.A.ellipses.json").write_text("[[1, 2", encoding="utf-8")
    found = problems(folder)
    assert found["P1.mask.png"] == "is not an image"
    assert "not a JPEG" in found["P2.png"]
    assert found["P2.A.ellipses.json"] == "is not JSON"


def test_what_is_transparent_is_skin(folder):
    drawn = cheek(1)[1]
    clean = read_tracings(folder, mm_per_px=MM_PER_PX).lessons[0].readers[0]
    rgba = np.full((*drawn.shape, 4), 255, np.uint8)  # all white, the skin see-through
    rgba[..., 1] = 10 * drawn
    rgba[drawn == 0, 3] = 0
    imsave(folder / "P1.mask.png", rgba, check_contrast=False)
    read = read_tracings(folder, mm_per_px=MM_PER_PX).lessons[0].readers[0]
    np.testing.assert_array_equal(read > 0, clean > 0)
    assert len(np.unique(read)) == len(np.unique(clean))
    rgba[..., :3] = 0
    imsave(folder / "P1.mask.png", rgba, check_contrast=False)
    assert "black on a transparent" in problems(folder)["P1.mask.png"]


def test_colours_of_8_and_16_bit_are_told_apart(folder):
    for kind, one, other in (
        (np.uint8, (0, 255, 0), (1, 0, 0)),
        (np.uint16, (0, 1, 0), (256, 0, 0)),
    ):
        mask = np.zeros((*cheek(1)[1].shape, 3), kind)
        mask[20:30, 20:30], mask[20:30, 30:40] = one, other
        assert cv2.imwrite(str(folder / "P1.mask.png"), mask)
        labels = read_tracings(folder, mm_per_px=MM_PER_PX).lessons[0].readers[0]
        assert labels[25, 25] != labels[25, 35]
        assert len(np.unique(labels)) == 3


def test_a_mask_the_other_way_round_is_refused(folder):
    inverted = np.where(cheek(1)[1] > 0, 0, 255).astype(np.uint8)
    imsave(folder / "P1.mask.png", inverted, check_contrast=False)
    with pytest.raises(TracingsError, match="invert the mask"):
        read_tracings(folder, mm_per_px=MM_PER_PX)
    half = np.zeros_like(inverted)
    half[:70] = 255  # little of the photograph, most of the region
    region = np.zeros_like(inverted)
    region[:80] = 255
    imsave(folder / "P1.mask.png", half, check_contrast=False)
    assert read_tracings(folder, mm_per_px=MM_PER_PX).lessons[0].scar_count == 1
    imsave(folder / "P1.roi.png", region, check_contrast=False)
    assert "88 %" in problems(folder)["P1.mask.png"]


def test_json_that_is_no_tracing_is_told(folder):
    (folder / "P1.mask.png").unlink()
    (folder / "P1.ellipses.json").write_text("null", encoding="utf-8")
    (folder / "tracings_B.json").write_text("null", encoding="utf-8")
    write_json(folder / "tracings.A.json", {"P1": []})
    write_json(folder / "P2.json", [])
    found = problems(folder)
    assert "no list" in found["P1.ellipses.json"]
    assert "no list" in found["tracings_B.json"]
    assert "no name of tracings" in found["tracings.A.json"]
    assert "no name of tracings" in found["P2.json"]


def test_a_file_that_cannot_be_read_is_named(folder, monkeypatch):
    whole = Path.read_bytes
    write_json(folder / "P2.A.ellipses.json", [[40, 40, 5, 5, 0]])
    (folder / "scales.csv").write_text("photograph,mm_per_px\nP1,0.2\n", encoding="utf-8")

    def read_bytes(path):
        if path.name in ("P1.mask.png", "P2.A.ellipses.json", "scales.csv"):
            raise OSError(5, "Input/output error")
        return whole(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    found = problems(folder)
    for name in ("P1.mask.png", "P2.A.ellipses.json", "scales.csv"):
        assert found[name] == "cannot be read (Input/output error)"


@pytest.mark.parametrize("ending", ["png", "jpg", "bmp", "tif"])
def test_a_small_close_up_is_enough(folder, ending):
    image, labels = cheek(1)
    (folder / "P1.png").unlink()
    y, x = (int(np.median(values)) - 18 for values in np.nonzero(labels))
    imsave(folder / f"P1.{ending}", image[y : y + 36, x : x + 33], check_contrast=False)
    mask = np.minimum(labels[y : y + 36, x : x + 33], 1).astype(np.uint8)
    imsave(folder / "P1.mask.png", mask, check_contrast=False)
    lesson = read_tracings(folder, mm_per_px=MM_PER_PX).lessons[0]
    assert lesson.readers[0].shape == (36, 33)
    np.testing.assert_array_equal(lesson.readers[0] > 0, mask > 0)
    imsave(folder / f"P1.{ending}", image[:20, :40], check_contrast=False)
    assert "less than 32 px" in problems(folder)[f"P1.{ending}"]


def test_a_mistyped_scale_is_told(folder):
    (folder / "scales.csv").write_text("photograph,mm_per_px\nP1,2\nP2,0.001\n", encoding="utf-8")
    found = problems(folder)
    assert "has 2 mm/px" in found["P1.png"]
    assert "shows 0.15 mm" in found["P2.png"]


def test_too_little_to_teach(folder):
    for number in (1, 2):
        blank = np.zeros(cheek(number)[1].shape, np.uint8)
        imsave(folder / f"P{number}.mask.png", blank, check_contrast=False)
    assert "no scar" in problems(folder)["tracings"]
    for name in ("P2.png", "P2.mask.png"):
        (folder / name).unlink()
    assert "fewer than 2" in problems(folder)["tracings"]
    with pytest.raises(UsageError, match="not a folder"):
        read_tracings(folder / "absent")


def test_tracing_twice_is_told(folder):
    write_json(folder / "P1.ellipses.json", [[40, 40, 5, 5, 0]])
    assert "twice" in problems(folder)["P1.mask.png"]


def test_the_hash_is_of_the_contents(folder):
    before = read_tracings(folder, mm_per_px=MM_PER_PX).sha256
    assert read_tracings(folder, mm_per_px=MM_PER_PX).sha256 == before
    mask = imread(folder / "P1.mask.png")
    mask[0, 0] = 99
    imsave(folder / "P1.mask.png", mask, check_contrast=False)
    assert read_tracings(folder, mm_per_px=MM_PER_PX).sha256 != before
