"""Countries with the words for their people, Chinese provinces, and kinds of streets; plain facts, no patterns."""

from __future__ import annotations

#: Country: what its people are called (adjective, then nouns); short names of ISO 3166-1 in common use.
COUNTRIES = (
    "Afghanistan:Afghan,Afghans Albania:Albanian,Albanians Algeria:Algerian,Algerians Andorra:Andorran Angola:Angolan,Angolans "
    "Argentina:Argentine,Argentinian,Argentinians Armenia:Armenian,Armenians Australia:Australian,Australians,Aussie Austria:Austrian,Austrians "
    "Azerbaijan:Azerbaijani,Azeri Bahamas:Bahamian Bahrain:Bahraini,Bahrainis Bangladesh:Bangladeshi,Bangladeshis Barbados:Barbadian "
    "Belarus:Belarusian Belgium:Belgian,Belgians Belize:Belizean,Belizian Benin:Beninese Bhutan:Bhutanese Bolivia:Bolivian,Bolivians "
    "Bosnia:Bosnian,Bosnians Botswana:Botswanan Brazil:Brazilian,Brazilians Brunei:Bruneian,Bruneians Bulgaria:Bulgarian,Bulgarians "
    "Burundi:Burundian Cambodia:Cambodian,Cambodians Cameroon:Cameroonian Canada:Canadian,Canadians Chile:Chilean,Chileans "
    "China:Chinese Colombia:Colombian,Colombians Congo:Congolese Croatia:Croatian,Croatians,Croat,Croats Cuba:Cuban,Cubans Cyprus:Cypriot,Cypriots "
    "Czechia:Czech,Czechs Denmark:Danish,Dane,Danes Djibouti:Djiboutian Dominica:Dominican,Dominicans Ecuador:Ecuadorian,Ecuadorians "
    "Egypt:Egyptian,Egyptians Eritrea:Eritrean Estonia:Estonian,Estonians Ethiopia:Ethiopian,Ethiopians Fiji:Fijian,Fijians "
    "Finland:Finnish,Finn,Finns France:French,Frenchman,Frenchwoman Gabon:Gabonese Gambia:Gambian Germany:German,Germans Ghana:Ghanaian,Ghanaians "
    "Greece:Greek,Greeks Greenland:Greenlandic,Greenlander,Greenlanders Guatemala:Guatemalan,Guatemalans Guinea:Guinean Guyana:Guyanese Haiti:Haitian,Haitians "
    "Honduras:Honduran,Hondurans Hungary:Hungarian,Hungarians Iceland:Icelandic,Icelander,Icelanders India:Indian,Indians "
    "Indonesia:Indonesian,Indonesians Iran:Iranian,Iranians Iraq:Iraqi,Iraqis Ireland:Irish,Irishman Israel:Israeli,Israelis "
    "Italy:Italian,Italians Jamaica:Jamaican,Jamaicans Japan:Japanese Kazakhstan:Kazakh,Kazakhs,Kazakhstani Kenya:Kenyan,Kenyans Kosovo:Kosovar "
    "Kuwait:Kuwaiti,Kuwaitis Kyrgyzstan:Kyrgyz Laos:Laotian,Laotians Latvia:Latvian,Latvians Lebanon:Lebanese Lesotho:Basotho "
    "Liberia:Liberian Libya:Libyan,Libyans Liechtenstein:Liechtensteiner Lithuania:Lithuanian,Lithuanians Luxembourg:Luxembourger Madagascar:Malagasy "
    "Malawi:Malawian Malaysia:Malaysian,Malaysians Maldives:Maldivian Mali:Malian Malta:Maltese Mauritania:Mauritanian Mauritius:Mauritian "
    "Mexico:Mexican,Mexicans Moldova:Moldovan,Moldovans Monaco:Monegasque Mongolia:Mongolian,Mongolians Montenegro:Montenegrin Morocco:Moroccan,Moroccans "
    "Mozambique:Mozambican Myanmar:Burmese Namibia:Namibian Nepal:Nepalese,Nepali Netherlands:Dutch,Dutchman Nicaragua:Nicaraguan,Nicaraguans "
    "Niger:Nigerien Nigeria:Nigerian,Nigerians Norway:Norwegian,Norwegians Oman:Omani,Omanis Pakistan:Pakistani,Pakistanis Palestine:Palestinian,Palestinians "
    "Panama:Panamanian,Panamanians Paraguay:Paraguayan Peru:Peruvian,Peruvians Philippines:Filipino,Filipina,Filipinos Poland:Polish,Pole,Poles "
    "Portugal:Portuguese Qatar:Qatari,Qataris Romania:Romanian,Romanians Russia:Russian,Russians Rwanda:Rwandan,Rwandans Samoa:Samoan,Samoans "
    "Senegal:Senegalese Serbia:Serbian,Serbians,Serb,Serbs Seychelles:Seychellois Singapore:Singaporean,Singaporeans Slovakia:Slovak,Slovaks,Slovakian "
    "Slovenia:Slovenian,Slovenians,Slovene Somalia:Somali,Somalis Spain:Spanish,Spaniard,Spaniards Sudan:Sudanese Suriname:Surinamese "
    "Swaziland:Swazi Sweden:Swedish,Swede,Swedes Switzerland:Swiss Syria:Syrian,Syrians Taiwan:Taiwanese Tajikistan:Tajik Tanzania:Tanzanian,Tanzanians "
    "Thailand:Thai,Thais Tibet:Tibetan,Tibetans Togo:Togolese Tonga:Tongan Tunisia:Tunisian,Tunisians Turkey:Turkish,Turk,Turks Turkmenistan:Turkmen "
    "Uganda:Ugandan,Ugandans Ukraine:Ukrainian,Ukrainians Uruguay:Uruguayan,Uruguayans Uzbekistan:Uzbek,Uzbeks Venezuela:Venezuelan,Venezuelans "
    "Vietnam:Vietnamese Wales:Welsh,Welshman Yemen:Yemeni,Yemenis Zambia:Zambian,Zambians Zimbabwe:Zimbabwean,Zimbabweans "
    "England:English,Englishman,Englishwoman Scotland:Scottish,Scot,Scots,Scotsman Britain:British,Briton,Britons,Brits "
    "America:American,Americans Europe:European,Europeans Africa:African,Africans Asia:Asian,Asians Catalonia:Catalan,Catalans Kurdistan:Kurdish,Kurd,Kurds"
)

