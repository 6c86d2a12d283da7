"""Files that are broken, gone, or no files: each costs its own half, and says so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from broken import FILES, Fault
from faulty import Measured, check

from scarmetrics import safe_read
from scarmetrics.errors import ExitCode, PhotographError
from scarmetrics.ingest import decode_photograph


@pytest.mark.parametrize("fault", FILES, ids=lambda fault: fault.name)
def test_a_broken_file_is_listed_with_its_reason_and_remedy(
    fault: Fault, measured: Measured
) -> None:
    check(fault, measured)


def test_the_good_subject_has_the_numbers_it_has_alone(measured: Measured, alone: Measured) -> None:
    assert measured.summary.exit_code == ExitCode.SOME_FAILED
    assert alone.summary.exit_code == ExitCode.OK
    for table in ("measurements", "changes", "scars", "regions"):
        assert measured.rows(table) == alone.rows(table) != []
    for picture in sorted(p.relative_to(alone.out) for p in alone.out.glob("*/*.png")):
        assert (measured.out / picture).read_bytes() == (alone.out / picture).read_bytes()


def test_no_half_is_lost(measured: Measured) -> None:
    told = {(r["subject_id"], r["side"]) for t in ("changes", "failures") for r in measured.rows(t)}
    assert measured.planned <= told
    assert all(row["remedy"] and row["reason"] for row in measured.rows("failures"))
    assert not [r for r in measured.rows("failures") if r["reason_code"] == "internal_error"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(exports: Path) -> None:
    path = exports / "P01/baseline_frontal.jpg"
    path.chmod(0)
    with pytest.raises(PhotographError) as caught:
        decode_photograph(path)
    assert caught.value.reason_code == "file_unreadable"


@pytest.mark.parametrize("change", ["longer", "shorter", "other bytes"])
def test_a_file_that_changes_while_it_is_read_is_not_used(
    change: str, exports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = exports / "P01/baseline_frontal.jpg"
    data = path.read_bytes()
    checks = []

    def meddle(status: os.stat_result, max_bytes: int) -> None:
        checks.append(status)
        if len(checks) == 2:  # opened and not yet read
            {
                "longer": lambda: path.write_bytes(data + data),
                "shorter": lambda: os.truncate(path, len(data) // 2),
                "other bytes": lambda: (
                    path.write_bytes(bytes(len(data))),
                    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1)),
                ),
            }[change]()

    monkeypatch.setattr(safe_read, "_check", meddle)
    with pytest.raises(PhotographError, match="changed while it was read") as caught:
        decode_photograph(path)
    assert caught.value.reason_code == "file_unreadable"
