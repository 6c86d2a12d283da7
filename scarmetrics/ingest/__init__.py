"""Folders of exported photographs -> typed records, pairs and pixels."""

from scarmetrics.ingest.decode import decode_photograph
from scarmetrics.ingest.draft import draft_manifest, write_draft
from scarmetrics.ingest.guess import DraftRow
from scarmetrics.ingest.listing import Listing
from scarmetrics.ingest.pairing import plan_study
from scarmetrics.ingest.registry import list_photographs, register_reader

__all__ = [
    "DraftRow",
    "Listing",
    "decode_photograph",
    "draft_manifest",
    "list_photographs",
    "plan_study",
    "register_reader",
    "write_draft",
]
