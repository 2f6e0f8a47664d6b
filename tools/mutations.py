"""Change one thing at a time in the library and see whether a test notices.

A seeded sample of small changes (a bound that becomes strict, a sum that becomes a difference, a constant that is one
more) is made in a copy of `src`, and the tests that run the changed line are run on it. What no test notices is listed,
and a part of the house of which fewer than 85 % are noticed fails. A line that says `pragma: no mutate` sets how long a
search tries and not what is true: it is left alone.

    python tools/mutations.py                        # every part, 20 changes each
    python tools/mutations.py scenario release --sample 40 --seed 7
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("scenario", "release", "access", "network", "planning", "needs", "geography")
# documents and whole runs are what shows a wrong verdict: they belong to the tests of these parts
ALSO = {
    "scenario": ("tests/workflow",),
    "release": ("tests/report", "tests/workflow", "tests/scenario/test_rounds.py"),
}
LEAST_NOTICED = 0.85
MOST_TESTS = 100
GOLDEN = "test_golden_tables"

_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==", ast.In: "not in",
    ast.NotIn: "in", ast.Is: "is not", ast.IsNot: "is",
}  # fmt: skip
_WRITTEN: dict[type[ast.cmpop], str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=", ast.In: "in",
    ast.NotIn: "not in", ast.Is: "is", ast.IsNot: "is not",
}  # fmt: skip
_OPERATIONS: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "/"), ast.Div: ("/", "*"),
    ast.BitAnd: ("&", "|"), ast.BitOr: ("|", "&"),
}  # fmt: skip
_METHODS = {
    "lt": "le",
    "le": "lt",
    "gt": "ge",
    "ge": "gt",
    "any": "all",
    "all": "any",
    "min": "max",
    "max": "min",
}


@dataclass(frozen=True)
class Mutation:
    """One change of one file: the characters from `start` to `end` become `new`."""

    path: Path
    line: int
    start: int
    end: int
    old: str
    new: str

    def __str__(self) -> str:
        """Return where it is and what it changes."""
        return f"{self.path.relative_to(ROOT)}:{self.line}: {self.old!r} becomes {self.new!r}"


def mutations(path: Path) -> Iterator[Mutation]:
    """Yield every small change of a module, those of texts, types, refusals and lines left alone left out."""
    text = path.read_text("utf-8")
    lines = text.splitlines()
    yield from (one for one in _changes(path, text) if "pragma: no mutate" not in lines[one.line - 1])


def _changes(path: Path, text: str) -> Iterator[Mutation]:
    """Yield every small change of a text."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line.encode()))
    raw = text.encode()

    def at(line: int, column: int) -> int:
        return starts[line - 1] + column

    def between(left: ast.expr, right: ast.expr, old: str, new: str) -> Iterator[Mutation]:
        begin, end = at(left.end_lineno or 0, left.end_col_offset or 0), at(right.lineno, right.col_offset)
        found = raw[begin:end].find(old.encode())
        if found >= 0 and raw[begin:end].count(old.encode()) == 1:
            yield Mutation(path, left.end_lineno or 0, begin + found, begin + found + len(old), old, new)

    for node in _code(ast.parse(text)):
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            kind = type(node.ops[0])
            yield from between(node.left, node.comparators[0], _WRITTEN[kind], _COMPARISONS[kind])
        elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
            yield from between(node.left, node.right, *_OPERATIONS[type(node.op)])
        elif isinstance(node, ast.BoolOp) and len(node.values) == 2:
            words = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
            yield from between(node.values[0], node.values[1], *words)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.Invert):
            begin, end = at(node.lineno, node.col_offset), at(node.operand.lineno, node.operand.col_offset)
            yield Mutation(path, node.lineno, begin, end, raw[begin:end].decode(), "")
        elif isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float):
            new = repr(not node.value) if isinstance(node.value, bool) else repr(node.value + 1)
            begin, end = at(node.lineno, node.col_offset), at(node.end_lineno or 0, node.end_col_offset or 0)
            yield Mutation(path, node.lineno, begin, end, raw[begin:end].decode(), new)
        elif (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS
        ):
            end = at(node.func.end_lineno or 0, node.func.end_col_offset or 0)
            old = node.func.attr
            yield Mutation(path, node.func.end_lineno or 0, end - len(old), end, old, _METHODS[old])


