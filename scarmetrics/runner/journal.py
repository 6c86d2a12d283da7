"""What a run writes down while it goes on: the history for checks, a log for people."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import scarmetrics
from scarmetrics.errors import ScarmetricsError
from scarmetrics.provenance import sha256_of, sha256_of_json
from scarmetrics.runner.audit import AUDIT_FILE, append, read_chain
from scarmetrics.runner.disk import check_out_is_there, reason, writing
from scarmetrics.runner.output import LOG_FILE, RUN_FILE
from scarmetrics.runner.progress import ended_half

if TYPE_CHECKING:
    from pathlib import Path

    from scarmetrics.config import StudyConfig
    from scarmetrics.models import StudyPlan
    from scarmetrics.runner.finish import RunSummary
    from scarmetrics.runner.jobs import PairJob
    from scarmetrics.runner.records import Kept


class Journal:
    """The history and the log of one run.

    A history that cannot be written stops the run, since results without it cannot be vouched for;
    a log that cannot be written does not.

    Parameters
    ----------
    out : pathlib.Path
        OUT.
    earlier : mapping or None
        What the earlier run in OUT said of itself.
    """

    def __init__(self, out: Path, earlier: dict[str, Any] | None) -> None:
        self.out = out
        self.earlier = earlier or {}
        self.log = RunLog(out)

    def started(self, config: StudyConfig, plan: StudyPlan, *, resumed: int, forced: bool) -> None:
        """A run begins in OUT, which is ready for it."""
        facts: dict[str, Any] = {
            "version": scarmetrics.__version__,
            "config_sha256": sha256_of_json(config.recorded()),
            "photographs": len(plan.records),
            "photographs_sha256": sha256_of_json([r.path_relative for r in plan.records]),
            "halves": len(plan.halves),
            "resumed": resumed,
            "forced": forced,
            "earlier_run": self.earlier.get("state", "none"),
        }
        if self.earlier.get("history") and not (self.out / AUDIT_FILE).exists():
            facts["history"] = "the file of the earlier run is missing"
        with writing(self.out):
            append(self.out, "run_started", **facts)
        again = ", all are measured again" if forced else ""
        self.log.line(
            f"started: scarmetrics {scarmetrics.__version__}, {len(plan.halves)} halves of "
            f"{len(plan.records)} photographs, {resumed} finished by an earlier run{again}"
        )

    def half(self, job: PairJob, kept: Kept, *, again: bool) -> None:
        """A half ended and its record, where it has one, is written."""
        outcome = kept.outcome
        code = ended_half(outcome).reason_code
        facts: dict[str, Any] = {
            "subject_id": job.subject_id,
            "side": outcome.side,
            "outcome": "failed" if code else "measured",
        }
        if code:
            facts["reason_code"] = code
        if again:
            facts["again"] = True
        facts |= {"key": kept.key, "record_sha256": kept.sha256}
        facts["photographs"] = dict(outcome.photographs)
        with writing(self.out):
            append(self.out, "half", create=False, **facts)
        told = f"failed, {code}: {outcome.failures[0].reason}" if code else "measured"
        self.log.line(f"{job.subject_id} {outcome.side} {told}")

    def history(self) -> dict[str, Any]:
        """Where the chain is, for run.json."""
        with writing(self.out):
            chain = read_chain(self.out)
        return {"lines": len(chain.hashes), "head": chain.head}

    def ended(self, summary: RunSummary) -> None:
        """The run is over and run.json is written."""
        state = "interrupted" if summary.interrupted else "finished"
        with writing(self.out):
            append(
                self.out,
                f"run_{state}",
                create=False,
                halves_measured=summary.halves_measured,
                halves_failed=summary.halves_failed,
                halves_resumed=summary.halves_resumed,
                run_sha256=sha256_of(self.out / RUN_FILE),
            )
        self.log.line(
            f"{state}: {summary.halves_measured} halves measured, {summary.halves_failed} failed"
        )

    def stopped(self, error: ScarmetricsError) -> None:
        """An error ended the run; written down as far as that is possible."""
        with suppress(OSError, ScarmetricsError):
            check_out_is_there(self.out, self.out / RUN_FILE)
            append(self.out, "run_stopped", create=False, error=error.message)
        self.log.line(f"stopped: {' '.join(str(error).split())}")


class RunLog:
    """``run.log``: a line with its time for each event.

    Parameters
    ----------
    out : pathlib.Path
        OUT.

    Attributes
    ----------
    problem : str
        Why a line could not be written; empty if all were.
    """

    def __init__(self, out: Path) -> None:
        self.path = out / LOG_FILE
        self.problem = ""

    def line(self, text: str) -> None:
        """Add a line, or remember why it cannot be added; never raises."""
        now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        try:
            if not self.path.parent.is_dir():
                return  # the run is about to say so itself
            with self.path.open("ab", buffering=0) as file:
                file.write(f"{now} {text}\n".encode("utf-8", "backslashreplace"))
        except OSError as error:
            self.problem = f"{LOG_FILE} cannot be written ({reason(error)})"
