"""``linked/adscar.csv``: the analysis data set in the structure that ADaM calls BDS [1]_.

One row for each subject, half, parameter and visit. It is in that style and not a validated
submission: there is no ADSL and no define.xml.

References
----------
.. [1] CDISC, "Analysis Data Model Implementation Guide", version 1.3 (2021).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scarmetrics.allocation.halves import BASELINE
from scarmetrics.allocation.tables import COUNT, NUMBER, TEXT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scarmetrics.allocation.halves import Half
    from scarmetrics.allocation.results import Results
    from scarmetrics.allocation.tables import Record

TREATMENT_NAMES = {"adsc_cm": "ADSC-CM", "saline": "Saline"}
PROCEDURE_NAMES = {"co2_laser": "Fractional CO2 laser", "microneedling": "Microneedling"}
_TREATMENT_NUMBERS = {"saline": 0, "adsc_cm": 1}
_NAMED_AFTER = re.compile(r"(month|week|day)s?[ _-]?(\d+)|(\d+)[ _-]?(month|week|day)s?", re.I)


@dataclass(frozen=True)
class Variable:
    """One column of the data set, as the dictionary explains it.

    Attributes
    ----------
    name : str
        At most eight characters.
    label : str
        At most 40 characters.
    kind : str
        pandas type.
    values : str
        Codes or unit.
    source : str
        Where it comes from.
    """

    name: str
    label: str
    kind: str
    values: str
    source: str


@dataclass(frozen=True)
class Parameter:
    """One thing that was measured.

    Attributes
    ----------
    code, name : str
        PARAMCD and PARAM, the unit in brackets.
    column, sd_column, change_sd_column : str
        Of ``measurements.csv`` and ``changes.csv``; empty where there is none.
    """

    code: str
    name: str
    column: str
    sd_column: str = ""
    change_sd_column: str = ""


PARAMETERS = (
    Parameter("SCARAREA", "Scar surface area (mm2)", "area_mm2", "area_sd_mm2", "change_sd_mm2"),
    Parameter("SCARPROJ", "Projected scar area (mm2)", "projected_area_mm2"),
    Parameter("SCARFRAC", "Scar area / measured skin (fraction)", "area_fraction"),
    Parameter("SCARCNT", "Number of scars (count)", "scar_count"),
    Parameter("SKINAREA", "Measured skin area (mm2)", "roi_area_mm2"),
)

_CODES = "; ".join(f"{p.code} = {p.name}" for p in PARAMETERS)
VARIABLES = (
    Variable("STUDYID", "Study Identifier", TEXT, "", "study_id of the config"),
    Variable("USUBJID", "Unique Subject Identifier", TEXT, "STUDYID-SUBJID", "derived"),
    Variable("SUBJID", "Subject Identifier for the Study", TEXT, "", "measurements.csv subject_id"),
    Variable("PROC", "Procedure on the Whole Face", TEXT, "; ".join(PROCEDURE_NAMES.values()),
             "allocation; randomised between subjects"),
    Variable("LAT", "Laterality of the Half", TEXT, "LEFT; RIGHT (the patient's own)",
             "measurements.csv side"),
    Variable("TRTP", "Planned Treatment of the Half", TEXT, "ADSC-CM; Saline",
             "allocation; randomised within subjects"),
    Variable("TRTPN", "Planned Treatment of the Half (N)", COUNT, "0 = Saline; 1 = ADSC-CM",
             "derived from TRTP"),
    Variable("TRTA", "Actual Treatment of the Half", TEXT, "ADSC-CM; Saline",
             "TRTP: nothing else is recorded"),
    Variable("TRTAN", "Actual Treatment of the Half (N)", COUNT, "0 = Saline; 1 = ADSC-CM",
             "derived from TRTA"),
    Variable("PARAMCD", "Parameter Code", TEXT, _CODES, "assigned"),
    Variable("PARAM", "Parameter", TEXT, "with its unit in brackets", "assigned"),
    Variable("AVISIT", "Analysis Visit", TEXT, "Baseline; the follow-up visit", "visit"),
    Variable("AVISITN", "Analysis Visit (N)", COUNT, "0 = Baseline; else the number in AVISIT",
             "derived from AVISIT"),
    Variable("ADT", "Analysis Date", TEXT, "ISO 8601", "measurements.csv captured_on"),
    Variable("AVAL", "Analysis Value", NUMBER, "in the unit that PARAM names", "measurements.csv"),
    Variable("AVALSD", "Standard Deviation of AVAL", NUMBER, "in the unit of AVAL; SCARAREA only",
             "measurements.csv area_sd_mm2: uncertainty of the measurement"),
    Variable("BASE", "Baseline Value", NUMBER, "in the unit of AVAL", "AVAL where ABLFL is Y"),
    Variable("CHG", "Change from Baseline", NUMBER, "in the unit of AVAL",
             "AVAL - BASE; empty at baseline"),
    Variable("PCHG", "Percent Change from Baseline", NUMBER, "%",
             "100 * CHG / BASE; empty at baseline and where BASE is 0"),
    Variable("CHGSD", "Standard Deviation of CHG", NUMBER, "in the unit of AVAL; SCARAREA only",
             "changes.csv change_sd_mm2: uncertainty of the measurement"),
    Variable("ABLFL", "Baseline Record Flag", TEXT, "Y or empty", "Y at baseline where AVAL is"),
    Variable("ANL01FL", "Analysis Flag 01", TEXT, "Y or empty",
             "Y where AVAL is there at both visits and QCSTAT of the half is not fail"),
    Variable("QCSTAT", "Quality Status of the Half", TEXT, "pass; review; fail",
             "changes.csv qc_status"),
    Variable("QCFLAGS", "Quality Flags of the Record", TEXT, "joined by ;",
             "measurements.csv qc_flags"),
    Variable("REASND", "Reason Not Done", TEXT, "why AVAL is missing; else empty",
             "failures.csv reason_code, or no_images, or no_scale"),
)  # fmt: skip
ADSCAR = {variable.name: variable.kind for variable in VARIABLES}


def adscar_rows(halves: Sequence[Half], results: Results) -> list[Record]:
    """Rows of ``adscar.csv``, missing ones with their reason."""
    return [
        row for half in halves for parameter in PARAMETERS
        for row in _rows(half, parameter, results)
    ]  # fmt: skip


def _rows(half: Half, parameter: Parameter, results: Results) -> Iterator[Record]:
    study_id = results.config.study_id
    assignment = half.assignment
    treatment = assignment.treatment(half.side)
    values = [None if row is None else row[parameter.column] for row in half.visits]
    base = values[0]
    status = half.change["qc_status"] if half.change else None
    analysed = half.measured and None not in values and status != "fail"
    for at, (row, value) in enumerate(zip(half.visits, values, strict=True)):
        name, number = _visit(results.config.pairing.follow_up_visit) if at else ("Baseline", 0)
        change = value - base if at and value is not None and base is not None else None
        with_sd = parameter.change_sd_column and change is not None and half.change
        yield {
            "STUDYID": study_id,
            "USUBJID": f"{study_id}-{assignment.subject_id}",
            "SUBJID": assignment.subject_id,
            "PROC": PROCEDURE_NAMES[assignment.procedure],
            "LAT": half.side.upper(),
            "TRTP": TREATMENT_NAMES[treatment],
            "TRTPN": _TREATMENT_NUMBERS[treatment],
            "TRTA": TREATMENT_NAMES[treatment],
            "TRTAN": _TREATMENT_NUMBERS[treatment],
            "PARAMCD": parameter.code,
            "PARAM": parameter.name,
            "AVISIT": name,
            "AVISITN": number,
            "ADT": row["captured_on"] if row else None,
            "AVAL": value,
            "AVALSD": row[parameter.sd_column] if row and parameter.sd_column else None,
            "BASE": base,
            "CHG": change,
            "PCHG": 100 * change / base if change is not None and base else None,
            "CHGSD": half.change[parameter.change_sd_column] if half.change and with_sd else None,
            "ABLFL": "Y" if at == 0 and value is not None else "",
            "ANL01FL": "Y" if analysed else "",
            "QCSTAT": status,
            "QCFLAGS": row["qc_flags"] if row else None,
            "REASND": "" if value is not None else half.reason_code or "no_scale",
        }


def _visit(name: str) -> tuple[str, int]:
    """AVISIT and AVISITN of a follow-up visit: ``month3`` is Month 3, 3."""
    found = _NAMED_AFTER.fullmatch(name)
    if found is None:
        return name.capitalize() if name != BASELINE else name, 1
    unit, number = found[1] or found[4], int(found[2] or found[3])
    return f"{unit.capitalize()} {number}", number


def dictionary_rows() -> list[Record]:
    """The data dictionary: one row for each variable, in the order of the columns."""
    kinds = {TEXT: "text", NUMBER: "float", COUNT: "integer"}
    return [
        {
            "variable": variable.name,
            "label": variable.label,
            "type": kinds[variable.kind],
            "values_or_unit": variable.values,
            "source": variable.source,
        }
        for variable in VARIABLES
    ]


DICTIONARY = dict.fromkeys(("variable", "label", "type", "values_or_unit", "source"), TEXT)
