"""Chooses and pins the pretrained model and finds its licence; it knows nothing of data or training."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from lextune import strict_yaml
from lextune.config import ModelConfig
from lextune.errors import ConfigError, ModelError, Problem
from lextune.models.catalogue import CatalogueEntry, catalogue
from lextune.models.initial import INITIAL, PREFIX
from lextune.models.sources import ModelFiles, read_model
from lextune.records import NO_LICENCE, UNKNOWN_LICENCE, Licence, ModelRef
from lextune.tasks.base import tasks
from lextune.tasks.vision.segmenters import architecture_of


@dataclass(frozen=True)
class SelectedModel:
    """A pinned model and the bytes of its files."""

    ref: ModelRef
    files: dict[str, bytes]


def select(
    config: ModelConfig, task: str, notify: Callable[[str], None] | None = None,
    language: str | None = None,
) -> SelectedModel:  # fmt: skip
    """Read, pin and describe the model that the config names; `auto` takes the catalogue's first for the task.

    Args:
        config: The config's model section.
        task: Name of the task.
        notify: Told what was chosen.
        language: BCP 47 tag of the data's texts; `auto` then takes the first that was trained on it.

    Raises:
        ModelError: See `sources.read_model`.
    """
    notify = notify or (lambda _: None)
    if config.source == "auto":
        config = config.model_copy(update={"source": _automatic(task, language)})
        notify(f"model.source auto is {config.source}")
    found = read_model(config, notify, tasks.get(task).input_kind)
    if config.source.startswith(PREFIX):
        notify(_about(config.source))
    try:
        raw = json.loads(found.files["config.json"])
        architecture = str(raw.get("model_type") or architecture_of(raw) or raw["architecture"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            Problem(
                f"config.json of {config.source} names no model_type, and no architecture of timm",
                "give a folder that transformers or timm can load",
            )
        ) from error
    ref = ModelRef(
        source=config.source,
        id=found.id,
        revision=found.revision,
        architecture=architecture,
        licence=_with_origin(find_licence(found, config.licence), config.source),
        files=found.digests,
    )
    return SelectedModel(ref, found.files)


def _with_origin(licence: Licence, source: str) -> Licence:
    """The licence, and of a model that lextune brings without weights where these come from."""
    return (
        licence.model_copy(update={"note": _about(source)})
        if source.startswith(PREFIX)
        else licence
    )


def _about(source: str) -> str:
    return INITIAL[source.removeprefix(PREFIX)].about


def _automatic(task: str, language: str | None) -> str:
    for source, entry in catalogue().items():
        if task in entry.tasks and (language is None or _speaks(entry, language)):
            return source
    for name, one in INITIAL.items():
        if task in one.tasks:
            return f"{PREFIX}{name}"
    spoken = "" if language is None else f" in the language {language!r}"
    raise ModelError(
        Problem(
            f"the catalogue has no model for the task {task!r}{spoken}", "name one as model.source"
        )
    )


def _speaks(entry: CatalogueEntry, language: str) -> bool:
    """Whether the entry has the language (`zh` of `zh-Hant-TW`), is of many (`mul` of ISO 639-2), or of no texts."""
    spoken = entry.languages
    return not spoken or re.split("[-_]", language.lower())[0] in spoken or "mul" in spoken


def find_licence(found: ModelFiles, declared: str | None) -> Licence:
    """The model's own word (its card) first, then what the config declares; never the wrapping package's.

    For a model that was converted, the catalogue has its authors' word.
    """
    packaging = found.packaging_licence
    if found.upstream is not None and found.upstream.conversion is not None:
        known = found.upstream.conversion
        return Licence(
            spdx=known.licence,
            found_in=f"lextune's catalogue of models, as the authors of {found.upstream.upstream} state it",
            packaging=packaging if packaging != known.licence else None,
            note=known.note,
        )
    stated = _card_licence(found.files.get("README.md", b""))
    if stated:
        spdx = normalise(stated)
        differs = packaging is not None and normalise(packaging) != spdx
        note = None
        if declared and normalise(declared) != spdx:
            note = f"the config declares {declared}, the model card says {spdx}; the card counts"
        elif differs:
            note = (
                f"the package says {packaging}, which is its packaging; the model card says {spdx}"
            )
        return Licence(
            spdx=spdx,
            found_in="model card (README.md)",
            packaging=packaging if differs else None,
            note=note,
        )
    if declared:
        return Licence(
            spdx=normalise(declared), found_in="declared in the config", packaging=packaging
        )
    return Licence(
        spdx=UNKNOWN_LICENCE,
        found_in="no model card states one and nothing was declared",
        packaging=packaging,
    )


def _card_licence(card: bytes) -> str | None:
    """The `license` key of a model card's YAML front matter."""
    match = re.match(rb"\A\s*---\r?\n(.*?)\r?\n---", card, re.DOTALL)
    if not match:
        return None
    try:
        front = strict_yaml.load(match[1], "README.md").data
    except ConfigError:
        # A card that is no good YAML may still name a restrictive licence: that line must not be lost.
        line = re.search(rb"^license:[ \t]*['\"]?([^\s'\"#]+)", match[1], re.MULTILINE)
        return line[1].decode(errors="replace") if line else None
    stated = front.get("license") if isinstance(front, dict) else None
    if isinstance(stated, list) and stated and all(isinstance(one, str) for one in stated):
        return " AND ".join(stated)  # a list does not say "or", so all of them bind
    if stated == "other" and isinstance(front.get("license_name"), str):
        return str(front["license_name"])
    return stated if isinstance(stated, str) and stated.strip() else None


def normalise(text: str) -> str:
    """A licence as people write it, as SPDX where SPDX has it; other ids (`llama3.2`) stay as they are."""
    from license_expression import ExpressionError, get_spdx_licensing

    word = text.strip()
    if word.lower() in ("none", "no licence", "no license"):
        return NO_LICENCE
    if word.lower() in ("", "unknown", "other", "noassertion"):
        return UNKNOWN_LICENCE
    licensing = get_spdx_licensing()
    try:
        parsed = licensing.parse(word, validate=True)
    except (ExpressionError, IndexError):  # the last of "()"
        return word
    return str(parsed) if parsed is not None else UNKNOWN_LICENCE
