"""What documents say of how a model was made: purpose, base model, data, training; it knows no document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lextune.evidence.documents.base import Part
from lextune.evidence.documents.parts import reading
from lextune.evidence.documents.parts.teller import Teller
from lextune.records import NO_LICENCE, UNKNOWN_LICENCE

#: Of the data: measurements of the room `prepare` that documents show whatever they are about.
_ALL = "prepare"


def identity(t: Teller) -> list[Part]:
    """Name, version, run, tool and day of what is documented."""
    config = t.view.last("config")
    if config is None:
        return [t.gap("Name and version are not stated.", "未说明名称和版本。")]
    digest, predicate = config
    record = predicate.get("record") or {}
    release, tool = record.get("release") or {}, predicate.get("tool") or {}
    return t.fields(
        digest,
        [
            ("Name", "名称", release.get("name")),
            ("Version", "版本", release.get("version")),
            ("Task", "任务", record.get("task")),
            ("Run", "运行编号", predicate.get("run")),
            ("Run began", "运行开始时间", predicate.get("created")),
            ("Made with", "制作工具", f"{tool.get('name')} {tool.get('version')}"),
        ],
    )


def purpose(t: Teller) -> list[Part]:
    """The declared purpose and the places where the model is offered."""
    parts: list[Part] = []
    for name, en, zh in (
        ("purpose", "Intended purpose, as declared", "预期目的（声明）"),
        ("places", "Places where it is offered or its output used", "提供或使用输出的国家和地区"),
    ):
        found = reading.fact(t.view, name)
        if found is None:
            parts.append(
                t.gap(
                    f"{en}: not declared.", f"{zh}：未声明。",
                    (f"declare use.{name} in the config", f"在配置中声明 use.{name}"),
                )
            )  # fmt: skip
        else:
            parts += t.fields(found[1], [(en, zh, found[0])])
    return parts


def declared(t: Teller) -> list[Part]:
    """All declared facts; who declares nothing gets a gap."""
    signed: list[Part] = []
    for digest, profile in reading.profiles(t.view):
        person, day, count = profile.get("person"), profile.get("day"), len(profile["answers"])
        signed.append(
            t.claim(
                [digest],
                f"{person} answers for {count} of the facts, signed on {day}.",
                f"其中 {count} 项事实由 {person} 于 {day} 签名声明。",
            )
        )
    asked = reading.questions(t.view, t.language)
    none = t.words("none of them", "均无")  # an empty list is an answer
    rows = [
        (
            (
                f"{asked[name]} ({name})" if name in asked else name,
                none if value in ([], ()) else t.shown(value),
            ),
            [digest],
        )
        for name, value, digest in reading.facts(t.view)
        if name not in ("purpose", "places")
    ]
    if not rows:
        return [t.gap("No other fact of the use is declared.", "未声明其他使用事实。")]
    return signed + t.table((("declared fact", "声明的事实"), ("answer", "答案")), rows)


def told(t: Teller, name: str, en: str, zh: str) -> list[Part]:
    """One declared fact as a sentence, or as a gap with the key to declare."""
    found = reading.fact(t.view, name)
    if found is None:
        remedy = (f"declare use.{name}", f"声明 use.{name}")
        return [t.gap(f"{en}: not declared.", f"{zh}：未声明。", remedy)]
    return t.fields(found[1], [(en, zh, found[0])])


def base_model(t: Teller) -> list[Part]:
    """The pretrained model: where it comes from, its revision, architecture, licence and files."""
    found = t.view.record("select")
    if found is None:
        return [t.gap("The base model is not stated.", "未说明基础模型。")]
    digest, record = found
    files = [one for one in record.get("files") or () if isinstance(one, Mapping)]
    size = sum(int(one.get("size", 0)) for one in files)
    return [
        *t.fields(
            digest,
            [
                ("Pretrained model", "预训练模型", record.get("id")),
                ("Source", "来源", record.get("source")),
                ("Revision", "版本标识", record.get("revision")),
                ("Architecture", "架构", record.get("architecture")),
            ],
        ),
        *licence(t, digest, record.get("licence"), ("the base model", "基础模型")),
        t.claim(
            [digest],
            f"{len(files)} files of it were read ({size:,} bytes), each pinned by SHA-256 in the statement.",
            f"共读取其中 {len(files)} 个文件（{size:,} 字节），每个文件的 SHA-256 均记录在声明中。",
        ),
    ]


def licence(t: Teller, digest: str, stated: Any, of: tuple[str, str]) -> list[Part]:
    """A licence as found and where; nobody's licence is a gap."""
    record = stated if isinstance(stated, Mapping) else {}
    spdx = record.get("spdx")
    if not spdx or spdx in (NO_LICENCE, UNKNOWN_LICENCE):
        parts: list[Part] = [t.gap(f"No licence of {of[0]} is known.", f"{of[1]}的许可证不明。")]
    else:
        where = record.get("found_in")
        parts = [
            t.claim(
                [digest],
                f"Licence of {of[0]}: {spdx} (found in: {where}).",
                f"{of[1]}的许可证：{spdx}（依据：{where}）。",
            )
        ]
    notes = [("Note on the licence", "许可证备注", record.get("note"))]
    return [*parts, *t.fields(digest, notes, gaps=False)]


