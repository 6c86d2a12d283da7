"""Jobs spread over processes; what a crash or a hang costs is the job that caused it."""

from __future__ import annotations

import time
from collections import Counter, deque
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

from scarmetrics.errors import UsageError
from scarmetrics.models import FailedHalf
from scarmetrics.runner.child import START_S, Child, ChildDied, JobRaised, single_threaded, spawn
from scarmetrics.runner.worker import run_job

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from scarmetrics.config import StudyConfig
    from scarmetrics.runner.jobs import Outcomes, PairJob

    Ended = Callable[[int, Outcomes], None]

TRIES = 2
"""How often a job is tried whose process dies, hangs or raises."""

_FAILED_STARTS = 3


def run_here(jobs: Sequence[PairJob], config: StudyConfig, out: Path, ended: Ended) -> None:
    """Run jobs in this process, one after the other; it must not die.

    Parameters
    ----------
    jobs, config, out, ended
        As for `run_jobs`.
    """
    with single_threaded():
        for index, job in enumerate(jobs):
            ended(index, run_job(job, config, out))


def run_jobs(
    jobs: Sequence[PairJob], config: StudyConfig, out: Path, workers: int, ended: Ended
) -> None:
    """Run jobs in processes; each one's index and outcomes are told as it ends.

    Libraries are held to one thread each, so that the order and number of workers do not change a
    byte and workers do not fight for cores.

    Parameters
    ----------
    jobs : sequence of PairJob
        What to measure.
    config : StudyConfig
        Parameters; ``run.timeout_s`` is the longest time for a job.
    out : pathlib.Path
        OUT.
    workers : int
        Processes.
    ended : callable
        Called with a job's position and its outcomes, once for each job unless the run is
        interrupted. A process that dies or hangs costs its job: it is tried once more, and is then
        a failure.

    Raises
    ------
    UsageError
        If no process can be started.
    """
    _Pool(jobs, config, out, ended).run(workers)


class _Seat:
    """A process and the job that it has."""

    def __init__(self) -> None:
        self.child: Child = spawn(run_job)
        self.index: int | None = None
        self.deadline = time.monotonic() + START_S

    @property
    def waited_for(self) -> bool:
        """Whether it owes an answer."""
        return self.index is not None or not self.child.ready


class _Pool:
    """The jobs that are left and the processes that work on them."""

    def __init__(
        self, jobs: Sequence[PairJob], config: StudyConfig, out: Path, ended: Ended
    ) -> None:
        self.jobs, self.config, self.out, self.ended = jobs, config, out, ended
        self.left = deque(range(len(jobs)))
        self.tries: Counter[int] = Counter()
        self.seats: list[_Seat] = []
        self.failed_starts = 0

    def run(self, workers: int) -> None:
        """Work until no job is left."""
        try:
            while self.left or any(seat.index is not None for seat in self.seats):
                self._fill(workers)
                waited = {seat.child.connection: seat for seat in self.seats if seat.waited_for}
                soonest = min(seat.deadline for seat in waited.values())
                for connection in wait(list(waited), max(0.0, soonest - time.monotonic())):
                    self._hear(waited[connection])  # type: ignore[index]
                for seat in [s for s in self.seats if s.waited_for]:
                    if time.monotonic() > seat.deadline:
                        self._lose(seat, FailedHalf("worker_timeout"))
        except KeyboardInterrupt:
            self._collect()
            raise
        finally:
            for seat in self.seats:
                seat.child.end()

    def _fill(self, workers: int) -> None:
        """Give every free process a job, and start those that are missing."""
        for seat in [s for s in self.seats if not s.waited_for]:
            if self.left:
                self._hand_over(seat)
        starting = sum(not seat.child.ready for seat in self.seats)
        while len(self.seats) < workers and starting < len(self.left):
            self.seats.append(_Seat())
            starting += 1

    def _hand_over(self, seat: _Seat) -> None:
        seat.index = self.left.popleft()
        seat.deadline = time.monotonic() + self.config.run.timeout_s
        try:
            seat.child.send(self.jobs[seat.index], self.config, self.out)
        except ChildDied:  # while it had nothing to do: not this job's fault
            self.left.appendleft(seat.index)
            seat.index = None
            self._drop(seat)

    def _hear(self, seat: _Seat) -> None:
        try:
            outcomes = seat.child.receive()
        except ChildDied:
            self._lose(seat, FailedHalf("worker_crashed"))
        except JobRaised as raised:
            index, seat.index = seat.index, None
            self._try_again(index, FailedHalf("internal_error", str(raised)))
        else:
            if outcomes is None:
                self.failed_starts = 0
            elif seat.index is not None:
                index, seat.index = seat.index, None
                self.ended(index, outcomes)

    def _lose(self, seat: _Seat, failure: FailedHalf) -> None:
        """A process is dead, or hangs and is ended."""
        self._drop(seat)
        if not seat.child.ready:
            self.failed_starts += 1
            if self.failed_starts >= _FAILED_STARTS:
                raise UsageError(
                    "processes that measure cannot be started",
                    "check free memory; a script of your own needs "
                    "'if __name__ == \"__main__\":' around what it does",
                )
        self._try_again(seat.index, failure)

    def _drop(self, seat: _Seat) -> None:
        self.seats.remove(seat)
        seat.child.end()

    def _try_again(self, index: int | None, failure: FailedHalf) -> None:
        if index is None:
            return
        self.tries[index] += 1
        if self.tries[index] < TRIES:
            self.left.append(index)
        else:
            self.ended(index, self.jobs[index].failed(failure))

    def _collect(self) -> None:
        """What was answered a moment ago is finished work too."""
        for seat in self.seats:
            try:
                outcomes = seat.child.receive() if seat.child.connection.poll() else None
            except (ChildDied, JobRaised):
                continue
            if outcomes is not None and seat.index is not None:
                self.ended(seat.index, outcomes)
