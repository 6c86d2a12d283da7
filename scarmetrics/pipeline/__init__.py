"""One half, both visits, in memory."""

from scarmetrics.pipeline.half import align_pair, measure_half, measure_side
from scarmetrics.pipeline.results import HalfResult, Pair, VisitResult

__all__ = ["HalfResult", "Pair", "VisitResult", "align_pair", "measure_half", "measure_side"]
