"""The model card (README.md in Hugging Face's form) from a run's statements; it knows nothing that they do not say.

Form: https://huggingface.co/docs/hub/model-cards; contents after Mitchell et al., Model Cards for Model
Reporting (2019), https://arxiv.org/abs/1810.03993.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from lextune.evidence.documents.base import DossierView, Language, Term, document
from lextune.evidence.markdown import GAP, code, fields, number, table, text
from lextune.evidence.statements import room_of
from lextune.records import NO_LICENCE, UNKNOWN_LICENCE, ControlResult, Statement, Verdict

_HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?")
_MARKS = {
    "pass": "✓ pass",
    "fail": "✗ fail",
    "insufficient": "? insufficient",
    "not_applicable": "– not applicable",
    "waived": "! waived",
}
_PASSED_ON = {
    "yes": "share alike: what is made from it must be under the same licence",
    "flow": "its terms of use must be passed on with this model",
    "unknown": "whether it asks for the same licence is not settled: a person must read it",
}
_Dict = Mapping[str, Any]


@document(
    "model_card",
    titles={"en": "Model card", "zh": "模型卡"},
    cites="https://huggingface.co/docs/hub/model-cards",
    suffix=".md",
    languages=("en",),
)
def card(view: DossierView, language: Language) -> bytes:  # noqa: ARG001
    """The card that a release has as its README.md."""
    return model_card([one for _, one in view.statements], view.verdict, view.terms).encode()


def model_card(
    statements: Sequence[Statement], verdict: Verdict | None, terms: Sequence[Term] | None = None
) -> str:
    """The card as Markdown with YAML front matter.

    Args:
        statements: Of one run, in ledger order; rooms that are missing are printed as gaps.
        verdict: The decision, or None when there is none yet.
        terms: What the licences of model and data ask of this one; None where no table was asked.
    """
    rooms: dict[str, list[_Dict]] = {}
    for statement in statements:
        rooms.setdefault(room_of(statement) or "", []).append(statement.predicate)
    config, base = _record(rooms, "config"), _record(rooms, "select")
    data, trained = _record(rooms, "prepare"), _record(rooms, "train")
    evaluation = _record(rooms, "evaluate")
    release = _dict(config.get("release"))
    facts = verdict.facts if verdict is not None else _dict(config.get("use"))
    name = f"{text(release.get('name'))} {text(release.get('version'))}"
    lines = [
        *_front_matter(config, base, data, evaluation, facts, terms),
        f"# {name if release else 'Fine-tuned model'}",
        "",
        *_opening(verdict),
        *_use(facts, config),
        *_usage(config),
        *_base(base),
        *_data(data, rooms),
        *_licence(release, base, data, terms, verdict),
        *_training(trained),
        *_metrics(evaluation),
        *_groups(evaluation, rooms),
        *_leakage(evaluation, rooms),
        *_audits(rooms),
        *_controls(verdict),
        *_verify(rooms),
    ]
    return "\n".join(lines).rstrip() + "\n"


#: The hub's words for tasks that are not text-classification; it has none for recommending items.
_TAGS: Mapping[str, str | None] = {
    "ner": "token-classification",
    "image_classification": "image-classification",
    "object_detection": "object-detection",
    "semantic_segmentation": "image-segmentation",
    "speech_to_text": "automatic-speech-recognition",
    "speech_emotion": "audio-classification",
    "recommendation": None,
    "behaviour_prediction": "tabular-classification",
}
#: Of tasks whose input is not told by their name: what it is, and how it is predicted from this folder.
_USAGE = {
    "speech_to_text": (
        "Sounds in WAV, FLAC, OGG or MP3, of any length; several channels are heard as their mean.",
        "lextune predict . talk.wav",
    ),
    "speech_emotion": (
        "Sounds in WAV, FLAC, OGG or MP3; several channels are heard as their mean. It says how a voice sounds, not what "
        "somebody feels.",
        "lextune predict . sounds/",
    ),
    "recommendation": (
        "What somebody did, the oldest event first; or nothing, for an answer without personal features.",
        """echo '{"events": [["ITEM", 1700000000]], "k": 10}' | lextune predict . -""",
    ),
    "behaviour_prediction": (
        "Rows with all features of the data, in a CSV, JSONL or Parquet file; empty where a value is missing.",
        "lextune predict . rows.csv",
    ),
}


def _pipeline_tag(config: _Dict) -> str | None:
    """The hub's word for the task; None where it has none."""
    return _TAGS.get(str(config.get("task")), "text-classification")


