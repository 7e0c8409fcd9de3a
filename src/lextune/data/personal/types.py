"""Every type of personal data with its titles and what two laws call sensitive; data alone, it finds nothing.

`gdpr` is True for the special categories of GDPR article 9(1): racial or ethnic origin, political opinions, religious or
philosophical beliefs, trade union membership, genetic data, biometric data, health, sex life or sexual orientation.
`pipl` is True for what PIPL article 28 names: biometrics, religious belief, specific identities, medical and health
data, financial accounts, whereabouts, and any data of a person under 14. What else can be sensitive by its use is not
decided here (GB/T 45574-2025 no longer lists an identity number alone). Names are Presidio's where it has one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class PersonalType:
    """What a type of personal data is.

    Attributes:
        name: As in `Detection.type`.
        en: Title in English.
        zh: Title in Chinese.
        gdpr: A special category of GDPR article 9(1).
        pipl: Named in PIPL article 28.
    """

    name: str
    en: str
    zh: str
    gdpr: bool = False
    pipl: bool = False

    @property
    def sensitive(self) -> bool:
        """Under either law."""
        return self.gdpr or self.pipl


_TYPES = (
    PersonalType("AGE", "Age", "年龄"),
    PersonalType("AGE_OF_MINOR", "Age under 14", "未满十四周岁的年龄", pipl=True),
    PersonalType("BANK_ACCOUNT", "Account number that the text calls so", "银行账号", pipl=True),
    PersonalType("BIOMETRIC_DATA", "Biometric data", "生物识别信息", gdpr=True, pipl=True),
    PersonalType("CN_BANK_CARD", "Chinese bank card", "银行卡号", pipl=True),
    PersonalType("CN_LICENSE_PLATE", "Chinese number plate", "车牌号"),
    PersonalType("CN_PASSPORT", "Chinese passport", "中国护照号"),
    PersonalType("CN_PERMANENT_RESIDENT_CARD", "Chinese permanent resident card of a foreigner", "外国人永久居留身份证号"),
    PersonalType("CN_RESIDENCE_PERMIT", "Residence permit of a resident of Hong Kong, Macao or Taiwan", "港澳台居民居住证号"),
    PersonalType("CN_RESIDENT_ID", "Chinese resident identity number", "居民身份证号"),
    PersonalType("CN_TRAVEL_PERMIT", "Travel permit to or from Hong Kong, Macao or Taiwan", "往来港澳台通行证号"),
    PersonalType("CN_UNIFIED_SOCIAL_CREDIT_CODE", "Unified social credit code of an organisation", "统一社会信用代码"),
    PersonalType("CREDENTIAL", "Password, key or token", "口令、密钥或令牌"),
    PersonalType("CREDIT_CARD", "Payment card", "支付卡号", pipl=True),
    PersonalType("CRIMINAL_RECORD", "Criminal record (GDPR article 10)", "犯罪记录"),
    PersonalType("CRYPTO", "Bitcoin address", "比特币地址", pipl=True),
    PersonalType("DATE_OF_BIRTH", "Date of birth", "出生日期"),
    PersonalType("DATE_TIME", "Any other date to the day", "其他日期"),
    PersonalType("DOMAIN_NAME", "Domain name", "域名"),
    PersonalType("EMAIL_ADDRESS", "E-mail address", "电子邮箱"),
    PersonalType("ETHNIC_ORIGIN", "Racial or ethnic origin", "种族或民族", gdpr=True),
    PersonalType("FINANCIAL", "Income, credit score or debt", "收入、信用分或债务"),
    PersonalType("GENETIC_DATA", "Genetic data", "基因信息", gdpr=True),
    PersonalType("HEALTH", "Health", "医疗健康", gdpr=True, pipl=True),
    PersonalType("HK_ID", "Hong Kong identity card", "香港身份证号"),
    PersonalType("IBAN_CODE", "IBAN", "国际银行账号", pipl=True),
    PersonalType("ID_NUMBER", "Number that the text calls an identity number", "文中称为证件号的号码"),
    PersonalType("IP_ADDRESS", "IP address", "IP 地址"),
    PersonalType("KR_RRN", "Korean resident registration number", "韩国居民登记号"),
    PersonalType("LOCATION", "Place", "地点"),
    PersonalType("MAC_ADDRESS", "MAC address", "MAC 地址"),
    PersonalType("NRP", "Nationality or citizenship", "国籍"),
    PersonalType("PASSPORT", "Passport number that the text calls so", "护照号"),
    PersonalType("PERSON", "Name of a person", "姓名"),
    PersonalType("PHONE_NUMBER", "Telephone number", "电话号码"),
    PersonalType("POLITICAL_OPINION", "Political opinion or party", "政治面貌或政治观点", gdpr=True),
    PersonalType("RELIGIOUS_BELIEF", "Religious or philosophical belief", "宗教信仰", gdpr=True, pipl=True),
    PersonalType("SEX_LIFE", "Sex life or sexual orientation", "性生活或性取向", gdpr=True),
    PersonalType("STREET_ADDRESS", "Street address", "地址"),
    PersonalType("TRADE_UNION_MEMBERSHIP", "Trade union membership", "工会会员身份", gdpr=True),
    PersonalType("TW_ID", "Taiwanese identity card", "台湾身份证号"),
    PersonalType("URL", "Web address", "网址"),
    PersonalType("US_DRIVER_LICENSE", "Driving licence number that the text calls so", "驾驶证号"),
    PersonalType("US_ITIN", "US individual taxpayer number", "美国个人纳税识别号"),
    PersonalType("US_SSN", "US social security number", "美国社会保障号"),
    PersonalType("WHEREABOUTS", "Coordinates of a place", "行踪坐标", pipl=True),
    PersonalType("ZIP_CODE", "Postcode that the text calls so", "邮政编码"),
)  # fmt: skip

#: By name, sorted.
TYPES: Mapping[str, PersonalType] = MappingProxyType({one.name: one for one in _TYPES})
