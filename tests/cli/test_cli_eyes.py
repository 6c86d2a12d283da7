"""Whether eyes are covered, from the command line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scarmetrics.cli import main
from scarmetrics.config import OverlayConfig
from scarmetrics.errors import UsageError
from scarmetrics.runner import Study


@pytest.mark.parametrize(
    ("option", "hidden"), [("--hide-eyes", True), ("--show-eyes", False), (None, True)]
)
def test_eyes_are_hidden_or_shown_as_the_command_says_and_else_as_the_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, option: str | None, hidden: bool
) -> None:
    used = []

    def stopped(study: Study, *_: object, **__: object) -> None:
        used.append(study.config.overlay)
        raise UsageError("stopped", "go on")

    monkeypatch.setattr(Study, "run", stopped)
    config = tmp_path / "study.yaml"
    config.write_text("overlay: {hide_eyes: true, max_side_px: 300}\n", encoding="utf-8")
    arguments = ["run", tmp_path, "--out", tmp_path / "out", "--config", config]
    given = ["scarmetrics", *map(str, arguments), *([option] if option else [])]
    monkeypatch.setattr(sys, "argv", given)
    with pytest.raises(SystemExit):
        main()
    assert used == [OverlayConfig(hide_eyes=hidden, max_side_px=300)]
