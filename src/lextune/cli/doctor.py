"""The verb `doctor`: what works on this machine, and how to mend what does not."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path

import typer

from lextune.cli.app import app
from lextune.cli.output import Json, print_json, table, use_json
from lextune.errors import ExitCode, LextuneError

_FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")

Row = tuple[str, str, str, str]


@app.command("doctor")
def doctor(as_json: Json = False) -> None:
    """Look at Python, extras, processor, disk, keys and packs; ends with 2 when something is broken."""
    use_json(as_json)
    rows = [*_machine(), *_extras(), *_keys(), *_packs()]
    if as_json:
        keys = ("check", "status", "found", "remedy")
        print_json({"checks": [dict(zip(keys, row, strict=True)) for row in rows]})
    else:
        table("lextune doctor", ["check", "status", "found", "remedy"], rows)
    broken = any(status == "broken" for _, status, _, _ in rows)
    raise typer.Exit(int(ExitCode.USAGE if broken else ExitCode.DONE))


def _machine() -> Iterator[Row]:
    yield "python", "ok", platform.python_version(), ""
    yield "cores", "ok", str(os.cpu_count()), ""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    status = "ok" if memory >= 4 else "low"
    yield (
        "memory",
        status,
        f"{memory:.0f} GB",
        "" if status == "ok" else "the quickstart needs 4 GB",
    )
    flags = _cpu_flags()
    yield "processor", "ok", ", ".join(flags) or platform.machine(), ""
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    status = "ok" if free >= 2 else "low"
    yield "disk", status, f"{free:.0f} GB free here", "" if status == "ok" else "free some space"


def _cpu_flags() -> list[str]:
    try:
        words = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    except OSError:
        return []
    return [flag for flag in _FLAGS if flag in words]


def _extras() -> Iterator[Row]:
    from lextune import extras

    for extra, modules in extras.MODULES.items():
        absent = extras.missing(extra)
        if absent:
            found, remedy = f"no {', '.join(absent)}", extras.install_command(extra)
            yield f"extra {extra}", "absent", found, remedy
        else:
            version = importlib.metadata.version(modules[0])
            yield f"extra {extra}", "ok", f"{modules[0]} {version}", ""


def _keys() -> Iterator[Row]:
    from lextune.evidence.keys import load_key, load_trust
    from lextune.files import home_folder

    home = home_folder()
    try:
        signer = load_key()
    except LextuneError as error:
        signer = None
        yield from (("key", "broken", one.fact, one.remedy) for one in error.problems)
    else:
        if signer is None:
            yield "key", "absent", f"none in {home}", "made at the first run"
        else:
            yield "key", "ok", str(home / "keys"), ""
    if signer is None and not os.path.lexists(home / "trust.json"):
        yield "trust", "absent", f"none in {home}", "made with the key, or named with --trust"
        return
    try:
        yield "trust", "ok", f"{len(load_trust().keys)} trusted", ""
    except LextuneError as error:
        yield from (("trust", "broken", one.fact, one.remedy) for one in error.problems)


def _packs() -> Iterator[Row]:
    from lextune.policy.packs import load_pack, pack_ids

    for name in pack_ids():
        try:
            pack = load_pack(name)
            yield f"pack {name}", "ok", f"{len(pack.controls)} controls", ""
        except LextuneError as error:
            yield f"pack {name}", "broken", error.problems[0].fact, error.problems[0].remedy
