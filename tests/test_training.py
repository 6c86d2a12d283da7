"""The recipe of the net's phantoms: seeded, in shape, and blind to the people of the benchmarks."""

import importlib
import sys

import numpy as np
import pytest

from scarmetrics.phantom import astronaut_face
from scarmetrics.segmentation.normalise import skin_planes


@pytest.fixture(scope="module")
def scripts(repository):
    """Modules of training/ and benchmarks/ by name."""
    folders = [str(repository / "training"), str(repository / "benchmarks")]
    sys.path[:0] = folders
    yield importlib.import_module
    for folder in folders:
        sys.path.remove(folder)


@pytest.fixture(scope="module")
def half():
    face = astronaut_face(5, 0.4)
    skin = face.face.skin_mask("left")
    rows, cols = np.nonzero(skin)
    window = np.s_[rows.min() : rows.max() + 1, cols.min() : cols.max() + 1]
    return (
        np.ascontiguousarray(face.image[window]),
        np.ascontiguousarray(skin[window]),
        face.mm_per_px,
    )


def test_the_same_seed_gives_the_same_example(scripts, half):
    recipe = scripts("recipe")
    first, second = (recipe.draw_example(*half, 17) for _ in range(2))
    np.testing.assert_array_equal(first.image, second.image)
    np.testing.assert_array_equal(first.inside, second.inside)


def test_examples_are_of_all_kinds_and_their_truth_fits_them(scripts, half):
    recipe = scripts("recipe")
    kinds = set()
    for seed in range(12):
        example = recipe.draw_example(*half, seed)
        kinds.add(example.kind)
        shape = example.image.shape[:2]
        assert example.image.dtype == np.uint8
        assert example.roi.shape == example.inside.shape == example.relative_depth.shape == shape
        assert 0.05 < example.mm_per_px < 0.7
        assert example.inside.max() <= 1
        assert (example.inside.sum() > 0) == (example.kind != "clear")
        # inside the outline a scar has at least half of its depth
        assert example.relative_depth[example.inside > 0.99].min(initial=1) > 0.4
        if example.mm_per_px <= 0.6:
            assert skin_planes(example.image, example.roi, example.mm_per_px) is not None
    assert kinds == set(recipe.KINDS)


@pytest.mark.shared
def test_nobody_is_both_taught_and_measured(scripts, shared_faces):
    backgrounds, faces = scripts("backgrounds"), scripts("_faces")
    taught = {
        f"{path.parent.name}-{path.stem.split('_')[0]}"
        for path in backgrounds.training_photographs(shared_faces)
    }
    measured = set(faces.held_out_names())
    assert len(measured) == 16
    assert not taught & measured
    assert taught | measured == set(faces.names())
