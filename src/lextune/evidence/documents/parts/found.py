"""What documents say of how a model does and what was decided: metrics, groups, audits, controls, papers brought."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from lextune.evidence.documents.base import Part, documents
from lextune.evidence.documents.parts import reading
from lextune.evidence.documents.parts.teller import Teller, Words, sentences
from lextune.records import ControlResult, Status

STATUSES: Mapping[Status, Words] = {
    "pass": ("met", "符合"),
    "fail": ("not met", "不符合"),
    "insufficient": ("not enough evidence", "证据不足"),
    "not_applicable": ("does not apply", "不适用"),
    "waived": ("waived", "已豁免"),
}
OUTCOMES: Mapping[str, Words] = {
    "pass": ("may be released", "可以发布"),
    "fail": ("refused: a blocking control is not met", "拒绝：有阻断性控制项不符合"),
    "insufficient": ("refused: not enough evidence", "拒绝：证据不足"),
}
BASES: Mapping[str, Words] = {
    "statute": ("statute", "法律法规"),
    "standard": ("standard", "标准"),
    "guidance": ("guidance", "指引"),
    "house": ("house rule", "内部规则"),
}
SEVERITIES: Mapping[str, Words] = {"block": ("blocks", "阻断"), "warn": ("warns", "提示")}
#: Of groups: figures that documents show; the audit has more.
_GROUP_FIGURES = (
    "group_accuracy", "selection_rate", "true_positive_rate", "false_positive_rate", "impact_ratio",
    "group_error_rate", "group_row_error",
)  # fmt: skip
#: Of audits: what to call them.
AUDITS: Mapping[str, Words] = {
    "calibration": ("calibration", "校准"),
    "group_fairness": ("differences between groups", "群体差异"),
    "membership_inference": ("membership inference", "成员推断"),
    "memorisation": ("memorisation of training data", "训练数据记忆"),
    "robustness": ("robustness to changed inputs", "输入扰动鲁棒性"),
    "poisoning": ("signs of poisoned data and triggers", "数据投毒与触发器迹象"),
    "counterfactual": ("counterfactual changes of groups", "群体反事实"),
    "explanation": ("faithfulness of explanations", "解释的忠实度"),
    "generalisation": ("generalisation", "泛化"),
    "epsilon_audit": ("privacy budget put to the test", "隐私预算检验"),
    "cost": ("cost", "成本"),
}


def performance(t: Teller) -> list[Part]:
    """The metrics of the whole test part, with intervals, and what a crashed evaluation proves: nothing."""
    found = t.view.record("evaluate")
    if found is None or found[1].get("status") == "crashed":
        return [
            t.gap(
                "No accuracy is known: there is no complete evaluation.",
                "没有完成的评估，准确性未知。",
            )
        ]
    digest, record = found
    whole = reading.measurements(t.view, ["evaluate"], lambda one: one.get("group") is None)
    baselines = [
        (digest, {**item, "name": f"{name}: {item.get('name')}"})
        for name, items in (record.get("baselines") or {}).items()
        for item in items
        if isinstance(item, Mapping) and item.get("group") is None
    ]
    split = record.get("split")
    return [
        t.claim(
            [digest],
            f"All figures are of the part “{split}”.",
            f"所有数值均在“{split}”部分上测得。",
        ),
        *t.measured([*whole, *baselines]),
    ]


def groups(t: Teller) -> list[Part]:
    """Figures of the declared groups, and how far they are apart."""
    items = reading.measurements(t.view, ["evaluate"], lambda one: one.get("group") is not None)
    audited = reading.audit_measurements(t.view, "group_fairness")
    items += [
        (digest, one)
        for digest, one in audited
        if one.get("name") in _GROUP_FIGURES
        or (one.get("group") is None and str(one.get("name")).startswith(("largest_", "least_")))
    ]
    if items:
        return t.measured(items)
    return [
        t.gap(
            "Nothing is known of groups of people.", "未获得任何群体数据。",
            ("name data.columns.group and run the audit group_fairness",
             "指定 data.columns.group 并运行 group_fairness 审计"),
        )
    ]  # fmt: skip


def audits(t: Teller, names: Iterable[str]) -> list[Part]:
    """What audits measured of the whole, with their findings; one that did not run is a gap."""
    parts: list[Part] = []
    for name in names:
        words, found = AUDITS[name], reading.audit(t.view, name)
        if found is None or found[1].get("status") != "complete":
            why = ("did not run", "未运行")
            if found is not None:
                crashed = found[1].get("status") == "crashed"
                why = (
                    ("crashed: nothing is known", "运行崩溃，结果未知")
                    if crashed
                    else ("does not apply here", "不适用")
                )
            parts.append(
                t.gap(
                    f"The audit of {words[0]} {why[0]}.", f"{words[1]}审计{why[1]}。",
                    (f"add `{name}` to audits", f"在 audits 中加入 {name}"),
                )
            )  # fmt: skip
            continue
        items = [(digest, one) for digest, one in reading.audit_measurements(t.view, name)
                 if one.get("group") is None]  # fmt: skip
        parts.append(
            t.claim(
                [found[0]],
                f"The audit of {words[0]} (version {found[1].get('version')}) measured:",
                f"{words[1]}审计（版本 {found[1].get('version')}）的测量结果：",
            )
        )
        parts += t.measured(items)
        findings = [one for one in found[1].get("findings") or () if isinstance(one, str)]
        parts += [t.claim([found[0]], one, one) for one in findings]
    return parts


def controls(t: Teller, wanted: Callable[[ControlResult], bool]) -> list[Part]:
    """The decided controls that are wanted and apply, each with its reasons."""
    decided = t.view.last("decide")
    if t.view.verdict is None or decided is None:
        return [t.gap("Nothing has been decided.", "尚未作出决定。")]
    rows = []
    for one in t.view.verdict.controls:
        if one.status == "not_applicable" or not wanted(one):
            continue
        why = [*one.reasons, *one.questions]
        cells = (
            f"{one.pack}/{one.control}",
            f"{one.titles.get(t.language, '')} ({one.citation})",
            t.words(*BASES.get(one.basis, (one.basis, one.basis))),
            t.words(*STATUSES[one.status]),
            sentences(why, t.language),
        )
        rows.append((cells, [decided[0], *one.evidence]))
    head = (("control", "控制项"), ("what it asks", "要求"), ("basis", "依据"), ("result", "结果"), ("why", "理由"))  # fmt: skip
    nothing = t.gap(
        "No control of the chosen packs that applies speaks of this.",
        "所选规则包中没有适用的相关控制项。",
    )
    return t.table(head, rows) or [nothing]


def brought(
    t: Teller, room: Literal["document", "attestation"], name: str, what: Words
) -> list[Part]:
    """Whether a document or attestation is in the dossier, as the verdict would count it; else a gap.

    Args:
        room: `document` or `attestation`.
        name: As packs ask for it.
        what: What it is: “The risk management file”.
    """
    found = reading.listed(t.view, room, name)
    against = [pair for pair in found if pair[1].get("met", True) is not True]
    alive = [pair for pair in found if reading.counts(t.view, pair[1])]
    if against:
        digest = against[0][0]
        return [
            t.claim(
                [digest],
                f"{what[0]}: a signed statement says that it is not met ({name}).",
                f"{what[1]}：已签名的声明表明不符合（{name}）。",
            )
        ]
    if alive:
        digest, entry = alive[0]
        until = entry.get("expires")
        return [
            t.claim(
                [digest],
                f"{what[0]}: in the dossier ({name}, SHA-256 {entry.get('sha256')}"
                + (f", until {until})." if until else ")."),
                f"{what[1]}：已在卷宗中（{name}，SHA-256 {entry.get('sha256')}"
                + (f"，有效期至 {until}）。" if until else "）。"),
            )
        ]
    key = "policy.documents" if room == "document" else "policy.attestations"
    why = (
        ("expired or unreadable", "已过期或无法读取")
        if found
        else ("not in the dossier", "不在卷宗中")
    )
    remedy = (f"bring it by {key}", f"通过 {key} 提交")
    if room == "document" and name in documents.names():
        remedy = (
            f"begin with `lextune document write {name}`, complete it, and {remedy[0]}",
            f"可用 lextune document write {name} 生成草稿，补充后{remedy[1]}",
        )
    return [t.gap(f"{what[0]}: {why[0]} ({name}).", f"{what[1]}：{why[1]}（{name}）。", remedy)]


def by_hand(t: Teller, *items: Words) -> list[Part]:
    """What only people can say: each a gap."""
    remedy = ("a person must write this", "须由负责人填写")
    return [t.gap(en, zh, remedy) for en, zh in items]
