"""What a benchmark says of the machine and the versions that it ran on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path

_FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")


def describe(*packages: str) -> str:
    """Processor, its flags, cores, Python and the versions of packages, in two lines."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in text.splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    flags = [flag for flag in _FLAGS if flag in text.split()]
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    return (
        f"{model}, {os.cpu_count()} cores, flags {' '.join(flags) or 'none of interest'}\n"
        f"Python {platform.python_version()}, {versions}"
    )