#: The words for people, in small letters.
PEOPLE = frozenset(
    one for entry in COUNTRIES.split() for one in entry.partition(":")[2].lower().split(",")
)

#: Names of more than one word, and short ones.
LONG_COUNTRIES = (
    "United States of America|United States|United Kingdom|United Arab Emirates|Czech Republic|Dominican Republic|South Africa|South Korea|North Korea"
    "|New Zealand|Costa Rica|El Salvador|Puerto Rico|Saudi Arabia|Sri Lanka|Ivory Coast|Hong Kong|Macau|Macao|Northern Ireland|Papua New Guinea"
    "|Sierra Leone|San Marino|Trinidad and Tobago|Vatican City|Bosnia and Herzegovina|North Macedonia|South Sudan|Equatorial Guinea|Burkina Faso|Cape Verde"
    "|New York|New Jersey|New Mexico|New Hampshire|North Carolina|South Carolina|North Dakota|South Dakota|West Virginia|Rhode Island|Los Angeles|San Francisco"
    "|California|Texas|Florida|Alabama|Alaska|Arizona|Arkansas|Colorado|Connecticut|Delaware|Hawaii|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine"
    "|Maryland|Massachusetts|Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|Ohio|Oklahoma|Oregon|Pennsylvania|Tennessee|Utah|Vermont|Wisconsin"
    "|Wyoming|London|Paris|Berlin|Madrid|Rome|Vienna|Moscow|Beijing|Shanghai|Tokyo|Seoul|Delhi|Mumbai|Sydney|Melbourne|Toronto|Chicago|Boston|Detroit|Miami"
    "|Los Vegas|Las Vegas|Seattle|Dublin|Amsterdam|Brussels|Stockholm|Copenhagen|Oslo|Helsinki|Lisbon|Prague|Budapest|Warsaw|Athens|Istanbul|Cairo|Dubai"
    "|Bangkok|Jakarta|Manila|Shenzhen|Guangzhou|Hangzhou|Nanjing|Taipei|Munich|Hamburg|Milan|Barcelona|Geneva|Zurich"
)

#: Kinds of streets: USPS Publication 28, appendix C1, whole words and common short forms, and some of other countries.
STREETS = (
    "alley|annex|arcade|avenue|ave|bayou|beach|bend|bluff|bluffs|bottom|boulevard|blvd|branch|bridge|brook|brooks|burg|burgs|bypass|camp|canyon|cape|causeway"
    "|center|centers|circle|circles|cliff|cliffs|club|common|commons|corner|corners|course|court|ct|courts|cove|coves|creek|crescent|crest|crossing|crossroad|crossroads"
    "|curve|dale|dam|divide|drive|dr|drives|estate|estates|expressway|extension|extensions|fall|falls|ferry|field|fields|flat|flats|ford|fords|forest|forge|forges"
    "|fork|forks|fort|freeway|garden|gardens|gate|gateway|glen|glens|green|greens|grove|groves|harbor|harbors|haven|heights|highway|hwy|hill|hills|hollow|inlet|island|islands"
    "|isle|junction|junctions|key|keys|knoll|knolls|lake|lakes|land|landing|lane|ln|light|lights|loaf|lock|locks|lodge|loop|mall|manor|manors|meadow|meadows|mews|mill|mills"
    "|mission|motorway|mount|mountain|mountains|neck|orchard|oval|overpass|park|parks|parkway|pkwy|parkways|pass|passage|path|pike|pine|pines|place|pl|plain|plains|plaza"
    "|point|points|port|ports|prairie|radial|ramp|ranch|rapid|rapids|rest|ridge|ridges|river|road|rd|roads|route|row|rue|run|shoal|shoals|shore|shores|skyway|spring|springs"
    "|spur|spurs|square|squares|sq|station|stravenue|stream|street|st|str|streets|summit|terrace|throughway|trace|track|trafficway|trail|trailer|tunnel|turnpike|underpass|union"
    "|unions|valley|valleys|via|viaduct|view|views|village|villages|ville|vista|walk|walks|wall|way|ways|well|wells|straße|strasse|platz|gatan|gata|vej|tie|katu|utca|tér|calle|avenida|rua|via"
)

#: Provinces, autonomous regions and municipalities of China, without and with what they are.
PROVINCES = "北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西|甘肃|青海|台湾|内蒙古|广西|西藏|宁夏|新疆|香港|澳门"
