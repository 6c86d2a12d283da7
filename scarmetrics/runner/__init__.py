"""Runs a study: isolates halves, spreads them over processes, writes every output."""

from scarmetrics.runner.study import Progress, RunSummary, Study

__all__ = ["Progress", "RunSummary", "Study"]
