"""The trial's report: analysis.json, report.html and figures, all from one analysis."""

from scarmetrics.trial_report.repeats import read_repeats, write_repeatability
from scarmetrics.trial_report.write import write_report

__all__ = ["read_repeats", "write_repeatability", "write_report"]
