"""One run on one OUT: what is finished is taken over, the rest is measured, everything is kept."""

from __future__ import annotations

import datetime as dt
import signal
import threading
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from scarmetrics.errors import UsageError
from scarmetrics.report import write_report
from scarmetrics.runner.finish import Finish, RunSummary
from scarmetrics.runner.identity import basis
from scarmetrics.runner.jobs import HalfOutcome, PairJob, pair_jobs
from scarmetrics.runner.output import begin, is_locked
from scarmetrics.runner.records import Half, finished, keep, record_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from scarmetrics.config import StudyConfig
    from scarmetrics.models import StudyPlan
    from scarmetrics.runner.jobs import Outcomes
    from scarmetrics.runner.pool import Ended


@dataclass(frozen=True)
class Progress:
    """One step of a run, for whoever shows progress.

    Attributes
    ----------
    done, total : int
        Halves finished, and halves in all.
    subject_id : str
        Whose halves just ended; empty at the start.
    measured, failed : int
        Halves measured and failed so far, of those that are done.
    resumed : int
        Of those that are done, how many an earlier run had finished.
    """

    done: int
    total: int
    subject_id: str
    measured: int
    failed: int
    resumed: int = 0


@dataclass(frozen=True)
class Means:
    """What a run may use.

    Attributes
    ----------
    workers : int
        Processes.
    isolate : bool
        Measure in processes of their own even if it is one only.
    scheduler : str or None
        Address of a Dask scheduler that has the processes instead.
    force : bool
        Measure again what is finished.
    """

    workers: int = 1
    isolate: bool = False
    scheduler: str | None = None
    force: bool = False


class Batch:
    """One run.

    Parameters
    ----------
    config : StudyConfig
        Parameters.
    plan : StudyPlan
        What to measure.
    out : pathlib.Path
        OUT, which no other run is using.
    means : Means
        What it may use.
    """

    def __init__(self, config: StudyConfig, plan: StudyPlan, out: Path, means: Means) -> None:
        self.config, self.plan, self.out, self.means = config, plan, out, means
        self.basis = basis(config)
        self.jobs = pair_jobs(plan.halves)
        self.done: dict[Half, HalfOutcome] = {}
        self.resumed = 0

    def run(self, listener: Callable[[Progress], None] | None) -> RunSummary:
        """Measure what is missing and write every output.

        Raises
        ------
        UsageError
            Before anything is measured, if OUT holds a locked measurement that would change.
        """
        started = dt.datetime.now(dt.UTC)
        if not self.means.force:
            self.done = finished(self.jobs, self.out, self.basis)
        self.resumed = len(self.done)
        if is_locked(self.out) and not self.means.force:
            unchanged = self._finish().unchanged()
            if unchanged is None:
                raise _locked(self.out)
            _Reporter(self, listener)
            return unchanged
        missing = self._missing()
        with self._crew([job for _, job in missing]) as run_jobs:
            begin(self.out, self.plan.halves, self._finished_names())
            interrupted = self._measure(missing, run_jobs, _Reporter(self, listener))
        summary = self._finish().write(started, interrupted=interrupted)
        write_report(self.out)
        return summary

    def _measure(
        self,
        missing: Sequence[tuple[int, PairJob]],
        run_jobs: Callable[[Ended], None],
        report: _Reporter,
    ) -> bool:
        """Measure what is missing; whether it was interrupted."""

        def ended(index: int, outcomes: Outcomes) -> None:
            where, job = missing[index]
            with _interrupts_held():  # what is in the tables has its record
                for outcome in outcomes:
                    kept = keep(self.out, self.basis, job, outcome)
                    self.done[where, outcome.side] = kept
            report.ended(job.subject_id, outcomes)

        try:
            run_jobs(ended)
        except KeyboardInterrupt:
            return True
        return False

    @contextmanager
    def _crew(self, jobs: Sequence[PairJob]) -> Iterator[Callable[[Ended], None]]:
        """Whoever measures the jobs, ready for it."""
        from scarmetrics.runner import pool

        means, config, out = self.means, self.config, self.out
        if means.scheduler is not None and jobs:
            from scarmetrics.runner.cluster import cluster_crew

            with cluster_crew(jobs, config, out, means.scheduler) as run:
                yield run
        elif means.workers > 1 or means.isolate:
            yield lambda ended: pool.run_jobs(jobs, config, out, means.workers, ended)
        else:
            yield lambda ended: pool.run_here(jobs, config, out, ended)

    def _missing(self) -> list[tuple[int, PairJob]]:
        """Jobs with the sides that are not finished, and their place in the plan."""
        missing = []
        for index, job in enumerate(self.jobs):
            sides = tuple(side for side in job.sides if (index, side) not in self.done)
            if sides:
                missing.append((index, replace(job, sides=sides)))
        return missing

    def _finish(self) -> Finish:
        outcomes = [
            (job, self.done[index, side])
            for index, job in enumerate(self.jobs)
            for side in job.sides
            if (index, side) in self.done
        ]
        return Finish(self.config, self.plan, self.out, outcomes, self.resumed)

    def _finished_names(self) -> list[str]:
        """Files of finished halves, below OUT."""
        names: list[str] = []
        for (index, side), outcome in self.done.items():
            names += [record_name(self.jobs[index].subject_id, side), *outcome.files]
        return names


class _Reporter:
    """Counts halves as jobs end and tells whoever listens."""

    def __init__(self, batch: Batch, listener: Callable[[Progress], None] | None) -> None:
        self.total = len(batch.plan.halves)
        self.resumed = len(batch.done)
        self.listener = listener
        self.counts: defaultdict[str, int] = defaultdict(int)
        self._count(tuple(batch.done.values()))
        self._tell("")

    def ended(self, subject_id: str, outcomes: Outcomes) -> None:
        """Count a job's halves."""
        self._count(outcomes)
        self._tell(subject_id)

    def _count(self, outcomes: Outcomes) -> None:
        self.counts["done"] += len(outcomes)
        self.counts["measured"] += sum(len(outcome.changes) for outcome in outcomes)
        self.counts["failed"] += sum(len(outcome.failures) for outcome in outcomes)

    def _tell(self, subject_id: str) -> None:
        if self.listener:
            self.listener(
                Progress(
                    done=self.counts["done"],
                    total=self.total,
                    subject_id=subject_id,
                    measured=self.counts["measured"],
                    failed=self.counts["failed"],
                    resumed=self.resumed,
                )
            )


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let Ctrl-C and requests to end wait until a step is whole."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pending: list[int] = []
    before: dict[int, Any] = {}
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and callable(signal.getsignal(number)):
            before[number] = signal.signal(number, lambda which, _: pending.append(which))
    try:
        yield
    finally:
        for held, handler in before.items():
            signal.signal(held, handler)
    if pending:
        signal.raise_signal(pending[0])


def _locked(out: Path) -> UsageError:
    return UsageError(
        f"{out.name} holds a locked measurement, and this run would give another one: photographs, "
        "manifest, settings or versions differ, or files are missing",
        "name a new --out, or use --force to measure again; the lock will then no longer hold",
    )
