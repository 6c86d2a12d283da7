"""Runs a study: isolates halves, spreads them over processes, writes every output."""

from scarmetrics.runner.study import EndedHalf, Progress, RunSummary, Study
from scarmetrics.runner.verification import Alteration, Verification, verify

__all__ = ["Alteration", "EndedHalf", "Progress", "RunSummary", "Study", "Verification", "verify"]
