"""Runs a study: isolates halves, spreads them over processes, writes every output."""

from scarmetrics.runner.study import EndedHalf, Progress, RunSummary, Study

__all__ = ["EndedHalf", "Progress", "RunSummary", "Study"]
