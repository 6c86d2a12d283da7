"""The page for technicians keeps up with the code."""

from __future__ import annotations

import re

import pytest

from scarmetrics.errors import REASONS
from scarmetrics.ingest.manifest import COLUMNS
from scarmetrics.ingest.patterns import PLACEHOLDERS
from scarmetrics.ingest.walk import IMAGE_SUFFIXES


@pytest.fixture(scope="module")
def page(repository) -> str:
    return (repository / "docs" / "inputs.md").read_text(encoding="utf-8")


def test_every_reason_of_this_package_is_explained(page, repository):
    sources = (repository / "scarmetrics" / "ingest").glob("*.py")
    words = {
        word for path in sources for word in re.findall(r'"([a-z_]+)"', path.read_text("utf-8"))
    }
    used = words & set(REASONS)
    assert {"file_missing", "missing_visit", "visit_order"} <= used
    assert [code for code in sorted(used) if f"| `{code}` |" not in page] == []


def test_every_column_placeholder_and_extension_is_named(page):
    assert [column for column in COLUMNS if f"| `{column}` |" not in page] == []
    assert [name for name in PLACEHOLDERS if f"`{{{name}}}`" not in page] == []
    assert [suffix for suffix in IMAGE_SUFFIXES if suffix not in page] == []
