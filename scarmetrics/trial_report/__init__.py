"""The trial's report: analysis.json, report.html and figures, all from one analysis."""

from scarmetrics.trial_report.linked import analyse_linked, read_repeatability, write_trial
from scarmetrics.trial_report.repeats import read_repeats, write_repeatability
from scarmetrics.trial_report.write import PAGE_NAME, write_report

__all__ = [
    "PAGE_NAME",
    "analyse_linked",
    "read_repeatability",
    "read_repeats",
    "write_repeatability",
    "write_report",
    "write_trial",
]
