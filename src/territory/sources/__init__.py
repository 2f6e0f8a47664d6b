r"""Outside data in: one reader per producer, each to the tables of the library.

All readers share what follows, and say below only what is their own: what the file is and what comes out.

- `path` is the file as its producer publishes it: text in any encoding and with any separator, compressed
  with gzip (`.gz`) or not, or a workbook; `departements` are the codes to keep, all without it; `communes`
  are points indexed by `commune_code`, for establishments without coordinates.
- Codes are given back the zeros and letters that spreadsheets take. NaN is unknown. A column named in a
  description is to be there.
- `ReadError` tells every problem of the file at once: a column absent, a code or a number that is none, a
  commune or a site twice. `MissingFileError` says that there is no file, `TerritoryWarning` what was
  mended, doubtful or left out.
- `registry.csv` gives source, year and licence of each file; `reader_tried` is « no » where a reader was
  written from the producer's description and has not seen a whole real file of that vintage.

>>> from pathlib import Path
>>> from territory.sources import read_care_territories
>>> _ = Path("tvs.csv").write_text("CODGEO;LIBGEO;TVS\n01004;Ambérieu;01004\n")
>>> read_care_territories("tvs.csv").to_dict()
{'01004': '01004'}
"""

from territory.tables import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
