"""The taught segmenter: features, model files, and where a config finds them."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from synthetic import dips, skin

import scarmetrics as sm
from scarmetrics.config import SegmentationConfig, load_config
from scarmetrics.errors import ConfigError, UsageError
from scarmetrics.segmentation import features, make_segmenter, segment
from scarmetrics.segmentation.features import evidence_features, skin_features
from scarmetrics.segmentation.learned import with_net_sha256
from scarmetrics.segmentation.modelfile import load_model, save_model
from scarmetrics.segmentation.perceptrons import Opinion, Perceptron, TaughtModel

CELL_MM = 0.2
SHAPE = (90, 70)
_SMOOTH = 9  # luminance at a sigma of 0.65 mm


def planes(seed=0, shape=SHAPE):
    return np.random.default_rng(seed).normal(0, 1, (5, *shape)).astype(np.float32)


def linear(size, column, weight, bias):
    """An opinion that is one feature, weighed."""
    weights = np.zeros((size, 1), np.float32)
    weights[column] = weight
    net = Perceptron((weights,), (np.array([bias], np.float32),))
    return Opinion(np.zeros(size, np.float32), np.ones(size, np.float32), (net,))


@pytest.fixture
def model():
    """Calls scar what is darker than its surroundings by a fixed amount."""
    everywhere = np.ones((9, 9), bool)
    first = skin_features(planes(shape=(9, 9)), everywhere, CELL_MM, everywhere).shape[1]
    both = first + evidence_features(planes(shape=(9, 9))[0], CELL_MM, everywhere).shape[1]
    return TaughtModel(
        linear(first, _SMOOTH, -4, -4), linear(both, first, 1, 0), 0.5, 0.7, 0.15,
        {"scars": 3, "net_sha256": with_net_sha256()}, area_rel_sd=0.2,
    )  # fmt: skip


@pytest.fixture
def file(model, tmp_path):
    path = tmp_path / "models" / "clinic.npz"
    path.parent.mkdir()
    save_model(model, path)
    return path


def test_quarter_turns_and_mirrors_turn_the_features_along():
    everywhere = np.ones(SHAPE, bool)
    straight = skin_features(planes(), everywhere, CELL_MM, everywhere).reshape(*SHAPE, -1)
    for change in (np.rot90, np.fliplr, np.flipud):
        turned = np.stack([change(plane) for plane in planes()])
        there = np.ones(turned.shape[1:], bool)
        made = skin_features(np.ascontiguousarray(turned), there, CELL_MM, there)
        np.testing.assert_allclose(
            made.reshape(*there.shape, -1), change(straight), rtol=1e-3, atol=1e-3
        )


def test_what_lies_outside_the_skin_is_not_seen():
    inside = np.zeros(SHAPE, bool)
    inside[10:60, 5:50] = True
    one = planes()
    other = np.where(inside, one, 100).astype(np.float32)
    np.testing.assert_array_equal(
        skin_features(one, inside, CELL_MM, inside), skin_features(other, inside, CELL_MM, inside)
    )


def test_an_offset_of_light_is_not_an_edge_at_the_border_of_the_skin():
    inside = np.zeros(SHAPE, bool)
    inside[10:60, 5:50] = True
    even = np.where(inside, np.float32(1), 0)[None].repeat(5, axis=0)
    rows = skin_features(even, inside, CELL_MM, inside)
    spread = rows.std(axis=0)
    assert np.median(spread) < 0.05


def test_a_large_grid_gives_the_same_in_parts(model, monkeypatch):
    shape = (400, 40)
    everywhere = np.ones(shape, bool)
    whole = model.evidence(planes(shape=shape), everywhere, CELL_MM)
    monkeypatch.setattr(features, "_BLOCK_CELLS", 40 * 100)
    assert len(features.strips(shape, CELL_MM)) > 3
    parts = model.evidence(planes(shape=shape), everywhere, CELL_MM)
    np.testing.assert_allclose(parts, whole, atol=1e-5)


def test_the_segmenter_outlines_what_its_model_sees(file):
    log = dips((200, 200), [(60, 60, 12, 0.6), (140, 120, 16, 0.5)])
    found = segment(skin(log), mm_per_px=0.2, config=SegmentationConfig(method=str(file)))
    assert found.count == 2
    assert found.labels[60, 60] == 1
    assert found.labels[120, 140] == 2
    assert found.peak == pytest.approx([0.6, 0.5], abs=0.2)
    assert (found.area_rel_sd, found.change_rel_sd) == (0.2, 0.2)
    assert found.detection_probability is None
    empty = segment(
        skin(log), mm_per_px=0.2, roi=np.zeros((200, 200), bool),
        config=SegmentationConfig(method=str(file)),
    )  # fmt: skip
    assert not empty
    assert empty.reason_code == "no_skin"


def test_a_model_survives_its_file_and_the_same_model_is_the_same_bytes(model, file, tmp_path):
    read = load_model(file)
    assert read.about == model.about
    assert (read.level, read.detection, read.evidence_sd) == (0.5, 0.7, 0.15)
    assert read.area_rel_sd == 0.2
    everywhere = np.ones(SHAPE, bool)
    np.testing.assert_array_equal(
        read.evidence(planes(), everywhere, CELL_MM), model.evidence(planes(), everywhere, CELL_MM)
    )
    save_model(read, tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == file.read_bytes()


def changed(file, **changes):
    with np.load(file) as held:
        arrays = {name: held[name] for name in held.files}
    arrays.update(changes)
    np.savez(file, **{name: value for name, value in arrays.items() if value is not None})


def test_files_that_are_no_model_are_named_with_a_remedy(file):
    def refused(match):
        with pytest.raises(UsageError, match=match) as caught:
            make_segmenter(SegmentationConfig(method=str(file)))
        assert "clinic.npz" in caught.value.message
        assert caught.value.remedy
        assert str(file.parent) not in str(caught.value)

    whole = file.read_bytes()
    for length in (0, 30, len(whole) // 2, len(whole) - 40):
        file.write_bytes(whole[:length])
        refused("no model|cannot be read|damaged")
    spoilt = bytearray(whole)
    spoilt[len(whole) // 2 : len(whole) // 2 + 400] = b"x" * 400
    file.write_bytes(bytes(spoilt))
    refused("damaged|no model|cannot be read")
    file.write_bytes(whole)
    changed(file, format_version=np.array(99))
    refused("version 99")
    file.write_bytes(whole)
    changed(file, level=np.array(1.5))
    refused("damaged")
    file.write_bytes(whole)
    changed(file, first_0_weights_0=np.zeros((3, 1), np.float32))
    refused("damaged")
    file.write_bytes(whole)
    changed(file, second_mean=None)
    refused("damaged")
    file.write_bytes(whole)
    changed(file, format=None)
    refused("no model")
    file.unlink()
    refused("cannot be read")


def flipped(file, position, bit=0):
    """A copy of a file with one bit turned."""
    data = bytearray(file.read_bytes())
    data[position] ^= 1 << bit
    copy = file.with_name(f"{position}-{bit}.npz")
    copy.write_bytes(bytes(data))
    return copy


@pytest.mark.parametrize(("offset", "bit"), [(6, 6), (8, 0), (10, 3), (20, 7), (28, 2), (42, 4)])
def test_one_bit_of_a_files_directory(file, offset, bit):
    with zipfile.ZipFile(file) as held:
        start = held.start_dir  # version, encryption, compression, size, length of name, place
    with pytest.raises(UsageError, match=r"no model|damaged|cannot be read"):
        load_model(flipped(file, start + offset, bit))


def test_a_bit_anywhere_is_told_or_does_no_harm(model, file):
    rng = np.random.default_rng(0)
    size, refused = file.stat().st_size, 0
    everywhere = np.ones((12, 12), bool)
    expected = model.evidence(planes(shape=(12, 12)), everywhere, CELL_MM)
    for position in rng.choice(size, 300, replace=False):
        try:
            read = load_model(flipped(file, int(position), int(rng.integers(8))))
        except UsageError as error:
            assert error.remedy  # noqa: PT017
            refused += 1
            continue
        found = read.evidence(planes(shape=(12, 12)), everywhere, CELL_MM)
        np.testing.assert_array_equal(found, expected)
    assert refused > 100


def test_a_model_of_another_net_is_refused(model, tmp_path):
    path = tmp_path / "clinic.npz"
    object.__setattr__(model, "about", {**model.about, "net_sha256": "0" * 64})
    save_model(model, path)
    with pytest.raises(UsageError, match=r"clinic\.npz builds on another net"):
        load_model(path)


def test_the_documentation_counts_the_features(model, repository):
    text = " ".join((repository / "docs/training.md").read_text(encoding="utf-8").split())
    assert re.findall(r"by (\d+) numbers", text) == [str(len(model.first.mean))]


def test_objects_in_a_file_are_never_unpickled(file):
    changed(file, format=np.array([{"a": 1}], dtype=object))
    with pytest.raises(UsageError, match="no model"):
        load_model(file)


def test_a_config_finds_the_model_from_its_own_folder(file, monkeypatch):
    text = "segmentation:\n  method: models/clinic.npz\n"
    config = file.parent.parent / "study.yaml"
    config.write_text(text, encoding="utf-8")
    monkeypatch.chdir("/")
    loaded = load_config(config)
    assert make_segmenter(loaded.segmentation).model.about["scars"] == 3
    assert loaded.recorded()["segmentation"]["method"] == "clinic.npz"
    onnx = SegmentationConfig(method="onnx:nets/a.onnx")
    assert onnx.model_file.name == "a.onnx"
    recorded = sm.StudyConfig(segmentation=onnx).recorded()
    assert recorded["segmentation"]["method"] == "onnx:a.onnx"
    assert SegmentationConfig().model_file is None


def test_spaces_and_the_users_own_folder_in_a_path(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    assert SegmentationConfig(method="onnx: net.onnx").model_file == Path("net.onnx")
    assert SegmentationConfig(method=" onnx:net.onnx ").method == "onnx:net.onnx"
    own = SegmentationConfig(method="~/nets/clinic.npz")
    assert own.model_file == tmp_path / "home/nets/clinic.npz"
    assert SegmentationConfig(method="~nobody-7/a.npz").model_file == Path("~nobody-7/a.npz")
    (tmp_path / "study.yaml").write_text(
        "segmentation:\n  method: 'onnx: ~/nets/a.onnx'\n", encoding="utf-8"
    )
    located = load_config(tmp_path / "study.yaml").segmentation
    assert located.model_file == tmp_path / "home/nets/a.onnx"


@pytest.mark.parametrize("kind", ["", "onnx:"])
def test_of_a_path_of_windows_only_the_name_is_shown(kind):
    config = SegmentationConfig(method=f"{kind}C:\\models\\clinic.npz")
    recorded = sm.StudyConfig(segmentation=config).recorded()
    assert recorded["segmentation"]["method"] == f"{kind}clinic.npz"


def test_a_message_names_the_file_and_not_its_folders():
    with pytest.raises(UsageError) as caught:
        make_segmenter(SegmentationConfig(method="C:\\models\\clinic.npz"))
    assert "clinic.npz" in str(caught.value)
    assert "models" not in str(caught.value)


def test_a_missing_model_stops_a_study_with_its_place_in_the_config(tmp_path):
    config = tmp_path / "study.yaml"
    config.write_text("segmentation:\n  method: absent.npz\n", encoding="utf-8")
    (tmp_path / "exports").mkdir()
    study = sm.Study.from_config(config)
    with pytest.raises(ConfigError, match=r"line 2.*absent\.npz") as caught:
        study.run(tmp_path / "exports", out=tmp_path / "out")
    assert str(tmp_path) not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_run_records_the_models_name_and_hash_in_any_process(file, repository, tmp_path):
    config = tmp_path / "study.yaml"
    config.write_text("segmentation:\n  method: models/clinic.npz\n", encoding="utf-8")
    exports = repository / "fixtures/images/exports"
    summary = sm.Study.from_config(config).run(exports, out=tmp_path / "out", workers=2)
    assert summary.halves_measured > 0
    assert not [f for f in summary.failures if f.reason_code == "internal_error"]
    written = (tmp_path / "out/run.json").read_text(encoding="utf-8")
    recorded = json.loads(written)["model"]
    assert recorded["file"] == "clinic.npz"
    assert recorded["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    for text in (written, (tmp_path / "out/config.yaml").read_text(encoding="utf-8")):
        assert str(tmp_path) not in text
        assert "models/" not in text
