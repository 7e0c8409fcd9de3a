"""The data of a run (Croissant 1.1 with its responsible AI fields) from a dossier; it opens no file of the data.

https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html and
https://docs.mlcommons.org/croissant/docs/croissant-rai-spec.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from lextune.errors import InsufficientError, Problem
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
    is_file,
    run_of,
    said,
    shown,
    statement_urn,
    summarise,
    to_json,
)
from lextune.evidence.documents.machine.licensing import licence_form, notes

_Json = dict[str, Any]
_CROISSANT = "http://mlcommons.org/croissant/"
#: As the specification prints it, with lextune's own terms at the end.
_CONTEXT: _Json = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": _CROISSANT,
    "rai": f"{_CROISSANT}RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
    PREFIX: f"urn:{PREFIX}:croissant:",
}
#: Media types by suffix, in Croissant's words; the machine's own table would make the bytes differ.
_TYPES = {
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".jsonl": "application/jsonlines",
    ".json": "application/json",
    ".parquet": "application/x-parquet",
    ".txt": "text/plain",
    ".xml": "application/xml",
    ".zip": "application/zip",
    ".gz": "application/gzip",
    ".tar": "application/x-tar",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
}
_TABLES = frozenset({".csv", ".tsv", ".jsonl", ".parquet"})
#: Which of the configured columns a table has by task. Of other tasks the config names columns that a layout of
#: folders, a list of boxes or a second file replaces: their structure is a gap.
_ROLES: Mapping[str, tuple[str, ...]] = {
    "sentiment": ("text", "label"),
    "text_classification": ("text", "label"),
    "multi_label_classification": ("text", "label"),
    "behaviour_prediction": ("features", "label"),
}
#: Columns that are there whenever they are named.
_NAMED = ("group", "split_group", "subject", "consent", "sensitive")
#: Measurements of the data by the field that they inform.
_MEASURED: Mapping[str, tuple[str, ...]] = {
    "rai:personalSensitiveInformation": (
        "personal_data_rows", "sensitive_personal_data_rows", "personal_identifier_rows",
        "transcript_personal_data_rows", "face_rows", "image_metadata_rows", "sound_metadata_rows",
        "consent_share", "rows_without_consent", "erased_rows",
    ),
    "rai:dataCollectionMissingData": ("missing_cells", "empty_text_rows"),
    "rai:dataPreprocessingProtocol": ("dropped_train_rows",),
    "rai:dataLimitations": (
        "duplicate_rows", "near_duplicate_rows", "conflicting_rows", "leaked_test_rows", "near_leaked_test_rows",
        "likely_label_error_share",
    ),
    "rai:dataBiases": ("class_imbalance_ratio", "smallest_cell_rows", "main_language_share"),
    "rai:dataAnnotationAnalysis": (
        "label_check_accuracy", "manual_check_pass_share", "manual_check_sample_size",
        "manual_check_reviewers",
    ),
}  # fmt: skip
_SINGLE = frozenset({"rai:dataCollectionMissingData", "rai:dataCollection"})
#: Fields of the vocabulary that no room of lextune states anything of.
_NEVER = (
    "rai:dataCollectionType", "rai:dataCollectionRawData", "rai:dataCollectionTimeframe",
    "rai:dataImputationProtocol", "rai:dataManipulationProtocol", "rai:dataAnnotationProtocol",
    "rai:dataAnnotationPlatform", "rai:annotationsPerItem", "rai:annotatorDemographics",
    "rai:machineAnnotationTools", "rai:dataSocialImpact", "citeAs", "datePublished", "version",
)  # fmt: skip


@document(
    "croissant",
    titles={"en": "Description of the data (Croissant)", "zh": "数据描述（Croissant）"},
    cites="Croissant 1.1 and its RAI vocabulary 1.0 (MLCommons)",
    suffix=".json",
    languages=("en",),
)
def croissant(view: DossierView, _language: Language) -> bytes:
    """The description as JSON-LD; what no statement says is listed under `lextune:gap`.

    Raises:
        InsufficientError: No data was prepared.
    """
    summary = summarise(view, "config", "prepare")
    data = summary.records["prepare"]
    if not data:
        raise InsufficientError(
            Problem(
                "no complete statement says what the data are",
                "run it at least to its data: `lextune run CONFIG`",
                "this document describes data alone",
            )
        )
    sources = summary.sources
    licence = as_object(data.get("licence"))
    origin = as_object(data.get("origin"))
    listed = file_digests(data)
    files = [one for one in listed if is_file(one[0])]
    summary.gaps += [f"the files in {path}" for path, _, _ in listed if not is_file(path)]
    content: _Json = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": [f"{_CROISSANT}1.1", f"{_CROISSANT}RAI/1.0"],
        "name": ", ".join(sources) or "data",
        "description": _description(summary, data),
        "identifier": f"urn:lextune:data:sha256:{shown(data.get('fingerprint'))}",
        "dateModified": created(view)[:10],
        **_licence(licence, summary),
        **_url(sources, summary),
        **({"inLanguage": _languages(origin)} if _languages(origin) else {}),
        "distribution": [_file(number, *one) for number, one in enumerate(files, start=1)],
        "recordSet": [*_classes(data), *_parts(data), *_rows(data, files, summary)],
        **_responsible(summary, data, origin),
    }
    if not _languages(origin):
        summary.gaps.append("inLanguage")
    content[f"{PREFIX}:gap"] = [*dict.fromkeys(summary.gaps), *_NEVER]
    read = [summary.evidence[room] for room in ("config", "prepare") if room in summary.evidence]
    content[f"{PREFIX}:evidence"] = [statement_urn(digest) for digest in read]
    return to_json({key: value for key, value in content.items() if value not in ([], None)})


def _description(summary: Summary, data: Object) -> str:
    parts = [
        f"{shown(name)} {shown(as_object(part).get('rows'))} rows"
        for name, part in as_object(data.get("splits")).items()
    ]
    run, task = run_of(summary.view), said(summary.records["config"].get("task"))
    use = f"The data that the run {run} of lextune read" + (f" for the task {task}" if task else "")
    return f"{use}: {', '.join(parts)}." if parts else f"{use}."


def _licence(licence: Object, summary: Summary) -> _Json:
    form = licence_form(licence.get("spdx"))
    if form.kind in ("none", "unknown"):
        summary.gaps.append(f"license ({form.text})")
        return {}
    link = f"https://spdx.org/licenses/{form.text}" if form.kind == "id" else form.text
    return {"license": link, "usageInfo": notes(licence)} if notes(licence) else {"license": link}


def _url(sources: list[str], summary: Summary) -> _Json:
    """A page is known of data from a hub only."""
    hubs = [source.removeprefix("hub:") for source in sources if source.startswith("hub:")]
    if len(hubs) == 1 == len(sources):
        return {"url": f"https://huggingface.co/datasets/{hubs[0]}"}
    summary.gaps.append("url")
    return {}


def _languages(origin: Object) -> list[str]:
    return [shown(tag) for tag in as_list(origin.get("language"))]


def _file(number: int, path: str, digest: str, size: Any) -> _Json:
    suffix = PurePosixPath(path).suffix.lower()
    return {
        "@type": "cr:FileObject",
        "@id": f"file-{number}",
        "name": path,
        "contentUrl": path,
        "contentSize": f"{shown(size)} B",
        "encodingFormat": _TYPES.get(suffix, "application/octet-stream"),
        "sha256": digest,
    }


def _classes(data: Object) -> list[_Json]:
    names = [shown(name) for name in as_list(data.get("classes"))]
    if not names:
        return []
    return [
        _table("classes", "sc:Enumeration", {"name": "sc:Text"}, [{"name": one} for one in names])
    ]


def _parts(data: Object) -> list[_Json]:
    """The parts that lextune cut, with the fingerprints that tell them apart from any other cut."""
    rows = [
        {
            "name": shown(name),
            "rows": as_object(part).get("rows"),
            "fingerprint": shown(as_object(part).get("fingerprint")),
        }
        for name, part in as_object(data.get("splits")).items()
    ]
    types = {"name": "sc:Text", "rows": "sc:Integer", "fingerprint": "sc:Text"}
    return [_table("parts", "cr:Split", types, rows)] if rows else []


def _table(name: str, kind: str, types: Mapping[str, str], rows: list[_Json]) -> _Json:
    """A record set whose records stand in the document itself."""
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "dataType": kind,
        "key": {"@id": f"{name}/name"},
        "field": [
            {"@type": "cr:Field", "@id": f"{name}/{column}", "name": column, "dataType": one}
            for column, one in types.items()
        ],
        "data": [{f"{name}/{column}": value for column, value in row.items()} for row in rows],
    }


def _rows(data: Object, files: list[tuple[str, str, Any]], summary: Summary) -> Iterator[_Json]:
    """The columns that mean something, of each table; labels and texts are read as text."""
    roles = _ROLES.get(shown(summary.records["config"].get("task")), ())
    stated = as_object(data.get("columns"))
    columns = list(
        _columns({role: stated.get(role) for role in (*roles, *_NAMED)}) if roles else ()
    )
    for number, (path, _, _) in enumerate(files, start=1):
        if PurePosixPath(path).suffix.lower() not in _TABLES or not columns:
            summary.gaps.append(f"the structure of {path}")
            continue
        name = f"rows-{number}"
        yield {
            "@type": "cr:RecordSet",
            "@id": name,
            "name": name,
            "field": [
                {
                    "@type": "cr:Field",
                    "@id": f"{name}/{position}",
                    "name": column,
                    "description": f"{PREFIX}: {role}",
                    "dataType": "sc:Text",
                    "source": {
                        "fileObject": {"@id": f"file-{number}"},
                        "extract": {"column": column},
                    },
                }
                for position, (role, column) in enumerate(columns, start=1)
            ],
        }


def _columns(columns: Object) -> Iterator[tuple[str, str]]:
    """(what it is to lextune, name of the column); a column stands once."""
    seen = set()
    for role, stated in columns.items():
        for column in [stated] if isinstance(stated, str) else as_list(stated):
            if isinstance(column, str) and column and column not in seen:
                seen.add(column)
                yield str(role), column


def _responsible(summary: Summary, data: Object, origin: Object) -> _Json:
    """The responsible AI fields that statements inform; the others are gaps."""
    measured = {
        one.name: one for one in summary.measured("prepare") if one.dump.get("group") is None
    }
    found: dict[str, list[str]] = {
        field: _measured(names, measured) for field, names in _MEASURED.items()
    }
    found["rai:dataCollection"] = _named("Source, as declared", origin.get("source"))
    found["rai:dataUseCases"] = [
        *_named("Collected for, as declared", origin.get("purpose")),
        *_named("Used here to train a model for, as declared", summary.purpose),
    ]
    retention = _named("To be kept until, as declared", origin.get("retention_until"))
    found["rai:dataReleaseMaintenancePlan"] = retention
    personal = found["rai:personalSensitiveInformation"]
    personal += _named("Lawful basis, as declared", data.get("lawful_basis"))
    personal += _named("Columns of sensitive data, as declared", origin.get("sensitive"))
    personal += _named("What counts as consent, as declared", origin.get("consent"))
    personal += _named("Replaced as rows were read", data.get("redaction"))
    found["rai:dataPreprocessingProtocol"] += _named("Rows left out", origin.get("excluded"))
    summary.gaps += [field for field, texts in found.items() if not texts]
    # One value each in the vocabulary; the others are lists.
    single = {*_SINGLE, "rai:dataReleaseMaintenancePlan"}
    return {
        field: "; ".join(texts) if field in single else texts
        for field, texts in found.items()
        if texts
    }


def _measured(names: tuple[str, ...], measured: Mapping[str, Measured]) -> list[str]:
    kept = [measured[name] for name in names if name in measured]
    return [
        one.sentence() if one.value is not None else f"{one.name}: {one.problem}" for one in kept
    ]


def _named(label: str, stated: Any) -> list[str]:
    return [f"{label}: {shown(stated)}"] if stated else []
