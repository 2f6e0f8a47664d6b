from . import chapters as chapters
from . import documents as documents
from . import files as files
from . import layout as layout
from . import reading as reading
from .documents.council import build_report as build_report