def _usage(config: _Dict) -> list[str]:
    """What the model takes and how it is asked, where the task's name does not say it."""
    if str(config.get("task")) not in _USAGE:
        return []
    takes, command = _USAGE[str(config.get("task"))]
    return ["## How to use", "", takes, "", "```sh", command, "```", ""]


def _library(config: _Dict) -> dict[str, str]:
    """The library that loads the folder, where that is always the same: images have several."""
    known = ("text-classification", "token-classification", "automatic-speech-recognition")
    return {"library_name": "transformers"} if _pipeline_tag(config) in known else {}


#: Units of metrics that are listed for the hub.
_RATES = ("proportion", "nats", "score", "errors per word", "errors per character")


def _front_matter(
    config: _Dict,
    base: _Dict,
    data: _Dict,
    evaluation: _Dict,
    facts: _Dict,
    terms: Sequence[Term] | None,
) -> list[str]:
    release = _dict(config.get("release"))
    matter: dict[str, Any] = _hub_licence(release, base, terms or ())
    if _hub_name(base) is not None:
        matter["base_model"] = _hub_name(base)
    datasets = [
        source.removeprefix("hub:")
        for source in _list(data.get("sources"))
        if isinstance(source, str) and source.startswith("hub:")
    ]
    if datasets:
        matter["datasets"] = datasets
    language = facts.get("language") or list(_list(_dict(data.get("origin")).get("language")))
    if language:
        matter["language"] = language
    tag = _pipeline_tag(config)
    matter |= {
        **({"pipeline_tag": tag} if tag is not None else {}),
        **_library(config),
        "tags": ["lextune", *([] if tag is not None else [str(config.get("task"))])],
    }
    measured = [
        item
        for item in _measurements(evaluation)
        if item.get("group") is None
        and item.get("unit") in _RATES
        and not str(item.get("name")).startswith("evaluated_")
        and "_minus_" not in str(item.get("name"))
        and "." not in str(item.get("name"))
    ]
    scores = [
        {"type": item["name"], "value": item["value"]}
        for item in measured
        if isinstance(item.get("value"), float | int)
    ]
    if scores and evaluation.get("status") == "complete":
        matter["metrics"] = sorted({score["type"] for score in scores})
        dataset = ", ".join(str(source) for source in _list(data.get("sources"))) or GAP
        result = {
            "task": {"type": tag or str(config.get("task"))},
            "dataset": {
                "name": dataset,
                "type": datasets[0] if datasets else "other",
                "split": str(evaluation.get("split")),
            },
            "metrics": scores,
        }
        matter["model-index"] = [{"name": str(release.get("name", "model")), "results": [result]}]
    shown = yaml.safe_dump(matter, sort_keys=False, allow_unicode=True, width=1000)
    return ["---", shown.rstrip("\n"), "---", ""]


def _opening(verdict: Verdict | None) -> list[str]:
    if verdict is None:
        return ["No decision has been made on this model.", ""]
    packs = ", ".join(f"{text(pack)} {text(version)}" for pack, version in verdict.packs.items())
    return [
        f"Decision of {verdict.as_of.isoformat()} under {packs or 'no pack'}: **{verdict.outcome}**.",
        "This card is made from the signed statements in `dossier/`. What they do not say is printed "
        f"as “{GAP}”.",
        "",
    ]


