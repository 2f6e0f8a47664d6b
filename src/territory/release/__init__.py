"""The one gate: a `Release` is all that documents, tables and pictures may read; nothing is drawn or written here."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={"gate": ["Release", "release"]})
