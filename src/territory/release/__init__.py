"""The one gate: what may leave the agency, under disclosure control.

`release` takes the results of a study and gives a `Release`, which is all that documents, tables and pictures may read.
It draws nothing and writes no file.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={"gate": ["Release", "release"]})