def _use(facts: _Dict, config: _Dict) -> list[str]:
    others = [(text(key), text(value)) for key, value in sorted(facts.items()) if key != "purpose"]
    return [
        "## Intended use",
        "",
        *fields([("Task", text(config.get("task"))), ("Purpose", text(facts.get("purpose")))]),
        "Facts that the maker declared:",
        "",
        *table(["fact", "declared"], others),
    ]


def _base(base: _Dict) -> list[str]:
    licence = _dict(base.get("licence"))
    return [
        "## Base model",
        "",
        *fields(
            [
                ("Model", code(base.get("id"))),
                ("Source", code(base.get("source"))),
                ("Revision", code(base.get("revision"))),
                ("Architecture", code(base.get("architecture"))),
                *_licence_fields(licence),
            ]
        ),
    ]


def _licence_fields(licence: _Dict) -> list[tuple[str, str]]:
    spdx = licence.get("spdx")
    meaning = {
        NO_LICENCE: "the authors state no licence (SPDX `NONE`)",
        UNKNOWN_LICENCE: "unknown (SPDX `NOASSERTION`)",
    }
    found = [
        ("Licence", meaning.get(str(spdx), code(spdx))),
        ("Where the licence was found", text(licence.get("found_in"))),
    ]
    if licence.get("packaging"):
        found.append(("What the packaging says of itself", text(licence["packaging"])))
    if licence.get("note"):
        found.append(("Note on the licence", text(licence["note"])))
    return found


def _data(data: _Dict, rooms: Mapping[str, list[_Dict]]) -> list[str]:
    splits = [
        (
            text(name),
            number(_dict(split).get("rows")),
            text(_dict(split).get("classes")),
            code(_dict(split).get("fingerprint")),
        )
        for name, split in _dict(data.get("splits")).items()
    ]
    encodings = [(code(file), text(found)) for file, found in _dict(data.get("encodings")).items()]
    checks = [
        item
        for predicate in rooms.get("prepare", [])
        for item in _measurements(predicate)
        if "leak" not in str(item.get("name"))
    ]
    return [
        "## Data",
        "",
        *fields(
            [
                ("Sources", ", ".join(code(one) for one in _list(data.get("sources"))) or GAP),
                *_licence_fields(_dict(data.get("licence"))),
                ("Lawful basis", text(data.get("lawful_basis"))),
                *_origin(_dict(data.get("origin"))),
                ("Classes", text(data.get("classes"))),
                ("Columns", text(data.get("columns"))),
                ("Fingerprint of all rows", code(data.get("fingerprint"))),
            ]
        ),
        *table(["part", "rows", "rows per class", "fingerprint"], splits),
        "Encodings of the files:",
        "",
        *table(["file", "encoding"], encodings),
        *(["Checks:", "", *_measured(checks)] if checks else []),
    ]


def _origin(origin: _Dict) -> list[tuple[str, str]]:
    """What the data's owner states, and how many rows were left out for it."""
    consent = _dict(origin.get("consent"))
    excluded = [
        f"{text(reason)}: {number(count)}"
        for reason, count in _dict(origin.get("excluded")).items()
    ]
    found = [
        ("Where the data comes from", text(origin.get("source"))),
        ("Purpose of collection", text(origin.get("purpose"))),
        ("To be kept until", text(origin.get("retention_until"))),
        ("Languages", text(origin.get("language") or None)),
        ("Columns of sensitive data", text(origin.get("sensitive") or None)),
    ]
    if consent:
        found.append(("What counts as consent", text(consent)))
    if excluded:
        found.append(("Rows left out before use", "; ".join(excluded)))
    return found


