"""Configs that are wrong: refused with file, place and remedy, before anything is measured."""

from __future__ import annotations

import codecs
import os
from pathlib import Path

import pytest

import scarmetrics as sm
from scarmetrics.cli import main
from scarmetrics.errors import ConfigError, ExitCode


def laughs(levels: int, line: str) -> bytes:
    """Ten references to the line before, on each line: ten to the power of `levels`."""
    lines = ["l0: &l0 {k: v}"]
    for level in range(1, levels):
        lines.append(line.format(level, ", ".join([f"*l{level - 1}"] * 10)))
    return "\n".join(lines).encode()


WRONG: dict[str, tuple[bytes, str]] = {
    "an unknown key": (b"ingest:\n  pattern: [a]\n", "line 2, column 3: ingest.pattern: unknown"),
    "an unknown section": (b"inputs: {}\n", "line 1, column 1: inputs: unknown key"),
    "a key of another section": (b"max_megapixels: 3\n", "did you mean 'ingest.max_megapixels'"),
    "text for a number": (b"ingest: {max_megapixels: many}", "ingest.max_megapixels"),
    "a list for a number": (b"ingest: {max_megapixels: [200]}", "ingest.max_megapixels"),
    "yes for a number": (b"ingest: {max_megapixels: yes}", "must be a number"),
    "a number for a list": (b"ingest: {patterns: 3}", "must be a list"),
    "text for a list": (b"ingest: {patterns: '{*}'}", "must be a list"),
    "a list for a section": (b"ingest: [a]", "must hold 'key: value' lines"),
    "no megapixels": (b"ingest: {max_megapixels: 0}", "greater than 0"),
    "megapixels below zero": (b"ingest: {max_megapixels: -1}", "greater than 0"),
    "megapixels without end": (b"ingest: {max_megapixels: .inf}", "finite"),
    "a scale that is not a number": (b"scale: {device_mm_per_px: .nan}", "device_mm_per_px"),
    "a tilt out of range": (b"scale: {marker_max_tilt_deg: 89}", "less than or equal to 75"),
    "a key twice": (b"study_id: a\nstudy_id: b\n", "line 2, column 1: the key study_id stands"),
    "a key twice, deep": (b"scale:\n  iris_mm: 1\n  iris_mm: 2\n", "line 3, column 3"),
    "a tab": (b"ingest:\n\tpatterns: []\n", "line 2, column 1"),
    "a bracket that never closes": (b"ingest: {patterns: [a", "line 1"),
    "a colon too many": (b"study_id: a: b", "line 1, column 12"),
    "Latin-1": ("study_id: é".encode("latin-1"), "not UTF-8"),
    "UTF-16": ("study_id: a".encode("utf-16"), "not UTF-8"),
    "a photograph": (b"\xff\xd8\xff\xe0" + bytes(99), "not UTF-8"),
    "NUL": (b"study_id: a\n# b\0c", "line 2: special characters are not allowed"),
    "a list on top": (b"- study_id\n", "holds no 'key: value' lines"),
    "a word on top": (b"study", "holds no 'key: value' lines"),
    "two documents": (b"study_id: a\n---\nstudy_id: b\n", "line 2"),
    "a Python object": (b"study_id: !!python/object/apply:os.system ['id']", "constructor"),
    "an alias of nothing": (b"study_id: *nothing", "line 1"),
    "an alias of itself": (b"ingest: &a {visits: *a}", ""),
    "a billion laughs in lists": (laughs(12, "l{0}: &l{0} [{1}]"), "stand for too much"),
    "a billion laughs merged": (laughs(12, "l{0}: &l{0} {{<<: [{1}]}}"), "stand for too much"),
    "nested a thousand deep": (b"ingest: " + b"[" * 50_000, ""),
    "nested a thousand deep in keys": (b"".join(b" " * n + b"a:\n" for n in range(990)), ""),
    "two megabytes": (b"# " + b"x" * 2_000_000, "too much"),
    "a study that is a path": (b"study_id: ../../etc", "study_id"),
    "a study with an escape": (b'study_id: "\\e[31m"', "study_id"),
    "a manifest elsewhere": (b"ingest: {manifest: ../manifest.csv}", "ingest.manifest"),
    "a visit that is a path": (b"ingest: {visits: {../b: [a], month3: []}}", "part of file names"),
    "a spelling of two visits": (
        b"ingest: {visits: {baseline: [x], month3: [X]}}", "stands for both",
    ),
    "a visit that is not listed": (b"pairing: {follow_up_visit: month6}", "not among"),
    "the same visit twice": (b"pairing: {follow_up_visit: baseline}", "is the same as"),
    "no source of scale": (b"scale: {prefer: []}", "scale.prefer"),
    "an unknown source of scale": (b"scale: {prefer: [guess]}", "scale.prefer"),
    "an unknown method": (b"segmentation: {method: magic}", "segmentation.method"),
}  # fmt: skip


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_config_is_refused_with_its_place_and_a_remedy(
    fault: str, exports: Path, tmp_path: Path
) -> None:
    content, says = WRONG[fault]
    path = tmp_path / "study.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        sm.Study.from_config(path).plan(exports)
    told = str(caught.value)
    assert says in told
    assert "study.yaml" in told
    assert caught.value.remedy
    assert str(tmp_path) not in told
    assert "\x1b" not in told
    assert len(told) < 2000


def missing(path: Path) -> None:
    path.with_name("other").write_bytes(b"")


def loop(path: Path) -> None:
    path.symlink_to(path.name)


def below_a_file(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_bytes(b"")


PLACES = {"missing": missing, "a folder": Path.mkdir, "a pipe": os.mkfifo, "a loop": loop,
          "below a file": below_a_file}  # fmt: skip


@pytest.mark.parametrize("fault", PLACES)
def test_a_config_that_is_no_file_is_refused_at_once(
    fault: str, exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    path = tmp_path / "configs/study.yaml"
    path.parent.mkdir()
    PLACES[fault](path)
    with pytest.raises(ConfigError, match=r"study\.yaml cannot be read"):
        sm.Study.from_config(path)
    monkeypatch.setattr("sys.argv", ["scarmetrics", "check", str(exports), "-c", str(path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == ExitCode.USAGE
    assert "study.yaml" in capsys.readouterr().err


FINE = {
    "empty": b"",
    "with a mark of UTF-8": codecs.BOM_UTF8 + b"study_id: a",
    "with the line ends of Windows": b"study_id: a\r\ningest:\r\n  light: null\r\n",
    "with an alias": b"ingest:\n  visits:\n    baseline: &v [a]\n    month3: [b]\nstudy_id: a\n",
    "with Persian words": "ingest: {visits: {baseline: [قبل], month3: [بعد]}}".encode(),
}


@pytest.mark.parametrize("kind", FINE)
def test_an_odd_config_is_read(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes(FINE[kind])
    config = sm.Study.from_config(path).config
    assert config.ingest.max_megapixels == 200
