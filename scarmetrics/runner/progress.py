"""The steps of a run, for whoever shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from scarmetrics.models import Side
    from scarmetrics.runner.jobs import HalfOutcome


@dataclass(frozen=True)
class EndedHalf:
    """One half that just ended.

    Attributes
    ----------
    side : {'left', 'right'}
        Which.
    reason_code : str
        Why it failed; empty where it was measured.
    """

    side: Side
    reason_code: str = ""


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
    ended : tuple of EndedHalf
        The halves that just ended; none at the start.
    """

    done: int
    total: int
    subject_id: str
    measured: int
    failed: int
    resumed: int = 0
    ended: tuple[EndedHalf, ...] = ()


class Reporter:
    """Counts halves as jobs end and tells whoever listens.

    Parameters
    ----------
    total : int
        Halves in all.
    done : iterable of HalfOutcome
        Those that an earlier run finished.
    listener : callable or None
        Who listens.
    """

    def __init__(
        self,
        total: int,
        done: Iterable[HalfOutcome],
        listener: Callable[[Progress], None] | None,
    ) -> None:
        done = list(done)
        self.total, self.resumed, self.listener = total, len(done), listener
        self.done = self.measured = self.failed = 0
        self._count(done)
        self._tell("", ())

    def ended(self, subject_id: str, outcomes: Sequence[HalfOutcome]) -> None:
        """Count a job's halves."""
        self._count(outcomes)
        self._tell(subject_id, tuple(ended_half(outcome) for outcome in outcomes))

    def _count(self, outcomes: Iterable[HalfOutcome]) -> None:
        for outcome in outcomes:
            self.done += 1
            self.measured += len(outcome.changes)
            self.failed += len(outcome.failures)

    def _tell(self, subject_id: str, ended: tuple[EndedHalf, ...]) -> None:
        if self.listener:
            self.listener(
                Progress(
                    done=self.done,
                    total=self.total,
                    subject_id=subject_id,
                    measured=self.measured,
                    failed=self.failed,
                    resumed=self.resumed,
                    ended=ended,
                )
            )


def ended_half(outcome: HalfOutcome) -> EndedHalf:
    """What a half came to, in a word."""
    failure = outcome.failures[0].reason_code if outcome.failures else ""
    return EndedHalf(outcome.side, failure)
