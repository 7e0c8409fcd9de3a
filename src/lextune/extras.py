"""What each extra brings, and the command that installs it; it imports nothing until it is asked."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import json
import urllib.parse
import urllib.request
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from lextune.errors import MissingExtraError, Problem

#: The extras of pyproject.toml with the modules without which they do not work.
MODULES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "data": (
            "pyarrow",
            "scipy",
            "sklearn",
            "charset_normalizer",
            "names",
            "phonenumbers",
            "stdnum",
            "rensa",
            "py3langid",
            "ahocorasick_rs",
        ),
        "presidio": ("presidio_analyzer", "spacy"),
        "report": ("jinja2", "vl_convert"),
        "documents": ("weasyprint",),
        "text": ("torch", "transformers", "tokenizers", "safetensors"),
        "vision": ("timm", "PIL", "torchvision", "segmentation_models_pytorch", "faster_coco_eval"),
        "audio": ("soundfile", "soxr", "jiwer"),
        "lora": ("peft",),
        "privacy": ("opacus", "dp_accounting"),
        "serve": ("fastapi", "uvicorn"),
    }
)


def missing(extra: str) -> list[str]:
    """The modules of the extra that are not installed."""
    return [name for name in MODULES[extra] if importlib.util.find_spec(name) is None]


def require(extra: str) -> None:
    """Check that an extra is installed, before any work.

    Raises:
        MissingExtraError: It is not; the remedy is the command that installs it.
    """
    absent = missing(extra)
    if absent:
        raise _error(extra, absent)


def need(extra: str, module: str) -> Any:
    """A module that the extra brings, imported.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise _error(extra, [module.partition(".")[0]]) from error


def install_command(extra: str) -> str:
    """What installs the extra from where lextune itself came: a checkout, a folder, or the package index.

    https://packaging.python.org/en/latest/specifications/direct-url/
    """
    text = importlib.metadata.distribution("lextune").read_text("direct_url.json")
    origin = json.loads(text) if text else {}
    url = urllib.parse.urlsplit(origin.get("url", ""))
    if url.scheme != "file" or "dir_info" not in origin:
        return f'pip install "lextune[{extra}]"'
    folder = urllib.request.url2pathname(url.path)
    editable = "-e " if origin["dir_info"].get("editable") else ""
    return f'pip install {editable}"{folder}[{extra}]"'


def _error(extra: str, absent: list[str]) -> MissingExtraError:
    verb = "is" if len(absent) == 1 else "are"
    return MissingExtraError(
        Problem(
            f"{', '.join(absent)} {verb} not installed",
            install_command(extra),
            f"the extra `{extra}` brings what this needs",
        )
    )
