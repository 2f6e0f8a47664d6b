"""Nothing that is read may run: no pickle, in any of the forms that libraries give it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted(
    path for part in ("src", "tools", "benchmarks", "notebooks") for path in (ROOT / part).rglob("*.py")
)
MODULES = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
NAMES = {"read_pickle", "to_pickle", "eval", "exec", "full_load", "unsafe_load", "read_hdf"}


def faults(text: str, *, says_so: bool = True) -> list[str]:
    """Return what in a module opens pickles or runs texts; the library also says so to NumPy, which refuses them."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names if name.name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            found.append(str(node.module))
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            is_method = isinstance(node.func, ast.Attribute)
            if name in NAMES and not (is_method and name in ("eval", "exec")):
                found.append(name)
            keywords = {word.arg: word.value for word in node.keywords}
            is_numpy = is_method and getattr(node.func.value, "id", "") in ("np", "numpy")  # type: ignore[attr-defined]
            if is_numpy and says_so and name in ("load", "save"):
                value = keywords.get("allow_pickle")
                if not (isinstance(value, ast.Constant) and value.value is False):
                    found.append(f"np.{name} without allow_pickle=False")
            if (
                isinstance(keywords.get("allow_pickle"), ast.Constant)
                and keywords["allow_pickle"].value is True
            ):  # type: ignore[attr-defined]
                found.append("allow_pickle=True")
    return found


def test_nothing_opens_a_pickle() -> None:
    found = {
        str(path.relative_to(ROOT)): faults(
            path.read_text("utf-8"), says_so="src" in path.relative_to(ROOT).parts
        )
        for path in FILES
    }
    assert {name: said for name, said in found.items() if said} == {}
    assert len(found) > 100


@pytest.mark.parametrize(
    "text",
    [
        "import pickle",
        "from joblib import Memory",
        "import pandas as pd\npd.read_pickle('a')",
        "import numpy as np\nnp.load('a')",
        "np.load('a', allow_pickle=True)",
        "eval('1')",
    ],
)
def test_what_opens_a_pickle_is_found(text: str) -> None:
    assert faults(text)


def test_what_does_not_is_let_through() -> None:
    assert not faults("np.load('a', allow_pickle=False)\ntable.eval('a + b')\njson.loads('1')")
