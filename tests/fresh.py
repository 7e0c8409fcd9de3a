"""Runs code in a fresh interpreter and tells what it imported; it knows no test."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection


def imported_by(code: str, of: Collection[str]) -> set[str]:
    """Those of the modules `of` that are loaded after `code` ran; what the code prints is not looked at."""
    program = f"import sys\n{code}\nsys.stderr.write(' '.join({set(of)!r} & set(sys.modules)))"
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(found.stderr.split())
