"""The search of the guide takes « departement » for « département », in its index as in a query."""

from __future__ import annotations

import unicodedata
from typing import Any

from sphinx.search import _MINIFIED_JS_PATH, languages
from sphinx.search.fr import SearchFrench

_IN_THE_BROWSER = """
window.Stemmer = function () {
  const french = new FrenchStemmer();
  const plain = (word) => word.normalize("NFD").replace(/[\\u0300-\\u036f]/g, "").replace(/œ/g, "oe");
  this.stemWord = (word) => french.stemWord(plain(word));
};
"""


class SearchWithoutAccents(SearchFrench):
    """Stem each word once its accents are off, in the index as in the browser."""

    js_stemmer_rawcode = ""

    def __init__(self, options: dict[str, str]) -> None:
        super().__init__(options)
        scripts = [
            (_MINIFIED_JS_PATH / name).read_text("utf-8") for name in ("base-stemmer.js", "french-stemmer.js")
        ]
        self.js_stemmer_code = "\n".join([*scripts, _IN_THE_BROWSER])

    def stem(self, word: str) -> str:
        """Return the stem of a word without its accents."""
        decomposed = unicodedata.normalize("NFD", word.lower())
        plain = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
        return super().stem(plain.replace("œ", "oe"))


def setup(app: Any) -> dict[str, bool]:
    """Replace the French search of Sphinx."""
    languages["fr"] = SearchWithoutAccents
    return {"parallel_read_safe": True, "parallel_write_safe": True}