def _licence(
    release: _Dict,
    base: _Dict,
    data: _Dict,
    terms: Sequence[Term] | None,
    verdict: Verdict | None,
) -> list[str]:
    """The licence that the config declares, and the conditions that come with the inputs."""
    found = [("Licence of this model, as declared", code(release.get("licence")))]
    found += [
        (f"Licence of the {name}", code(_dict(record.get("licence")).get("spdx")))
        for name, record in (("base model", base), ("data", data))
    ]
    lines = [
        "## Licence",
        "",
        "This fine-tuned model may be passed on only as the licences of what it was made from allow.",
        "",
        *fields(found),
    ]
    together = [
        text(reason)
        for control in (verdict.controls if verdict is not None else ())
        if control.control == "output_licence"
        for reason in control.reasons
    ]
    if together:
        lines += [f"Read together: {' '.join(together)}", ""]
    if terms is None:
        return [*lines, f"Conditions on this release: {GAP}.", ""]
    if not terms:
        return [*lines, "The packs' table lists nothing that these licences pass on to it.", ""]
    rows = [
        (text(one.source), code(one.licence), _PASSED_ON[one.share_alike], text(one.note))
        for one in terms
    ]
    return [
        *lines,
        "Conditions on this release, by the packs' table of licences:",
        "",
        *table(["from", "licence", "condition", "note"], rows),
    ]


def _training(trained: _Dict) -> list[str]:
    parameters = [
        (code(key), text(value)) for key, value in sorted(_dict(trained.get("parameters")).items())
    ]
    cost = [(text(key), number(value)) for key, value in _dict(trained.get("cost")).items()]
    return [
        "## Training",
        "",
        *fields(
            [
                ("Method", text(trained.get("method"))),
                ("Steps", number(trained.get("steps"))),
                ("Epochs", number(trained.get("epochs"))),
                ("Seed", text(trained.get("seed"))),
                ("Precision", text(trained.get("precision"))),
                ("Differential privacy", text(trained.get("privacy") or "none")),
            ]
        ),
        *table(["parameter", "value"], parameters),
        "Cost:",
        "",
        *table(["quantity", "value"], cost),
    ]


def _metrics(evaluation: _Dict) -> list[str]:
    lines = ["## Metrics", ""]
    if evaluation.get("status") == "crashed":
        problem = text(evaluation.get("problem"))
        return [*lines, f"The evaluation crashed ({problem}). It proves nothing.", ""]
    whole = [
        item
        for item in _measurements(evaluation)
        if item.get("group") is None and "leak" not in str(item.get("name"))
    ]
    lines += [f"Measured on the part: {text(evaluation.get('split'))}.", "", *_measured(whole)]
    lines += ["### Baselines", "", "Measured on the same rows.", ""]
    baselines = [
        {**item, "name": f"{name}: {item.get('name')}"}
        for name, items in _dict(evaluation.get("baselines")).items()
        for item in _list(items)
        if isinstance(item, Mapping)
    ]
    return [*lines, *_measured(baselines)]


def _groups(evaluation: _Dict, rooms: Mapping[str, list[_Dict]]) -> list[str]:
    groups = [item for item in _measurements(evaluation) if item.get("group") is not None]
    groups += [
        item
        for predicate in rooms.get("audit", [])
        for item in _measurements(_dict(predicate.get("record")))
        if "=" in str(item.get("group")) and "confidence=" not in str(item.get("group"))
    ]
    return ["## Metrics by group", "", *_measured(groups)]


def _leakage(evaluation: _Dict, rooms: Mapping[str, list[_Dict]]) -> list[str]:
    counted = [
        item
        for predicate in rooms.get("prepare", [])
        for item in _measurements(predicate)
        if "leak" in str(item.get("name"))
    ]
    clean = [item for item in _measurements(evaluation) if "leak" in str(item.get("name"))]
    return [
        "## Leakage",
        "",
        "Rows found in the training part and in the part that was measured, and the metrics without "
        "them:",
        "",
        *_measured([*counted, *clean]),
    ]


