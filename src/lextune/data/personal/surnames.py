"""Chinese surnames that cover nearly all bearers, after the Hundred Family Surnames and the census; it finds no name."""

from __future__ import annotations

from lextune.data.personal.lists import words

#: Of one sign, for a character class.
COMMON = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林郑谢罗梁宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈"
    "姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
    "常温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季"
    "裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳穆农司卓古吉缪简车项连芦麦褚娄"
    "窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查"
    "麻苑迟邝官封谈匡鞠惠荆乐冀郁胥南班储原栗燕楚鄢劳谌奚皮粟冼蔺楼盘满闻厉伊仝区郜海阚花权强帅屠豆朴"
    "盖练廉禹井祖漆巴丰支卿国狄平计索宣晋门云容敬扈晁芮都普阙浦戈伏鹿薄邸雍辜羊阿乌母裘亓修邰赫杭况"
    "那宿鲜印逯隆茹诺战慕危玉银亢嵇公哈湛宾戎勾茅利于呼居揭干尉冶斯元束檀衣信展阴昝智幸奉植衡富尧闭"
)

#: Of two signs, for an alternation.
DOUBLE = (
    "欧阳|上官|司马|诸葛|皇甫|司徒|东方|独孤|南宫|夏侯|令狐|公孙|慕容|尉迟|长孙|宇文|司空|轩辕|端木|百里|东郭|呼延|闻人|公冶|澹台|申屠|濮阳|淳于|单于|太叔|"
    "钟离|鲜于|闾丘|赫连|完颜|纳兰|西门"
)

#: Common words of two signs that begin with a surname.
NOT_NAMES = frozenset(words("not_names_zh"))
