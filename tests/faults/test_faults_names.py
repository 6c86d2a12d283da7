"""Names of files and folders as people, other systems and attackers make them."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest
from faulty import AFTER, BEFORE, CONFIG, HEADER

import scarmetrics as sm
from scarmetrics.cli.check import check_study
from scarmetrics.errors import REASONS, ExitCode, ManifestError
from scarmetrics.ingest.walk import IMAGE_SUFFIXES
from scarmetrics.models import StudyPlan


def plan(folder: Path) -> StudyPlan:
    return sm.Study(CONFIG).plan(folder)


def put(folder: Path, name: bytes | str) -> None:
    path = os.path.join(os.fsencode(folder), os.fsencode(name))  # noqa: PTH118 - bytes
    os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(b"not decoded here")


# The folder of a study read by patterns: what is at fault, its reason, what is shown of it.
HOSTILE: dict[str, tuple[bytes, str, str]] = {
    "a line break": (b"P02/pre\n/left.jpg", "pattern_unmatched", "P02/pre\\n/left.jpg"),
    "a carriage return": (b"P02/pre/le\rft.jpg", "pattern_unmatched", "P02/pre/le\\rft.jpg"),
    "a tab": (b"P02/pre/le\tft.jpg", "pattern_unmatched", "P02/pre/le\\tft.jpg"),
    "a bell": (b"P02/pre/\x07left.jpg", "pattern_unmatched", "P02/pre/\\x07left.jpg"),
    "an escape": (b"P02/pre/\x1b[2Jleft.jpg", "pattern_unmatched", "P02/pre/\\x1b[2Jleft.jpg"),
    "an escape in the folder": (b"P\x1b[31m/pre/left.jpg", "pattern_unmatched", "P\\x1b[31m/pre"),
    "an escape of eight bits": ("P02/pre/\x9b2Jleft.jpg".encode(), "pattern_unmatched", "\\x9b2J"),
    "a direction turned round": (
        "P02/pre/\u202egpj.left.jpg".encode(), "pattern_unmatched", "\\u202egpj.left.jpg",
    ),
    "an isolated direction": ("P02/pre/\u2067left.jpg".encode(), "pattern_unmatched", "\\u2067"),
    "a line separator": ("P02/pre/\u2028left.jpg".encode(), "pattern_unmatched", "\\u2028"),
    "bytes that are no UTF-8": (b"P02/pre/le\xff\xfeft.jpg", "pattern_unmatched", "P02/pre/le"),
    "a folder that is no UTF-8": (b"P\xe902/pre/left.jpg", "pattern_unmatched", "P\ufffd02/pre"),
    "half of a letter": (b"P02/pre/left\xd8.jpg", "pattern_unmatched", "left\ufffd.jpg"),
    "255 bytes": (b"P02/pre/" + b"l" * 251 + b".jpg", "unknown_alias", "P02/pre/lll"),
    "255 bytes of Persian": (
        ("P02/pre/" + "چ" * 125 + ".jpg").encode(), "unknown_alias", "چچچچ",
    ),
    "quotes": (b"P02'\"/pre/left.jpg", "invalid_subject_id", "P02'\"/pre/left.jpg"),
    "a space": (b"P 02/pre/left.jpg", "invalid_subject_id", "P 02"),
    "only spaces": (b"   /pre/left.jpg", "invalid_subject_id", "   /pre"),
    "a leading dash": (b"--out=x/pre/left.jpg", "invalid_subject_id", "--out=x/pre/left.jpg"),
    "a formula": (b"=cmd|'!A1'/pre/left.jpg", "invalid_subject_id", "=cmd|'!A1'/pre/left.jpg"),
    "a shell's words": (b"$(id);`id`/pre/left.jpg", "invalid_subject_id", "$(id);`id`"),
    "a terminal's markup": (b"[red]P02[/red]_pre_left.jpg", "", "[red]P02[/red]_pre_left.jpg"),
    "braces of a template": (b"{view}/pre/left.jpg", "invalid_subject_id", "{view}/pre"),
    "a percent and its letters": (b"%s%n%d/pre/left.jpg", "invalid_subject_id", "%s%n%d"),
    "an emoji": ("P😀/pre/left.jpg".encode(), "invalid_subject_id", "P😀"),
    "a backslash": (b"P\\02/pre/left.jpg", "invalid_subject_id", "P\\02/pre"),
    "a colon": (b"C:/pre/left.jpg", "invalid_subject_id", "C:/pre/left.jpg"),
    "a trailing space": (b"P02/pre/left .jpg", "", "P02/pre/left .jpg"),
    "two dots in a row": (b"P02/pre..x/left.jpg", "unknown_alias", "pre..x"),
}  # fmt: skip


@pytest.mark.parametrize("fault", HOSTILE)
def test_a_hostile_name_is_told_in_plain_text_and_costs_only_itself(
    fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, reason_code, shown = HOSTILE[fault]
    for good in ("P01/pre/left.jpg", "P01/post/left.jpg"):
        put(tmp_path, good)
    put(tmp_path, name)
    study = plan(tmp_path)
    assert [(half.subject_id, half.side) for half in study.halves] == [("P01", "left")]
    assert len(study.failures) == 1
    (failure,) = study.failures
    assert failure.reason_code == reason_code or not reason_code
    assert shown in failure.path_relative
    assert failure.remedy
    assert check_study(tmp_path, None, quiet=False) == ExitCode.SOME_FAILED
    for text in (capsys.readouterr().out.replace("\n", ""), failure.path_relative, failure.reason):
        text.encode("utf-8")  # no halves of letters
        assert {unicodedata.category(c) for c in text} & {"Cc", "Cs", "Zl", "Zp"} == set()
        assert not {"\u202e", "\u2067"} & set(text)


ODD = {
    "composed": ("P01/قبل/آ/left.jpg", ""),
    "Persian": ("بیمار۱/قبل/چپ.jpg", "بیمار1"),
    "a joiner that Persian needs": ("P01/pre/left\u200c.jpg", ""),
    "a narrow space as macOS writes it": ("P01/pre/left\u202f.jpg", ""),
    "capitals": ("P01/PRE/LEFT.JPG", "P01"),
    "decomposed": (unicodedata.normalize("NFD", "é1") + "/pre/left.jpg", "é1"),
    "dots": ("P.01/pre/left.jpg", "P.01"),
    "64 letters": ("P" * 64 + "/pre/left.jpg", "P" * 64),
}


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_name_is_read_or_told(kind: str, tmp_path: Path) -> None:
    name, subject = ODD[kind]
    put(tmp_path, name)
    study = plan(tmp_path)
    if subject:
        (record,) = study.records
        assert record.subject_id == subject
        assert record.path.read_bytes() == b"not decoded here"
    else:
        listed = {f.path_relative for f in study.failures} | {
            r.path_relative for r in study.records
        }
        assert name in listed


@pytest.mark.parametrize(
    "name", ["left 😀.jpg", "a'b\"c,d;e.jpg", "-left.jpg", "=left.jpg", "left\u200c\u200f.jpg",
             "[bold]left.jpg", "l" * 251 + ".jpg", " left .jpg"],
)  # fmt: skip
def test_a_manifest_can_name_any_visible_name(name: str, exports: Path) -> None:
    (exports / "P01/baseline_frontal.jpg").rename(exports / "P01" / name)
    quoted = '"P01/' + name.replace('"', '""') + '"'
    text = HEADER + BEFORE.replace("P01/baseline_frontal.jpg", quoted) + AFTER
    (exports / "manifest.csv").write_text(text, encoding="utf-8")
    study = plan(exports)
    assert not study.failures
    assert study.halves[0].baseline.path_relative == f"P01/{name}"


def test_names_that_differ_in_their_composition_are_not_confused(exports: Path) -> None:
    """Two files whose names look the same and of which a manifest can name only one."""
    composed, decomposed = (unicodedata.normalize(form, "é.jpg") for form in ("NFC", "NFD"))
    (exports / composed).write_bytes(b"one")
    (exports / decomposed).write_bytes(b"two")
    text = HEADER + BEFORE.replace("P01/baseline_frontal.jpg", composed) + AFTER
    (exports / "manifest.csv").write_text(text, encoding="utf-8")
    study = plan(exports)
    assert study.halves[0].baseline.path.read_bytes() == b"one"


# --- links and what is no file, where names are read


def outside(path: Path) -> None:
    secret = path.parents[3] / "outside.jpg"
    secret.write_bytes(b"secret")
    path.symlink_to(secret)


def outside_folder(path: Path) -> None:
    secret = path.parents[3] / "outside"
    secret.mkdir()
    (secret / "left.jpg").write_bytes(b"secret")
    path.parent.rmdir()
    path.parent.symlink_to(secret, target_is_directory=True)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def system_file(path: Path) -> None:
    path.symlink_to("../../../../../../../../../../etc/passwd")


def loop(path: Path) -> None:
    path.symlink_to(path.name)


def pair_of_links(path: Path) -> None:
    path.symlink_to("other.jpg")
    (path.parent / "other.jpg").symlink_to(path.name)


def up_and_down(path: Path) -> None:
    path.parent.rmdir()
    path.parent.symlink_to("..", target_is_directory=True)


LINKS = {
    "a link to a file outside": (outside, "path_outside"),
    "a link to a folder outside": (outside_folder, "path_outside"),
    "a link to a device": (device, "path_outside"),
    "a link to a file of the system": (system_file, "path_outside"),
    "a link to itself": (loop, "file_missing"),
    "two links to each other": (pair_of_links, "file_missing"),
}


@pytest.mark.parametrize("fault", LINKS)
def test_a_link_that_leads_out_or_nowhere_is_listed(fault: str, tmp_path: Path) -> None:
    make, reason_code = LINKS[fault]
    exports = tmp_path / "exports"
    for good in ("P01/pre/left.jpg", "P01/post/left.jpg"):
        put(exports, good)
    (exports / "P02/pre").mkdir(parents=True)
    make(exports / "P02/pre/left.jpg")
    study = plan(exports)
    assert [half.subject_id for half in study.halves] == ["P01"]
    assert {failure.reason_code for failure in study.failures} == {reason_code}
    assert all(f.path_relative.startswith("P02/pre") and f.remedy for f in study.failures)
    assert {record.subject_id for record in study.records} == {"P01"}


def test_a_link_to_the_folder_above_is_not_followed_for_ever(tmp_path: Path) -> None:
    for good in ("P01/pre/left.jpg", "P01/post/left.jpg"):
        put(tmp_path, good)
    (tmp_path / "P02/pre").mkdir(parents=True)
    up_and_down(tmp_path / "P02/pre/left.jpg")
    study = plan(tmp_path)
    assert [half.subject_id for half in study.halves] == ["P01"]
    assert len(study.records) == 2


@pytest.mark.parametrize("suffix", sorted(IMAGE_SUFFIXES))
def test_a_folder_with_the_name_of_a_photograph_is_a_folder(suffix: str, tmp_path: Path) -> None:
    put(tmp_path, f"P01{suffix}/pre/left.jpg")
    (record,) = plan(tmp_path).records
    assert record.path_relative == f"P01{suffix}/pre/left.jpg"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_listed(tmp_path: Path) -> None:
    for good in ("P01/pre/left.jpg", "P01/post/left.jpg", "P02/pre/left.jpg"):
        put(tmp_path, good)
    (tmp_path / "P02").chmod(0)
    try:
        (failure,) = plan(tmp_path).failures
    finally:
        (tmp_path / "P02").chmod(0o700)
    assert (failure.reason_code, failure.path_relative) == ("file_unreadable", "P02")
    assert failure.remedy == REASONS["file_unreadable"].remedy


@pytest.mark.parametrize(
    ("letter", "is_valid"), [("P", True), ("چ", True), ("中", True), ("𐎠", False)]
)
def test_64_letters_are_a_subject_as_long_as_file_names_can_hold_them(
    letter: str, is_valid: bool, exports: Path
) -> None:
    text = (HEADER + BEFORE + AFTER).replace("P01,", letter * 64 + ",")
    (exports / "manifest.csv").write_text(text, encoding="utf-8")
    if is_valid:
        assert {half.subject_id for half in plan(exports).halves} == {letter * 64}
    else:
        with pytest.raises(ManifestError) as caught:
            plan(exports)
        assert {p.reason_code for p in caught.value.problems} == {"invalid_subject_id"}
