"""What is handed over: tables, disclosure control, French text and the PDF."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["documents", "chapters", "reading", "layout", "files"],
    submod_attrs={"documents.council": ["build_report"]},
)