def _audits(rooms: Mapping[str, list[_Dict]]) -> list[str]:
    lines = ["## Audits", ""]
    records = [_dict(predicate.get("record")) for predicate in rooms.get("audit", [])]
    if not records:
        return [*lines, f"{GAP}.", ""]
    for record in records:
        title = f"{text(record.get('audit'))} {text(record.get('version'))}"
        lines += [f"### {title}", "", f"Status: {text(record.get('status'))}.", ""]
        lines += _measured([one for one in _measurements(record) if one.get("group") is None])
        findings = [f"- {text(finding)}" for finding in _list(record.get("findings"))]
        lines += [*findings, ""] if findings else []
    return lines


def _controls(verdict: Verdict | None) -> list[str]:
    lines = ["## Controls", ""]
    if verdict is None:
        return [*lines, f"{GAP}.", ""]
    return [
        *lines,
        *table(
            ["control", "citation", "basis", "severity", "verdict", "reasons"],
            [_control(control) for control in verdict.controls],
        ),
    ]


def _control(control: ControlResult) -> tuple[str, ...]:
    title = control.titles.get("en") or next(iter(control.titles.values()), "")
    reasons = " ".join(text(reason) for reason in (*control.reasons, *control.questions))
    return (
        f"{code(f'{control.pack}/{control.control}')} {text(title)}",
        text(control.citation),
        text(control.basis),
        text(control.severity),
        _MARKS[control.status],
        reasons or GAP,
    )


def _verify(rooms: Mapping[str, list[_Dict]]) -> list[str]:
    run = next(
        (one.get("run") for found in rooms.values() for one in found if one.get("run")), None
    )
    return [
        "## How to verify",
        "",
        f"Run: {code(run)}.",
        "",
        "```sh",
        "pip install lextune",
        "lextune verify . --trust trust.json",
        "```",
        "",
        "Get the signer's public key from the signer, not from this folder. The command checks the "
        "SHA-256 of every file, every signature and the ledger, and recomputes the decision. It needs "
        "neither torch nor a network.",
        "",
    ]


def _measured(items: Iterable[_Dict]) -> list[str]:
    rows = []
    for item in items:
        interval, name = _dict(item.get("interval")), text(item.get("name"))
        group = f" ({text(item['group'])})" if item.get("group") is not None else ""
        undefined = text(item.get("problem") or "not measured")
        bounds = f"{number(interval.get('low'))} – {number(interval.get('high'))}"
        level = interval.get("level")
        percent = f" ({level:.0%})" if isinstance(level, float | int) and level < 1 else ""
        rows.append(
            (
                name + group,
                number(item["value"]) if item.get("value") is not None else undefined,
                bounds + percent if interval else GAP,
                number(item.get("n")),
                text(item.get("unit")),
                text(interval.get("method")),
            )
        )
    return table(["measure", "value", "interval", "n", "unit", "method"], rows)


def _record(rooms: Mapping[str, list[_Dict]], room: str) -> _Dict:
    return _dict(rooms[room][-1].get("record")) if room in rooms else {}


def _measurements(holder: _Dict) -> list[_Dict]:
    return [item for item in _list(holder.get("measurements")) if isinstance(item, Mapping)]


def _dict(value: Any) -> _Dict:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def _hub_licence(release: _Dict, base: _Dict, terms: Sequence[Term]) -> dict[str, str]:
    """The declared licence as the Hub writes ids; else the base model's where that asks for itself; else unknown."""
    declared = release.get("licence")
    if isinstance(declared, str):
        if _HUB_ID.fullmatch(declared) is not None:
            return {"license": declared.lower()}
        return {"license": "other", "license_name": declared}
    spdx = str(_dict(base.get("licence")).get("spdx")).lower()
    asked = {
        one.licence.lower() for one in terms if one.source == "model" and one.share_alike == "yes"
    }
    return {"license": spdx if asked == {spdx} else "unknown"}


def _hub_name(base: _Dict) -> str | None:
    """The base model's id where it is one of the Hub's; a path or a package name would be a dead link."""
    name, source = base.get("id"), str(base.get("source", ""))
    if not isinstance(name, str) or _HUB_ID.fullmatch(name) is None:
        return None
    return name if "/" in name or not source.startswith(("pypi:", "/", ".")) else None
