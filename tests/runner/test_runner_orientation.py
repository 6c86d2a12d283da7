"""One study in all eight EXIF orientations."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

import scarmetrics as sm
from scarmetrics.ingest import decode_photograph

if TYPE_CHECKING:
    from pathlib import Path

# What each orientation says was done to the upright picture when it was stored, undone.
STORED = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.transpose(1, 0, 2),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: upright[::-1, ::-1].transpose(1, 0, 2),
    8: lambda upright: np.rot90(upright, -1),
}


def stored(pixels: np.ndarray, orientation: int) -> bytes:
    tags = Image.Exif()
    tags[0x0112] = orientation
    stream = io.BytesIO()
    turned = np.ascontiguousarray(STORED[orientation](pixels))
    Image.fromarray(turned).save(stream, "PNG", exif=tags, compress_level=1)
    return stream.getvalue()


def tables(out: Path) -> dict[str, str]:
    """Every table's text, without the hashes of the files."""
    found = {}
    for path in sorted(out.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        drop = [i for i, name in enumerate(rows[0]) if name == "image_sha256"]
        kept = [[cell for i, cell in enumerate(row) if i not in drop] for row in rows]
        found[path.name] = "\n".join(",".join(row) for row in kept)
    return found


def pictures(out: Path) -> dict[str, bytes]:
    paths = [*out.glob("masks/*.png"), *out.glob("rois/*.png")]
    return {f"{path.parent.name}/{path.name}": path.read_bytes() for path in paths}


def test_all_orientations_of_a_study_give_the_same_tables(repository, tmp_path):
    source = repository / "fixtures/images/exports"
    pixels = {
        path.relative_to(source): decode_photograph(path).pixels
        for path in sorted(source.rglob("*.jpg"))
    }
    assert len(pixels) == 2
    config = {"segmentation": {"min_diameter_mm": 1.2, "method": "classical"}}
    study = sm.Study(sm.StudyConfig.model_validate(config))
    results, hashes = {}, set()
    for orientation in STORED:
        exports, out = tmp_path / f"exports{orientation}", tmp_path / f"out{orientation}"
        for name, upright in pixels.items():
            (exports / name).parent.mkdir(parents=True, exist_ok=True)
            (exports / name).write_bytes(stored(upright, orientation))
        (exports / "manifest.csv").write_bytes((source / "manifest.csv").read_bytes())
        summary = study.run(exports, out=out)
        assert summary.halves_measured == 2
        hashes |= {row["image_sha256"] for row in summary.measurements}
        results[orientation] = (tables(out), pictures(out))
    assert len(hashes) == 2 * len(STORED)  # they are eight different files of each photograph
    first = results[1]
    assert {"measurements.csv", "changes.csv", "scars.csv", "regions.csv"} <= set(first[0])
    assert len(first[1]) == 8
    for orientation, result in results.items():
        assert result == first, orientation


@pytest.mark.parametrize("orientation", [2, 4, 5, 7])
def test_a_mirror_image_that_the_file_does_not_tell_of_is_not_undone(
    repository, tmp_path, orientation
):
    source = repository / "fixtures/images/exports"
    path = next(iter(sorted(source.rglob("*.jpg"))))
    upright = decode_photograph(path).pixels
    name = tmp_path / "photo.png"
    name.write_bytes(stored(upright, orientation))
    np.testing.assert_array_equal(decode_photograph(name).pixels, upright)
    plain = tmp_path / "plain.png"
    Image.fromarray(np.ascontiguousarray(STORED[orientation](upright))).save(plain)
    assert not np.array_equal(decode_photograph(plain).pixels, upright)
