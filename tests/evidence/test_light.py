"""Verifying works where nothing heavy is installed, and opens no socket."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from lextune.evidence.keys import Trust

_CODE = """
import sys
def no_sockets(event, args):
    if event.startswith("socket."):
        raise SystemExit(f"{event} {args}")
sys.addaudithook(no_sockets)
from pathlib import Path
from lextune.evidence.keys import load_trust
from lextune.evidence.verifying import verify_folder
evidence = verify_folder(Path(sys.argv[1]), load_trust(Path(sys.argv[2])))
assert evidence.verified, evidence.problems
heavy = {"torch", "numpy", "transformers", "pyarrow", "sqlalchemy", "yaml", "rich", "typer"}
print(sorted(heavy & set(sys.modules)))
print(sorted(n for n in sys.modules if n.startswith("lextune.") and n.count(".") == 1))
"""


def test_verifying_loads_nothing_heavy_and_opens_no_socket(release: Path, trust: Trust) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _CODE, str(release), str(trust.path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    heavy, rooms = done.stdout.splitlines()
    assert heavy == "[]"
    assert rooms == "['lextune.errors', 'lextune.evidence', 'lextune.files', 'lextune.records']"
