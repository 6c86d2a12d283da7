"""Cells of a manifest, whatever is written in them."""

from __future__ import annotations

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from scarmetrics.config import IngestConfig
from scarmetrics.ingest.cells import CellError, CellParser
from scarmetrics.ingest.words import Vocabulary

positive = st.floats(1e-6, 1e6, allow_nan=False)


@given(value=positive)
def test_numbers_round_trip(value):
    parser = CellParser(Vocabulary.from_config(IngestConfig()))
    assert parser.mm_per_px(repr(value)) == value
    assert parser.mm_per_px_rel_sd(repr(value)) == value


@given(whole=st.integers(0, 999), decimals=st.text("0123456789", min_size=1, max_size=6))
def test_decimal_comma_is_read_or_refused_but_never_misread(whole, decimals):
    parser = CellParser(Vocabulary.from_config(IngestConfig()))
    try:
        value = parser.mm_per_px_rel_sd(f"{whole},{decimals}")
    except CellError:
        assert len(decimals) == 3
        assert whole > 0
    else:
        assert value == float(f"{whole}.{decimals}")


@given(st.text(max_size=15))
def test_any_cell_is_a_value_or_a_cell_error(text):
    parser = CellParser(Vocabulary.from_config(IngestConfig()))
    for parse in parser.by_column.values():
        with contextlib.suppress(CellError):
            assert parse(text) is not None
