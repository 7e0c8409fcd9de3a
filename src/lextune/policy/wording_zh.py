"""The Chinese of every sentence that a decision is told in, by its English template; it holds no words of packs."""

from collections.abc import Mapping

CHINESE: Mapping[str, str] = {
    # applicability
    "{name}: declare this fact": "{name}：请申报这一事实",
    # bounds
    "{name} is {value}, {level} interval {low} to {high} ({method}), n={n}": (
        "{name} 为 {value}，{level} 置信区间 {low} 至 {high}（{method}），n={n}"
    ),
    "{shown}: {why}": "{shown}：{why}",
    "{name} is undefined ({why})": "{name} 无定义（{why}）",
    "{shown}: its unit is {found}, not {unit}": "{shown}：其单位为 {found}，而非 {unit}",
    "{shown}: at least n={n} is needed": "{shown}：至少需要 n={n}",
    "undefined": "无定义",
    "{name} is {value}, without an interval, n={n}": "{name} 为 {value}，没有置信区间，n={n}",
    "{name} is {value} (counted exactly, n={n})": "{name} 为 {value}（完全计数，n={n}）",
    "{name}: measure it on n={n} or more, to compare with {bound}": (
        "{name}：请在 n={n} 或更多样本上测量，以便与 {bound} 比较"
    ),
    "{name}: measure it with its interval on n={n} or more, to compare with {bound}": (
        "{name}：请在 n={n} 或更多样本上测量并给出置信区间，以便与 {bound} 比较"
    ),
    "the bound needs an interval": "该界限需要置信区间",
    "the interval is upside down": "置信区间上下限颠倒",
    "an interval of level {level} % or more is needed": "需要置信水平不低于 {level} % 的区间",
    "no reason given": "未说明原因",
    "the unfavourable end {end} meets {bound}": "不利一端 {end} 符合 {bound}",
    "the bound of {bound} lies outside the interval": "界限 {bound} 位于区间之外",
    "the bound of {bound} lies inside the interval": "界限 {bound} 位于区间之内",
    "the favourable end {end} meets {bound}, so it is not clearly violated": (
        "有利一端 {end} 符合 {bound}，因此没有明显违反"
    ),
    "the point estimate {point} meets {bound}": "点估计 {point} 符合 {bound}",
    "the point estimate {point} violates {bound}": "点估计 {point} 违反 {bound}",
    "the value and both ends meet {bound}": "数值及区间两端均符合 {bound}",
    "{bound} is violated, the bound lies outside the interval": "违反 {bound}，界限位于区间之外",
    "the interval is too wide to say whether {bound} holds": "区间过宽，无法判断 {bound} 是否成立",
    "even the favourable end {end} violates {bound}": "即使有利一端 {end} 也违反 {bound}",
    # licences
    "{found}; without a licence {use} is not permitted": "{found}；没有许可，不得{use}",
    "{subject} is under {spdx} (found in {place}): {reason}": (
        "{subject}采用 {spdx} 许可（见于 {place}）：{reason}"
    ),
    "{reason}; note: {note}": "{reason}；注：{note}",
    "that is no SPDX expression that can be read": "这不是可以读取的 SPDX 表达式",
    "the table does not know the exception {key}": "许可表中没有例外 {key}",
    "no licence is stated, so {use} is not permitted": "没有载明任何许可，因此不得{use}",
    "{key} means that nobody knows the licence": "{key} 表示无人知晓其许可",
    " (this row is unconfirmed)": "（此行尚待确认）",
    "{doubt}: {note}": "{doubt}：{note}",
    "{id} permits {use}{note}": "{id} 允许{use}{note}",
    "{id} gives no condition for {use}{note}": "{id} 没有给出{use}的条件{note}",
    "{id} permits {use} on a condition, and {named} is not declared{note}": (
        "{id} 附条件允许{use}，而 {named} 未申报{note}"
    ),
    "{id} does not permit {use} as declared ({named}){note}": "按所申报的 {named}，{id} 不允许{use}{note}",
    "{id} permits {use} as declared ({named}){note}": "按所申报的 {named}，{id} 允许{use}{note}",
    "{id} does not permit {use}{note}": "{id} 不允许{use}{note}",
    "{id} does not settle {use}{note}": "{id} 未明确是否允许{use}{note}",
    "the authors of {subject} state no licence, although its packaging says {packaging}": (
        "{subject}的作者没有载明许可，尽管其打包者标注为 {packaging}"
    ),
    "the authors of {subject} state no licence": "{subject}的作者没有载明许可",
    "the table does not know {key}": "许可表中没有 {key}",
    "commercial use": "商业使用",
    "making a derivative such as a fine-tuned model": "制作衍生品（例如微调模型）",
    "model licence: bring the statement that states it": "模型许可：请提交载明该许可的声明",
    "data licence: bring the statement that states it": "数据许可：请提交载明该许可的声明",
    "model licence: read the licence of {subject}; does it permit {use}? A person must decide and state it, or sign "
    "a waiver.": (
        "模型许可：请阅读{subject}的许可；它是否允许{use}？须由负责人决定并载明，或签署豁免。"
    ),
    "data licence: read the licence of {subject}; does it permit {use}? A person must decide and state it, or sign "
    "a waiver.": (
        "数据许可：请阅读{subject}的许可；它是否允许{use}？须由负责人决定并载明，或签署豁免。"
    ),
    # output_licence
    "release.licence is {licence}": "release.licence 为 {licence}",
    "release.licence is not declared": "未申报 release.licence",
    "{told} each ask that what is made from it be under that licence, and no licence satisfies both": (
        "{told}各自要求衍生品采用该许可，没有许可能同时满足"
    ),
    "the terms of use of {told} must be passed on": "{told}的使用条款须一并传递",
    "the table does not know {told}, so nobody can say what it asks of the output": (
        "许可表中没有{told}，因此无法得知它对输出模型的要求"
    ),
    "whether {told} asks for the same licence is not settled: {note}": (
        "{told}是否要求相同许可尚无定论：{note}"
    ),
    "release.licence: write an SPDX expression, or the id that model hubs use": (
        "release.licence：请填写 SPDX 表达式，或模型平台使用的标识"
    ),
    "release.licence is no expression that can be read": "release.licence 不是可以读取的表达式",
    "release.licence is {key}, which is not among them": "release.licence 为 {key}，不在其中",
    "release.licence: bring the statements that state the licences": (
        "release.licence：请提交载明各项许可的声明"
    ),
    "no licence of model or data asks for a particular licence of the output": (
        "模型许可与数据许可均未要求输出模型采用特定许可"
    ),
    "attribution is due under {due}": "依 {due} 须署名",
    "{told} asks that the model's name begin with {prefix}, and it is {name!r}": (
        "{told}要求模型名称以 {prefix} 开头，而现名为 {name}"
    ),
    "release.licence {id} permits commercial use, which {told} does not give": (
        "release.licence {id} 允许商业使用，而{told}并未给予"
    ),
    "{other} limits the use, and {winner} asks for the same licence without further limits": (
        "{other}限制用途，而{winner}要求采用相同许可且不得另加限制"
    ),
    "release.licence is {key}, and {told} limits the use": "release.licence 为 {key}，而{told}限制用途",
    "{id} of the model": "模型的 {id}",
    "{id} of the data": "数据的 {id}",
    "no licence of the model is stated, so nobody can say under which licence what is made from it may be passed "
    "on": "没有载明模型的许可，因此无法得知衍生品可采用何种许可发布",
    "no licence of the data is stated, so nobody can say under which licence what is made from it may be passed "
    "on": "没有载明数据的许可，因此无法得知衍生品可采用何种许可发布",
    "release.licence: read the licence of the model; under which licence may a model made from it be passed on?": (
        "release.licence：请阅读模型的许可；由其制成的模型可采用何种许可发布？"
    ),
    "release.licence: read the licence of the data; under which licence may a model made from it be passed on?": (
        "release.licence：请阅读数据的许可；由其制成的模型可采用何种许可发布？"
    ),
    "release.licence: does {id} bind a model that is made from the model? A person must decide, and sign a "
    "waiver.": "release.licence：{id} 是否约束由该模型制成的模型？须由负责人决定并签署豁免。",
    "release.licence: does {id} bind a model that is made from the data? A person must decide, and sign a "
    "waiver.": "release.licence：{id} 是否约束由该数据制成的模型？须由负责人决定并签署豁免。",
    "release.licence: the licences contradict each other; may the model be passed on, and under which licence? A "
    "person must decide, obtain another licence, or sign a waiver.": (
        "release.licence：各项许可相互矛盾；模型可否发布，采用何种许可？须由负责人决定、另行取得许可或签署豁免。"
    ),
    "release.licence: does {key} bind users to the limits of {id}? A person must decide, or declare {id}.": (
        "release.licence：{key} 是否使用户受 {id} 的限制约束？须由负责人决定，或申报 {id}。"
    ),
    "release.licence: declare {wanted}; under which licence is the model passed on?": (
        "release.licence：请申报 {wanted}；模型采用何种许可发布？"
    ),
    "release.licence: declare {wanted} (or a licence that passes on its terms of use); under which licence is the "
    "model passed on?": (
        "release.licence：请申报 {wanted}（或传递其使用条款的许可）；模型采用何种许可发布？"
    ),
    "{wins} decides: what is made from it must be under {licences}": (
        "以{wins}为准：衍生品须采用 {licences}"
    ),
    "{wins} decide: what is made from it must be under {licences}": (
        "以{wins}为准：衍生品须采用 {licences}"
    ),
    # readings
    "the room {room}": "{room} 阶段",
    "the model": "模型",
    "the data": "数据",
    "{name} was not measured ({rooms} did not complete)": "{name} 未测量（{rooms}未完成）",
    "{name} was not measured": "{name} 未测量",
    "{name} was measured differently twice": "{name} 两次测量结果不同",
    "{name} comes from {room}, which did not complete": "{name} 来自{room}，而该阶段未完成",
    "{name} is not written as a measurement": "{name} 的写法不是测量值",
    "is listed without its SHA-256": "未列出 SHA-256",
    "expired on {day}": "已于 {day} 失效",
    "has no readable expiry date": "失效日期无法读取",
    "is in a statement that is not complete": "所在声明未完成",
    "without a name": "未命名",
    "no statement of the room {room} is there to state the licence": "没有 {room} 阶段的声明来载明许可",
    "two statements of the room {room} state different licences": "{room} 阶段的两份声明载明了不同许可",
    "the statement of the room {room} states no licence that can be read": (
        "{room} 阶段的声明没有载明可读取的许可"
    ),
    "the statement of the room config states no release that can be read": (
        "config 阶段的声明没有载明可读取的发布信息"
    ),
    "no statement of the room config is there to state the release": "没有 config 阶段的声明来载明发布信息",
    "two statements of the room config state different releases": "config 阶段的两份声明载明了不同的发布信息",
    "no bound was set before testing (policy.thresholds)": "测试之前没有设定界限（policy.thresholds）",
    "two statements of the room config state different thresholds": "config 阶段的两份声明载明了不同的界限",
    "the document {name!r} is not in the dossier": "档案中没有文件“{name}”",
    "the attestation {name!r} is not in the dossier": "档案中没有证明“{name}”",
    "the document {name!r} says that it is not met": "文件“{name}”表明未满足要求",
    "the attestation {name!r} says that it is not met": "证明“{name}”表明未满足要求",
    "the document {name!r} {fault}": "文件“{name}”{fault}",
    "the attestation {name!r} {fault}": "证明“{name}”{fault}",
    # verdict
    "It is unknown whether this applies: {name} is not declared.": "无法判断是否适用：{name} 未申报。",
    "It is unknown whether this applies: what {name} is declared to be is no answer to it.": (
        "无法判断是否适用：对 {name} 的申报不是有效回答。"
    ),
    "It does not apply: exempt under {cited} ({named}).": "不适用：依 {cited} 豁免（{named}）。",
    "It does not apply: {named}.": "不适用：{named}。",
    "It applies from {day}, not yet on {as_of}.": "自 {day} 起适用，{as_of} 尚未适用。",
    "It applied until {day}.": "适用至 {day} 为止。",
    "{name} is declared {value}": "{name} 申报为 {value}",
    "it applies to every use": "适用于一切用途",
    "always": "始终",
    "empty": "空",
    "Prohibited: {why}.": "禁止：{why}。",
    "This control is unconfirmed: check it against the official text.": "该控制项尚待确认：请与官方文本核对。",
    "policy.thresholds: set bounds for {about} before anything is tested": (
        "policy.thresholds：请在测试之前为 {about} 设定界限"
    ),
    "named measurements": "指定的测量值",
    "no bound of {name} was set before testing": "测试之前没有为 {name} 设定界限",
    "waiver by {person} until {day}: {reason}": "{person} 签署的豁免，有效期至 {day}：{reason}",
    "no waiver lifts this control ({signed})": "任何豁免均不能解除该控制项（{signed}）",
    "expired on {day}: {signed}": "已于 {day} 失效：{signed}",
    "Not enforced: it is adopted but does not bind yet (status staged)": (
        "不予执行：已通过但尚无约束力（状态 staged）"
    ),
    "Not enforced: it is a draft, not law (status draft)": "不予执行：仅为草案，并非法律（状态 draft）",
    "Not enforced: it is repealed (status repealed)": "不予执行：已废止（状态 repealed）",
    "Not enforced: its withdrawal is pending (status rescission_pending)": (
        "不予执行：正在撤销（状态 rescission_pending）"
    ),
    "Not enforced: a court order stays it (status stayed)": "不予执行：法院命令暂停执行（状态 stayed）",
    "its date is {day}": "其日期为 {day}",
    "its date is {day}, which has passed: look for a newer version of the pack": (
        "其日期 {day} 已过：请查找规则包的新版本"
    ),
    "the document {name!r} is in the dossier.": "档案中有文件“{name}”。",
    "the attestation {name!r} is in the dossier.": "档案中有证明“{name}”。",
    "{name}: bring this document": "{name}：请提交该文件",
    "{name}: bring this attestation": "{name}：请提交该证明",
}

#: The Chinese of `schema.Topic`.
TOPICS: Mapping[str, str] = {
    "accuracy": "准确性", "automated_decisions": "自动化决策", "bias_testing": "偏见测试", "biometrics": "生物识别",
    "children": "未成年人", "conformity": "合格评定", "consent": "同意", "content_labelling": "内容标识",
    "cross_border": "出境", "data_quality": "数据质量", "data_rights": "个人权利", "documentation": "技术文件",
    "employment": "用工", "governance": "治理", "human_oversight": "人工监督", "impact_assessment": "影响评估",
    "incident_reporting": "事件报告", "intellectual_property": "知识产权", "liability": "责任", "licence": "许可",
    "logging": "日志", "prohibited_practice": "禁止行为", "recommendation": "推荐", "registration": "备案与登记",
    "retention": "保存期限", "robustness": "稳健性", "risk_management": "风险管理", "safety_testing": "安全测试",
    "security": "安全", "sensitive_data": "敏感数据", "training_data": "训练数据", "transparency": "透明度",
}  # fmt: skip
