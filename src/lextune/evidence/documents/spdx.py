"""The licence statement of a model, its base and its data (SPDX 2.3) from a dossier; it permits nothing and forbids nothing.

https://spdx.github.io/spdx-spec/v2.3/ (JSON). A licence stands as its record states it, and is concluded by nobody.
"""

from __future__ import annotations

from typing import Any

from lextune.evidence.documents.base import DossierView, Language, document
from lextune.evidence.documents.machine.common import (
    Object,
    Summary,
    as_object,
    created,
    file_digests,
    identifier,
    is_file,
    said,
    statement_urn,
    summarise,
    to_json,
    tool_version,
)
from lextune.evidence.documents.machine.licensing import LicenceForm, licence_form, notes
from lextune.evidence.markdown import GAP
from lextune.records import UNKNOWN_LICENCE

_Json = dict[str, Any]
_DOCUMENT, _MODEL, _BASE, _DATA = (
    f"SPDXRef-{name}" for name in ("DOCUMENT", "Model", "BaseModel", "Dataset")
)
#: What SPDX asks of a licence outside its list is its text, and no statement holds one.
_NO_TEXT = "The text of this licence is not in the dossier. Its name there: {name}."


@document(
    "spdx",
    titles={"en": "Licence statement (SPDX)", "zh": "许可声明（SPDX）"},
    cites="SPDX 2.3",
    suffix=".spdx.json",
    languages=("en",),
)
def spdx(view: DossierView, _language: Language) -> bytes:
    """The statement as JSON; what no statement says is NOASSERTION, and named in the document's comment."""
    summary = summarise(view, "config", "select", "prepare", "train")
    packages, forms = [], []
    for make in (_model, _base, _data):
        made = make(summary)
        if made is not None:
            packages.append(made[0])
            forms.append(made[1])
    name = summary.name or GAP
    content = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": _DOCUMENT,
        "name": f"Licences of {name}",
        "documentNamespace": f"urn:uuid:{identifier(view, 'spdx')}",
        "creationInfo": {
            "created": created(view),
            "creators": [f"Tool: lextune-{tool_version(view)}"],
        },
        "comment": _comment(summary),
        "packages": packages,
        "hasExtractedLicensingInfos": _outside(forms),
        "relationships": _relationships({one["SPDXID"] for one in packages}),
    }
    return to_json({key: value for key, value in content.items() if value != []})


def _model(summary: Summary) -> tuple[_Json, LicenceForm]:
    release = summary.release
    name = summary.stated(release.get("name"), "the name of the model")
    version = summary.stated(release.get("version"), "the version of the model")
    form = licence_form(release.get("licence"))
    comments = ["As declared in the config (release.licence)."] if form.kind != "unknown" else []
    verdict = summary.view.verdict
    for one in verdict.controls if verdict is not None else ():
        if one.control == "output_licence":
            comments.append(f"{one.pack}/{one.control}: {one.status}. {' '.join(one.reasons)}")
    package = _package(_MODEL, (name, version), form, comments, summary, ("config", "train"))
    package["externalRefs"] += _files(summary.records["train"])
    return package, form


def _base(summary: Summary) -> tuple[_Json, LicenceForm] | None:
    base = summary.records["select"]
    if not base:
        return None
    licence = as_object(base.get("licence"))
    form = licence_form(licence.get("spdx"))
    named = (said(base.get("id")), said(base.get("revision")))
    package = _package(_BASE, named, form, notes(licence), summary, ("select",))
    package["externalRefs"] += _files(base)
    return package, form


def _data(summary: Summary) -> tuple[_Json, LicenceForm] | None:
    data = summary.records["prepare"]
    if not data:
        return None
    licence = as_object(data.get("licence"))
    form = licence_form(licence.get("spdx"))
    name = ", ".join(summary.sources)
    package = _package(_DATA, (name or None, None), form, notes(licence), summary, ("prepare",))
    package["externalRefs"] += _files(data, data=True)
    return package, form


def _package(
    reference: str,
    named: tuple[str | None, str | None],
    form: LicenceForm,
    comments: list[str],
    summary: Summary,
    rooms: tuple[str, ...],
) -> _Json:
    """A package whose files are not analysed: SPDX 2.3 asks for SHA-1 there, and the statements hold SHA-256."""
    name, version = named
    if form.kind == "unknown":
        summary.gaps.append(f"the licence of {reference}")
    package: _Json = {
        "SPDXID": reference,
        "name": name or GAP,
        **({"versionInfo": version} if version is not None else {}),
        "downloadLocation": UNKNOWN_LICENCE,
        "filesAnalyzed": False,
        "licenseConcluded": UNKNOWN_LICENCE,
        "licenseDeclared": form.expression,
        "copyrightText": UNKNOWN_LICENCE,
        "externalRefs": [
            _reference("statement", statement_urn(summary.evidence[room]))
            for room in rooms
            if room in summary.evidence
        ],
    }
    if comments:
        package["licenseComments"] = "\n".join(comments)
    return package


def _files(record: Object, *, data: bool = False) -> list[_Json]:
    """Every file by its digest, with its path as the comment; of a folder of data the digest is of its listing."""
    return [
        {
            **_reference("listing" if data and not is_file(path) else "file", f"sha256:{digest}"),
            "comment": path,
        }
        for path, digest, _ in file_digests(record)
    ]


def _reference(kind: str, locator: str) -> _Json:
    return {
        "referenceCategory": "OTHER",
        "referenceType": f"lextune-{kind}",
        "referenceLocator": locator,
    }


def _outside(forms: list[LicenceForm]) -> list[_Json]:
    named = dict(pair for form in forms for pair in form.outside)
    return [
        {"licenseId": reference, "name": name, "extractedText": _NO_TEXT.format(name=name)}
        for reference, name in sorted(named.items())
    ]


def _relationships(present: set[str]) -> list[_Json]:
    every = [
        (_DOCUMENT, "DESCRIBES", _MODEL),
        (_MODEL, "DESCENDANT_OF", _BASE),
        (_MODEL, "GENERATED_FROM", _DATA),
    ]
    return [
        {"spdxElementId": left, "relationshipType": kind, "relatedSpdxElement": right}
        for left, kind, right in every
        if right in present
    ]


def _comment(summary: Summary) -> str:
    gaps = [
        *summary.gaps,
        "where to download any of it",
        "copyright notices",
        "a licence concluded by a person",
    ]
    return f"Made from signed statements alone. Not stated there: {'; '.join(dict.fromkeys(gaps))}."
