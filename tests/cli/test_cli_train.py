"""scarmetrics train."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from skimage.io import imsave

from scarmetrics.cli import main
from scarmetrics.segmentation.modelfile import load_model


@pytest.fixture
def shell(monkeypatch, capsys):
    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["scarmetrics", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return call


@pytest.fixture
def tracings(tmp_path: Path) -> Path:
    """Two small photographs of dark spots, traced."""
    folder = tmp_path / "tracings"
    folder.mkdir()
    y, x = np.mgrid[:70, :70]
    for name, seed in (("P1", 1), ("P2", 2)):
        rng = np.random.default_rng(seed)
        spots = rng.uniform(10, 60, (5, 2))
        depth = sum(0.4 * np.exp(-((x - a) ** 2 + (y - b) ** 2) / 18) for a, b in spots)
        skin = np.array([200, 160, 140]) * np.exp(
            -depth[..., None] + rng.normal(0, 0.02, (70, 70, 1))
        )
        imsave(folder / f"{name}.png", np.clip(skin, 0, 255).astype(np.uint8), check_contrast=False)
        ellipses = [[float(a), float(b), 3.5, 3.5, 0] for a, b in spots]
        (folder / f"{name}.ellipses.json").write_text(json.dumps(ellipses), encoding="utf-8")
    return folder


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
    }


def test_a_model_is_taught_and_its_figures_are_shown(shell, tracings, tmp_path):
    before = contents(tracings)
    out = tmp_path / "clinic.npz"
    code, printed, _ = shell("train", tracings, "--out", out, "--mm-per-px", "0.2")
    assert code == 0
    for word in ("P1", "P2", "all of them", "F1", "Dice", "area ratio", "method: clinic.npz"):
        assert word in printed
    assert contents(tracings) == before
    about = load_model(out).about
    assert about["photographs"] == 2
    assert about["scars"] == 10
    assert len(about["tested"]["photographs"]) == 2
    assert "P1" not in json.dumps(about)
    assert str(tmp_path) not in json.dumps(about)
    code, _, problem = shell("train", tracings, "--out", out, "--mm-per-px", "0.2")
    assert code == 2
    assert "--force" in problem


def test_wrong_use_is_said_before_anything_is_taught(shell, tracings, tmp_path):
    out = tmp_path / "clinic.npz"
    plain = tmp_path / "plain.txt"
    plain.touch()
    wrong = {
        "has no scale": ("train", tracings, "--out", out),
        "positive number": ("train", tracings, "--out", out, "--mm-per-px", "-1"),
        "end in .npz": ("train", tracings, "--out", tmp_path / "m.bin", "--mm-per-px", "0.2"),
        "folder of tracings": (
            "train", tracings, "--out", tracings / "m.npz", "--mm-per-px", "0.2",
        ),
        "cannot be written": (
            "train", tracings, "--out", plain / "m.npz", "--mm-per-px", "0.2",
        ),
        "not a folder": ("train", tmp_path / "absent", "--out", out, "--mm-per-px", "0.2"),
    }  # fmt: skip
    for words, arguments in wrong.items():
        code, _, problem = shell(*arguments)
        assert code == 2
        assert words in problem
    assert not out.exists()


def test_help_shows_an_example(shell):
    code, printed, _ = shell("train", "--help")
    assert code == 0
    assert "scarmetrics train tracings" in printed
