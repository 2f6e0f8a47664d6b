"""Write requirements.lock: every dependency at its version of constraints.txt, with the digests that pip checks.

    python -m pip install uv
    python tools/write_lock.py

`uv` resolves for every platform and every Python from 3.11.5 on at once and lists the digest of each file that a
version has; only this tool needs it, and pip alone reads the result:

    python -m pip install --require-hashes -r requirements.lock
    python -m pip install --no-deps .

No address of an index is written: pip takes the files from where it is set up to.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements.lock"
HEADER = """\
# every dependency of the library (without extras), for every platform and Python from 3.11.5 on, with the digests of
# its files; written by tools/write_lock.py from constraints.txt. pip install --require-hashes -r requirements.lock
"""


def main() -> None:
    """Resolve, check that no address came along, and write."""
    command = [
        sys.executable,
        "-m",
        "uv",
        "pip",
        "compile",
        "--quiet",
        "--universal",
        "--python-version",
        "3.11.5",
    ]
    command += [
        "--generate-hashes",
        "--no-header",
        "--no-annotate",
        "--no-emit-index-url",
        "--no-emit-find-links",
    ]
    done = subprocess.run(
        [*command, "-c", "constraints.txt", "pyproject.toml"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    text = HEADER + done.stdout
    if "://" in text:
        sys.exit("an address came along: nothing is written")
    LOCK.write_text(text, encoding="utf-8")
    count = len(re.findall(r"(?m)^[a-zA-Z0-9]", done.stdout))
    print(f"{LOCK.name}: {count} packages, {text.count('--hash=')} digests")


if __name__ == "__main__":
    main()