def _code(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that compute: no annotation, decorator, text, refusal or sentence about an object."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.FunctionDef):
            if child.name in ("__repr__", "_repr_html_", "__str__"):
                continue
            for value in (*child.args.defaults, *filter(None, child.args.kw_defaults)):
                yield value
                yield from _code(value)
            yield from _code(ast.Module(child.body, []))
            continue
        if isinstance(child, ast.ClassDef):
            for part in child.body:
                yield from _code(ast.Module([part], []))
            continue
        if isinstance(child, ast.AnnAssign):
            if child.value is not None:
                yield child.value
                yield from _code(child.value)
            continue
        yield child
        yield from _code(child)


def covering(part: str, folder: Path) -> tuple[dict[tuple[str, int], set[str]], dict[str, list[str]]]:
    """Run the tests of a part once; return those that run each line of it, and all those of each file.

    A process a file: what one file has computed and kept would hide from the others that they rest on the same lines.
    """
    from coverage import CoverageData

    roots = [ROOT / "tests" / part, *(ROOT / path for path in ALSO.get(part, ()))]
    found: dict[tuple[str, int], set[str]] = {}
    every: dict[str, list[str]] = {}
    files = ([root] if root.is_file() else root.rglob("test_*.py") for root in roots)
    for file in sorted(path for some in files for path in some):
        data = folder / f"{part}.coverage"
        name = file.relative_to(ROOT).as_posix()
        command = [
            *_pytest(), name, "-v", "--cov-context=test", f"--cov=src/territory/{part}", "--cov-report=",
            "-p", "no:cacheprovider",
        ]  # fmt: skip
        environment = {**_environment(ROOT / "src"), "COVERAGE_FILE": str(data)}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        # 5: every test of the file is a slow one
        if done.returncode not in (0, 5):
            raise SystemExit(f"{part}: the tests of {name} fail as they are, nothing can be said of them")
        every[name] = re.findall(rf"^({re.escape(name)}::.*) PASSED", done.stdout, flags=re.MULTILINE)
        measured = CoverageData(str(data))
        measured.read()
        for source in measured.measured_files():
            for line, contexts in measured.contexts_by_lineno(source).items():
                names = {context.partition("|")[0] for context in contexts if context}
                found.setdefault((str(Path(source).resolve()), line), set()).update(names)
        data.unlink(missing_ok=True)
    return found, every


def running(mutation: Mutation, lines: dict[tuple[str, int], set[str]]) -> set[str]:
    """Return the tests that run a changed line; of a constant or a default, which is run once, those of its module."""
    path = str(mutation.path)
    for node in ast.walk(ast.parse(mutation.path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.body[0].lineno <= mutation.line <= (
            node.end_lineno or 0
        ):
            return lines.get((path, mutation.line), set())
    return {test for (source, _), tests in lines.items() if source == path for test in tests}


def is_noticed(
    mutation: Mutation, tests: list[str], source: Path, *, limit_s: float, compiled: Path | None = None
) -> bool:
    """Tell whether a test fails once the change is made in a copy of the library; one that does not end is said."""
    path = source / mutation.path.relative_to(ROOT / "src")
    before = path.read_bytes()
    path.write_bytes(before[: mutation.start] + mutation.new.encode() + before[mutation.end :])
    own = {} if compiled is None else {"NUMBA_CACHE_DIR": str(compiled)}
    try:
        done = subprocess.run(
            [*_pytest(), "-x", "-q", "-p", "no:cacheprovider", *tests],
            cwd=ROOT, env=_environment(source) | own, timeout=limit_s, capture_output=True, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        print(f"  no end within {limit_s:.0f} s, taken as noticed: {mutation}", flush=True)
        return True
    finally:
        path.write_bytes(before)
    return done.returncode != 0


def _distance(test: str, mutation: Mutation, part: str) -> int:
    """Rank a test: of the module that is changed (its file names it), of the part, of the rest of the house."""
    module = mutation.path.relative_to(ROOT / "src").with_suffix("").as_posix().replace("/", ".")
    if module in (ROOT / test.partition("::")[0]).read_text("utf-8"):
        return 0
    return 1 if test.startswith(f"tests/{part}/") else 2


def _pytest() -> list[str]:
    """Return the command of the fast tests."""
    return [sys.executable, "-m", "pytest", "-m", "not slow"]


def _environment(source: Path) -> dict[str, str]:
    """Return an environment in which `territory` is the copy."""
    return {
        **os.environ,
        "PYTHONPATH": str(source),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TERRITORY_EXAMPLES": "verdict",
    }


def examine(part: str, *, sample: int, seed: int, limit_s: float) -> float:
    """Try a sample of changes of a part; print what nobody notices, return the share that somebody does."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines, every_test = covering(part, folder)
        source = folder / "src"
        shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
        every = [
            one for path in sorted((ROOT / "src/territory" / part).rglob("*.py")) for one in mutations(path)
        ]
        generator = random.Random(f"{seed} {part}")
        chosen = generator.sample(every, min(sample, len(every)))
        noticed = 0
        for mutation in chosen:
            run = running(mutation, lines)
            # what a test computes others of its file may be given: they come after it
            beside = {one for file in {test.partition("::")[0] for test in run} for one in every_test[file]}
            tests = sorted(run | beside)
            generator.shuffle(tests)
            tests.sort(key=lambda test: (_distance(test, mutation, part), test not in run))
            # the one that looks at every column is never left out
            tests = [*tests[:MOST_TESTS], *(test for test in tests[MOST_TESTS:] if GOLDEN in test)]
            given: dict[str, Any] = {"limit_s": limit_s}
            if not tests:
                # a compiled loop is not seen line by line: the whole folder of tests answers for it, the nearest first.
                # What calls it is kept compiled with the loop as it was: all is compiled anew elsewhere, in more time
                files = sorted((ROOT / "tests" / part).rglob("test_*.py"))
                tests = [path.relative_to(ROOT).as_posix() for path in files]
                tests.sort(key=lambda test: _distance(test, mutation, part))
                given = {"limit_s": 2 * limit_s, "compiled": Path(tempfile.mkdtemp(dir=folder))}
            began = time.perf_counter()
            if is_noticed(mutation, tests, source, **given):
                noticed += 1
            else:
                print(f"  nobody notices {mutation} ({time.perf_counter() - began:.0f} s)", flush=True)
    share = noticed / len(chosen)
    print(f"{part}: {noticed} of {len(chosen)} noticed ({share:.0%}), of {len(every)} possible", flush=True)
    return share


def main() -> None:
    """Examine the parts that are named, every one by default."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", default=PARTS)
    parser.add_argument("--sample", type=int, default=20)
    parser.add_argument("--seed", type=int, default=20261129)
    parser.add_argument("--limit-s", type=float, default=600)
    given = parser.parse_args()
    shares = {
        part: examine(part, sample=given.sample, seed=given.seed, limit_s=given.limit_s)
        for part in given.parts
    }
    sys.exit(any(share < LEAST_NOTICED for share in shares.values()))


if __name__ == "__main__":
    main()
