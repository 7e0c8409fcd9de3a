"""Words that recognisers look for, in English and Chinese; general words of each matter, taken from no data set."""

from __future__ import annotations

HEALTH_EN = (
    "cancer|tumou?r|leukemia|lymphoma|diabetes|diabetic|hypertension|high blood pressure|asthma|arthritis|obesity|epilepsy|stroke|heart attack"
    "|heart disease|heart failure|hiv|hiv-positive|aids|hepatitis|tuberculosis|pneumonia|bronchitis|influenza|covid-19|covid|depression|anxiety disorder"
    "|bipolar disorder|schizophrenia|autism|adhd|ptsd|dementia|alzheimer's|parkinson's|multiple sclerosis|migraine|migraines|anemia|kidney disease"
    "|kidney failure|cirrhosis|ulcer|gastritis|osteoporosis|psoriasis|eczema|lupus|fibromyalgia|pregnant|pregnancy|miscarriage|abortion|infertility"
    "|disability|disabled|wheelchair|chemotherapy|radiotherapy|dialysis|surgery|insulin|ibuprofen|paracetamol|acetaminophen|aspirin|penicillin|amoxicillin"
    "|lipitor|atorvastatin|metformin|warfarin|prozac|xanax|antidepressants|shortness of breath|chest pain|chest tightness|joint pain|joint discomfort"
    "|back pain|stomach pain|abdominal pain|headaches|dizziness|rapid heartbeat|palpitations|fatigue|persistent fatigue|weight loss|excessive weight|weight gain"
    "|blurred vision|frequent thirst|excessive thirst|excessive urination|frequent urination|stiffness|limited mobility|coughing|nausea|vomiting|fever"
    "|unexplained lumps|lumps|insomnia|numbness|seizures|blood type|medical history|mental illness|eating disorder|addiction|alcoholism"
).replace("tumou?r", "tumor|tumour")

HEALTH_ZH = (
    "癌症|肿瘤|恶性肿瘤|良性肿瘤|白血病|淋巴瘤|肺癌|胃癌|肝癌|乳腺癌|糖尿病|高血压|低血压|高血脂|冠心病|心脏病|心肌梗死|心梗|心衰|脑梗|脑梗死|中风|脑出血|哮喘|肺炎|支气管炎"
    "|肺结核|关节炎|肥胖症|肥胖|痛风|癫痫|艾滋病|乙肝|丙肝|肝炎|肝硬化|肾炎|肾衰竭|尿毒症|贫血|甲亢|甲减|抑郁症|焦虑症|双相情感障碍|精神分裂症|自闭症|老年痴呆|阿尔茨海默病|帕金森病"
    "|胃溃疡|胃炎|骨质疏松|骨折|银屑病|湿疹|红斑狼疮|梅毒|淋病|性病|怀孕|流产|不孕|残疾|化疗|放疗|透析|手术史|病历|病史|血型|过敏史|胰岛素|布洛芬|扑热息痛|对乙酰氨基酚|阿司匹林|青霉素|青霉素V钾"
    "|阿莫西林|头孢|立普妥|阿托伐他汀|二甲双胍|华法林|氨氯地平|奥美拉唑|呼吸困难|呼吸急促|呼吸短促|气短|胸闷|胸痛|咳嗽|咳血|头晕|头痛|心悸|心跳过速|心跳过快|乏力|持续疲劳|疲劳|体重下降|体重减轻|体重超标"
    "|体重增加|视力模糊|频繁口渴|口渴|多饮|多尿|尿量增多|尿频|关节疼痛|关节不适|关节痛|僵硬|活动受限|不明肿块|肿块|发烧|发热|恶心|呕吐|腹痛|腹泻|失眠|麻木|便血"
)

#: Category to (English words, Chinese words), small letters, with bars between.
WORDS: dict[str, tuple[str, str]] = {
    "ETHNIC_ORIGIN": (
        "ethnic minority|ethnicity|african american|african-american|black man|black woman|white man|white woman|hispanic|latino|latina|roma people"
        "|native american|indigenous|asian american|aboriginal|jewish descent|arab descent|mixed race",
        "汉族|蒙古族|回族|藏族|维吾尔族|苗族|彝族|壮族|布依族|朝鲜族|满族|侗族|瑶族|白族|土家族|哈尼族|哈萨克族|傣族|黎族|傈僳族|佤族|畲族|高山族|拉祜族|水族|东乡族|纳西族|景颇族|柯尔克孜族|土族|达斡尔族"
        "|仫佬族|羌族|布朗族|撒拉族|毛南族|仡佬族|锡伯族|阿昌族|普米族|塔吉克族|怒族|乌孜别克族|俄罗斯族|鄂温克族|德昂族|保安族|裕固族|京族|塔塔尔族|独龙族|鄂伦春族|赫哲族|门巴族|珞巴族|基诺族|少数民族",
    ),
    "RELIGIOUS_BELIEF": (
        "muslim|muslims|christian|christians|catholic|catholics|protestant|buddhist|buddhists|hindu|hindus|jewish|jew|jews|sikh|sikhs|atheist|atheists"
        "|mormon|jehovah's witness|shiite|shiites|shia|shiis|sunni|sunnis|orthodox christian|evangelical|baptist|taoist|my religion|his religion|her religion",
        "基督徒|基督教徒|天主教徒|穆斯林|佛教徒|道教徒|伊斯兰教徒|信仰佛教|信仰基督教|信仰伊斯兰教|信仰天主教|信奉佛教|宗教信仰|信教|无神论者|印度教徒|犹太教徒|居士",
    ),
    "POLITICAL_OPINION": (
        "republican|democrat|socialist|communist|conservative party|labour party|green party|communist party|voted for|party member|libertarian|anarchist"
        "|political opinion|political views|left-wing|right-wing",
        "中共党员|共产党员|预备党员|入党|共青团员|民主党派|政治面貌|政治观点|民盟盟员|九三学社|民革党员|无党派人士|台独|港独",
    ),
    "TRADE_UNION_MEMBERSHIP": (
        "trade union member|union member|union membership|member of the union|member of a trade union|trade unionist|shop steward|union representative",
        "工会会员|工会成员|加入工会|工会代表|工会干部",
    ),
    "GENETIC_DATA": (
        "genetic test|genetic data|genome|genomic|dna test|dna sample|dna profile|brca1|brca2|genotype|hereditary disease|gene mutation",
        "基因检测|基因信息|基因组|基因突变|基因测序|dna检测|dna样本|遗传病|染色体异常|亲子鉴定",
    ),
    "BIOMETRIC_DATA": (
        "fingerprint|fingerprints|iris scan|retina scan|voiceprint|face recognition data|facial template|faceprint|palm print|gait recognition|biometric data|biometrics",
        "指纹|人脸信息|人脸特征|面部识别特征|虹膜|声纹|掌纹|步态特征|生物识别信息|耳廓",
    ),
    "SEX_LIFE": (
        "gay|lesbian|bisexual|homosexual|transgender|queer|sexual orientation|sex life|heterosexual|lgbt|lgbtq",
        "同性恋|双性恋|性取向|性生活|跨性别|异性恋|男同|女同|变性人",
    ),
    "CRIMINAL_RECORD": (
        "criminal record|convicted of|ex-convict|felony|misdemeanor|sentenced to|on parole|criminal conviction|prior conviction",
        "犯罪记录|前科|有期徒刑|刑满释放|服刑|判刑|拘役|缓刑|吸毒史|违法记录",
    ),
}
