"""What a run leaves behind, as pure data: events, the record they fold into, and how both are kept."""

from agentnb.record.codec import decode_event, encode, to_dict, to_plain
from agentnb.record.document import MIME_TYPE, VERSION, RunRecord
from agentnb.record.events import AnyEvent
from agentnb.record.fold import Folder
from agentnb.record.journal import Journal, journal_folder, read_journal
from agentnb.record.limits import bound_record, cut_bundle, cut_output, cut_text
from agentnb.record.read import Summary, read_record, records_of
from agentnb.record.redact import Redactor
from agentnb.record.redact_stream import StreamRedactor

__all__ = [
    "MIME_TYPE",
    "VERSION",
    "AnyEvent",
    "Folder",
    "Journal",
    "Redactor",
    "RunRecord",
    "StreamRedactor",
    "Summary",
    "bound_record",
    "cut_bundle",
    "cut_output",
    "cut_text",
    "decode_event",
    "encode",
    "journal_folder",
    "read_journal",
    "read_record",
    "records_of",
    "to_dict",
    "to_plain",
]