def data_sources(t: Teller) -> list[Part]:
    """Where the data come from: sources, licence, basis, what its owner states."""
    found = t.view.record("prepare")
    if found is None:
        return [t.gap("The data are not stated.", "未说明数据。")]
    digest, record = found
    origin = record.get("origin") or {}
    return [
        *t.fields(digest, [("Data sources", "数据来源文件", record.get("sources"))]),
        *licence(t, digest, record.get("licence"), ("the data", "数据")),
        *t.fields(
            digest,
            [
                ("Lawful basis of processing", "处理的合法性基础", record.get("lawful_basis")),
                ("Provenance, as its owner states it", "数据所有者说明的来源", origin.get("source")),
                ("What the data were collected for", "原始收集目的", origin.get("purpose")),
                ("To be kept until", "保存期限至", origin.get("retention_until")),
                ("Languages", "语言", origin.get("language")),
                ("Columns of sensitive data", "敏感信息列", origin.get("sensitive")),
            ],
        ),
        *t.fields(
            digest,
            [
                ("What counts as consent", "同意的认定", origin.get("consent")),
                ("Rows left out before use, by reason", "使用前排除的行（按原因）", origin.get("excluded")),
                ("How personal data were replaced as rows were read", "读取时个人信息的处理方式", record.get("redaction")),
            ],
            gaps=False,
        ),
    ]  # fmt: skip


def data_parts(t: Teller) -> list[Part]:
    """Rows, classes and fingerprints of the parts of the data."""
    found = t.view.record("prepare")
    if found is None:
        return [t.gap("The parts of the data are not stated.", "未说明数据划分。")]
    digest, record = found
    rows = [
        (
            (name, t.shown(one.get("rows")), t.shown(one.get("classes")), str(one.get("fingerprint"))[:16]),
            [digest],
        )
        for name, one in (record.get("splits") or {}).items()
        if isinstance(one, Mapping)
    ]  # fmt: skip
    head = (
        ("part", "部分"),
        ("rows", "行数"),
        ("rows per class", "各类行数"),
        ("fingerprint", "指纹"),
    )
    columns = {key: value for key, value in (record.get("columns") or {}).items() if value}
    return [
        *t.fields(digest, [("Classes", "类别", record.get("classes")), ("Columns", "列", columns)]),
        *t.table(head, rows),
    ]


def data_checks(t: Teller) -> list[Part]:
    """What was measured of the data before training."""
    found = t.measured(reading.measurements(t.view, [_ALL], lambda _: True))
    return found or [t.gap("Nothing was measured of the data.", "未对数据进行任何测量。")]


def some_checks(t: Teller, names: tuple[str, ...], en: str, zh: str) -> list[Part]:
    """Those measurements of the data; each that was not taken is a gap."""
    found = reading.measurements(t.view, [_ALL], lambda one: one.get("name") in names)
    known = {one.get("name") for _, one in found}
    missing = [name for name in names if name not in known]
    parts = t.measured(found)
    if missing:
        shown = ", ".join(missing)
        parts.append(t.gap(f"{en}: not measured ({shown}).", f"{zh}：未测量（{shown}）。"))
    return parts


def training(t: Teller) -> list[Part]:
    """How the model was fine-tuned: method, steps, seed, parameters, privacy."""
    found = t.view.record("train")
    if found is None:
        return [t.gap("Training is not stated.", "未说明训练过程。")]
    digest, record = found
    privacy = {k: v for k, v in (record.get("privacy") or {}).items() if k != "curve"}
    parameters = record.get("parameters") or {}
    rows = [((str(key), t.shown(value)), [digest]) for key, value in sorted(parameters.items())]
    return [
        *t.fields(
            digest,
            [
                ("Method of fine-tuning", "微调方法", record.get("method")),
                ("Steps", "训练步数", record.get("steps")),
                ("Epochs", "训练轮数", record.get("epochs")),
                ("Seed", "随机种子", record.get("seed")),
                ("Precision", "数值精度", record.get("precision")),
            ],
        ),
        *t.fields(digest, [("Differential privacy spent", "差分隐私预算", privacy)], gaps=False),
        *t.table((("parameter", "参数"), ("value", "取值")), rows),
        *t.measured(reading.measurements(t.view, ["train"], lambda _: True)),
    ]


def resources(t: Teller) -> list[Part]:
    """What training cost, and what an answer costs, as far as it was measured."""
    found = t.view.record("train")
    parts: list[Part] = []
    if found is not None:
        digest, record = found
        rows = [
            ((name, t.shown(value)), [digest]) for name, value in (record.get("cost") or {}).items()
        ]
        parts += t.table((("quantity", "项目"), ("value", "数值")), rows)
    costs = t.measured(reading.audit_measurements(t.view, "cost"))
    if not costs:
        costs = [
            t.gap(
                "Operations, energy and size were not measured.", "未测量计算量、能耗和模型体积。",
                ("add `cost` to audits", "在 audits 中加入 cost"),
            )
        ]  # fmt: skip
    return [*parts, *costs]
