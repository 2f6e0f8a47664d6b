"""Write docs/licences.md: the licence that every installed dependency states, and what the restrictive ones ask.

python tools/list_licences.py          # in an environment with all extras
"""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "licences.md"
# licences that ask more than a notice, and what they ask of who hands the library over
RESTRICTIVE = re.compile(r"\b(?:A?GPL|LGPL|MPL|EPL|EUPL|CeCILL|CDDL|SSPL|GNU|Mozilla)", re.IGNORECASE)
HEAD = """\
# Licences of the dependencies

Written by `tools/list_licences.py` from what each installed distribution says of itself. The library is under the
BSD-3-Clause licence and contains none of them: each is installed beside it, unchanged, under its own licence. Data and
their licences are in `src/territory/datasets/LICENSES.md`.

"""


def main() -> None:
    """Write the page."""
    locked = set(re.findall(r"(?m)^([A-Za-z0-9._-]+)==", (ROOT / "requirements.lock").read_text("utf-8")))
    listed = re.findall(r"(?m)^([A-Za-z0-9._-]+)==", (ROOT / "constraints.txt").read_text("utf-8"))
    locked = {_plain(name) for name in locked}
    names = sorted({_plain(name): name for name in [*listed, *locked]}.values(), key=_plain)
    rows, missing, asking = [], [], []
    for name in names:
        try:
            version, licence = metadata.version(name), licence_of(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
            continue
        needed = "the library" if _plain(name) in locked else "an extra, tests or documentation"
        rows.append(f"| {name} | {version} | {licence} | {needed} |")
        if RESTRICTIVE.search(licence):
            asking.append(f"- **{name}** ({licence}), for {needed}: {use_of(licence)}")
    table = ["| distribution | version | licence it states | needed by |", "|---|---|---|---|", *rows]
    text = HEAD + "## Those that ask more than a notice\n\n" + "\n".join(asking or ["None."]) + "\n\n"
    text += BUNDLED + "## All\n\n" + "\n".join(table) + "\n"
    if missing:
        text += f"\nNot installed where this page was written: {', '.join(missing)}.\n"
    PAGE.write_text(text, encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(rows)} distributions, {len(asking)} that ask more than a notice")


BUNDLED = """\
Wheels also carry compiled libraries under licences of their own, dynamically linked and replaceable: GEOS
(LGPL-2.1-or-later, in shapely and pyogrio), GDAL and PROJ (MIT, in pyogrio and pyproj), the solver CBC (EPL-2.0, in
PuLP, which spopt asks for and this library does not call), the run-time libraries of GCC (GPL-3.0 with the GCC Runtime
Library Exception, in NumPy and SciPy). None changes the licence of a program that calls them.

"""


def licence_of(name: str) -> str:
    """Return the licence that a distribution states: an expression, else classifiers, else its short text."""
    about = metadata.metadata(name)
    if about.get("License-Expression"):
        return str(about["License-Expression"])
    classified = [
        one.rpartition(" :: ")[2]
        for one in about.get_all("Classifier") or []
        if one.startswith("License :: ")
    ]
    said = " ".join(str(about.get("License") or "").split())
    if said and len(said) <= 60 and said.upper() != "UNKNOWN":
        return re.sub(r",? \S*://.*", "", said).replace("|", "/")
    return ", ".join(one for one in classified if one != "OSI Approved") or _from_file(name)


def _from_file(name: str) -> str:
    """Return the first words of the licence file of a distribution that says nothing else."""
    for path in metadata.files(name) or []:
        if re.search(r"licen[cs]e|copying", path.name, re.IGNORECASE):
            return " ".join(path.read_text(encoding="utf-8").split())[:60].replace("|", "/")
    return "not stated"


def use_of(licence: str) -> str:
    """Return what a licence asks, and why it is met."""
    if re.search(r"MPL|Mozilla", licence, re.IGNORECASE):
        return "changes to its own files must stay under it; none is made."
    if re.search(r"LGPL|Lesser", licence, re.IGNORECASE):
        return "it must stay replaceable by whoever receives it; it is, being installed beside."
    return "read it before handing over a bundle that contains it; the library does not."


def _plain(name: str) -> str:
    """Return the name of a distribution as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    main()
