"""lock and link on the command line, and a simulated study from photographs to linked tables."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pandas as pd
import pytest
from made_trial import Made, area, write_allocation

import scarmetrics as sm
from scarmetrics.cli import main
from scarmetrics.phantom import make_demo_study


class Shell:
    """Calls the command line in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        self._monkeypatch.setattr(sys, "argv", ["scarmetrics", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = self._capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(monkeypatch, capsys)


@pytest.mark.parametrize("command", ["lock", "link"])
def test_help_shows_an_example(shell: Shell, command: str) -> None:
    code, out, _ = shell(command, "--help")
    assert code == 0
    assert f"Example:  scarmetrics {command}" in out


def test_lock_prints_the_digest_and_check_writes_nothing(shell: Shell, made: Made) -> None:
    out = made.write()
    code, _, err = shell("lock", out, "--check")
    assert code == 2
    assert "not locked" in err
    assert not (out / "locks").exists()
    code, said, _ = shell("lock", out)
    assert code == 0
    assert "locks/lock-0001.json" in said
    assert sm.check_lock(out).digest in said
    for arguments in (("lock", out), ("lock", out, "--check")):
        code, said, _ = shell(*arguments)
        assert code == 0
        assert "unchanged since lock 1" in said
    assert shell("lock", out, "--quiet")[:2] == (0, "")
    (out / "changes.csv").write_text("x", encoding="utf-8")
    code, _, err = shell("lock", out, "--check")
    assert code == 2
    assert "changed: changes.csv" in err
    assert "Traceback" not in err


def test_link_prints_balance_and_flow(shell: Shell, locked: Path, allocation: Path) -> None:
    code, said, err = shell("link", locked, "--allocation", allocation)
    assert (code, err) == (0, "")
    for word in ("Randomisation", "Trial flow", "microneedling", "adsc_cm", "pooled", "linked:"):
        assert word in said
    assert (locked / "linked/halves.csv").is_file()
    code, said, _ = shell("link", locked, "-a", allocation)
    assert code == 0
    assert "linked before, unchanged" in said
    assert shell("link", locked, "-a", allocation, "--quiet")[:2] == (0, "")


def test_link_compares_and_says_so_in_the_page(
    shell: Shell, locked: Path, allocation: Path, tmp_path: Path
) -> None:
    repeats = tmp_path / "repeats.csv"
    rows = [f"{s},left,{r},{100 + 20 * s + 3 * r}" for s in range(4) for r in (1, 2)]
    repeats.write_text("\n".join(["subject_id,side,repeat,area_mm2", *rows]), encoding="utf-8")
    assert shell("repeatability", repeats, "--out", tmp_path / "repeats")[0] == 0
    code, said, err = shell("link", locked, "-a", allocation)
    assert (code, err) == (0, "")
    assert "ADSC-CM less saline" in said
    folder = locked / "linked"
    assert "report.html" in said
    analysis = json.loads((folder / "analysis.json").read_text(encoding="utf-8"))["analysis"]
    primary = next(c for c in analysis["comparisons"] if c["role"] == "primary")
    # made_trial: active halves of P01 (left) and P02 (right)
    change = {(s, side): area(s, side, "month3") - area(s, side, "baseline")
              for s in ("P01", "P02") for side in ("left", "right")}  # fmt: skip
    differences = [
        change["P01", "left"] - change["P01", "right"],
        change["P02", "right"] - change["P02", "left"],
    ]
    assert primary["paired_t"]["mean"] == pytest.approx(sum(differences) / 2)
    assert analysis["flow_given"]["definitions"]["why"] == "reasons, with how often each applies"
    assert analysis["repeatability"] is None
    assert sm.read_linked(locked).sources.keys() == {"allocation"}
    for given in (repeats, tmp_path / "repeats/repeatability.json"):
        assert shell("link", locked, "-a", allocation, "--repeatability", given)[0] == 0
        analysis = json.loads((folder / "analysis.json").read_text(encoding="utf-8"))["analysis"]
        assert analysis["repeatability"]["n_halves"] == 4
        assert "repeatability" in sm.read_linked(locked).sources
    (folder / "report.html").write_text("<p>better</p>", encoding="utf-8")
    with pytest.raises(sm.ScarmetricsError, match=r"linked/report\.html"):
        sm.read_linked(locked)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"repeatability": {"icc": 1}}'])
def test_a_file_without_repeatability_is_refused_before_anything_is_written(
    shell: Shell, locked: Path, allocation: Path, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "repeatability.json"
    file.write_text(content, encoding="utf-8")
    code, _, err = shell("link", locked, "-a", allocation, "--repeatability", file)
    assert code == 2
    assert "repeatability.json does not hold" in err
    assert not (locked / "linked").exists()


def test_no_patient_with_both_halves_still_gives_a_page(
    shell: Shell, made: Made, allocation: Path
) -> None:
    for subject in ("P01", "P02"):
        made.lose(subject, "left", "face_not_found")
    out = made.write()
    assert shell("lock", out)[0] == 0
    code, _, err = shell("link", out, "-a", allocation)
    assert (code, err) == (0, "")
    page = (out / "linked/report.html").read_text(encoding="utf-8")
    assert "No result" in page
    assert "because of face_not_found" in page


def test_link_refuses_an_unlocked_measurement(shell: Shell, made: Made, allocation: Path) -> None:
    code, _, err = shell("link", made.write(), "--allocation", allocation)
    assert code == 2
    assert "scarmetrics lock" in err


def test_link_lists_everything_that_is_wrong_and_writes_nothing(
    shell: Shell, locked: Path, tmp_path: Path
) -> None:
    listed = write_allocation(
        tmp_path / "list.csv",
        "P01,co2_laser,adsc_cm,adsc_cm",
        "P02,co2_laser,botox,saline",
        "P02,microneedling,saline,adsc_cm",
        "P09,microneedling,saline,adsc_cm",
        header="subject_id,procedure,left,right",
    )
    code, out, err = shell("link", locked, "--allocation", listed)
    assert (code, out) == (2, "")
    assert err.startswith("error: 4 problems\n")
    for line in (2, 3, 4, 5):
        assert f"list.csv, line {line}" in err
    assert "--accept-incomplete" in err
    assert str(tmp_path) not in err
    assert not (locked / "linked").exists()


def test_link_accepts_what_is_missing_when_told_to(
    shell: Shell, locked: Path, tmp_path: Path
) -> None:
    listed = write_allocation(tmp_path / "list.csv", "P01,mn,left", "P02,mn,left", "P09,mn,left")
    assert shell("link", locked, "-a", listed)[0] == 2
    code, said, _ = shell("link", locked, "-a", listed, "--accept-incomplete")
    assert code == 0
    assert "accepted: list.csv, line 4" in said
    assert "no_images" in said


def test_link_takes_words_from_another_config(shell: Shell, locked: Path, tmp_path: Path) -> None:
    header = "subject_id,procedure,left,right"
    listed = write_allocation(tmp_path / "list.csv", "P01,mn,B,A", "P02,mn,A,B", header=header)
    config = tmp_path / "words.yaml"
    config.write_text("trial: {treatments: {adsc_cm: [A], saline: [B]}}\n", encoding="utf-8")
    assert shell("link", locked, "-a", listed)[0] == 2
    assert shell("link", locked, "-a", listed, "--config", config)[0] == 0


def test_a_simulated_study_from_photographs_to_linked_tables(shell: Shell, tmp_path: Path) -> None:
    study = make_demo_study(tmp_path / "study", n_subjects=2, mm_per_px=0.3)
    out = tmp_path / "out"
    assert shell("run", study.exports, "--out", out, "--quiet")[0] == 0
    with study.truth.open(encoding="utf-8", newline="") as file:
        truth = list(csv.DictReader(file))
    active = {r["subject_id"]: r["side"] for r in truth if r["treatment"] == "adsc_cm"}
    procedures = {r["subject_id"]: r["procedure"] for r in truth}
    listed, answers = study.allocation, study.questionnaires
    with listed.open(encoding="utf-8", newline="") as file:
        assert {r["subject_id"]: (r["procedure"], r["treated_side"])
                for r in csv.DictReader(file)} == {
            s: (procedures[s], active[s]) for s in study.subjects
        }  # fmt: skip
    assert shell("lock", out)[0] == 0
    arguments = ("link", out, "--allocation", listed, "--questionnaires", answers)
    assert shell(*arguments)[0] == 0

    linked = sm.read_linked(out)
    assert len(linked.halves) == 2 * 2 * 3
    assert linked.halves["reason"].isna().all()
    areas = linked.halves[linked.halves["visit"] != "change"]
    true = {(r["subject_id"], r["side"], r["visit"]): r for r in truth}
    for row in areas.to_dict("records"):
        right = true[row["subject_id"], row["side"], row["visit"]]
        assert row["treatment"] == right["treatment"]
        assert row["procedure"] == right["procedure"]
    # the demo's active halves shrink more, in each patient
    changes = linked.halves[linked.halves["visit"] == "change"]
    per_patient = changes.pivot_table(index="subject_id", columns="treatment", values="change_pct")
    assert (per_patient["adsc_cm"] < per_patient["saline"]).all()
    assert len(linked.questionnaires) == 2 * 2 * (4 * 3 + 2)
    pd.testing.assert_frame_equal(linked.halves, sm.link(out, listed, answers).halves)

    photograph = next(iter((out / "overlays").iterdir()))
    photograph.write_bytes(photograph.read_bytes()[:-1] + b"x")
    code, _, err = shell(*arguments)
    assert code == 2
    assert f"changed: overlays/{photograph.name}" in err


def test_a_follow_up_of_another_name_is_compared_too(shell: Shell, tmp_path: Path) -> None:
    study = make_demo_study(tmp_path / "study", n_subjects=2, mm_per_px=0.3)
    manifest = study.exports / "manifest.csv"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace(",month3,", ",month6,"))
    config = tmp_path / "config.yaml"
    config.write_text(
        "ingest: {visits: {baseline: [], month6: []}}\npairing: {follow_up_visit: month6}\n",
        encoding="utf-8",
    )
    out = tmp_path / "out"
    assert shell("run", study.exports, "--out", out, "--config", config, "--quiet")[0] == 0
    assert shell("lock", out)[0] == 0
    code, _, err = shell("link", out, "-a", study.allocation)
    assert (code, err) == (0, "")
    halves = pd.read_csv(out / "linked/halves.csv")
    assert set(halves["visit"]) == {"baseline", "month6", "change"}
    analysis = json.loads((out / "linked/analysis.json").read_text(encoding="utf-8"))["analysis"]
    primary = next(c for c in analysis["comparisons"] if c["role"] == "primary")
    changes = halves[halves["visit"] == "change"].pivot(
        index="subject_id", columns="treatment", values="change_mm2"
    )
    difference = (changes["adsc_cm"] - changes["saline"]).mean()
    assert primary["paired_t"]["mean"] == pytest.approx(difference)
    assert analysis["flow"][0]["halves_month3"] == 4
