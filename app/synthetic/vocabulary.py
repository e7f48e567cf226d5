"""Vocabulary of synthetic people: family names by their real frequency, given names, places, spellings.

The districts and roads exist; people and house numbers are random. The email domains are reserved by RFC 2606 and RFC 6761.
"""

from typing import Final

_FAMILY_NAME_WEIGHTS: Final = """
김 kim 215, 이 lee 147, 박 park 84, 최 choi 47, 정 jung 43, 강 kang 23, 조 cho 21, 윤 yoon 20, 장 jang 20, 임 lim 17,
한 han 15, 오 oh 15, 서 seo 15, 신 shin 15, 권 kwon 14, 황 hwang 14, 안 ahn 14, 송 song 14, 류 ryu 13, 전 jeon 11,
홍 hong 11, 고 ko 9, 문 moon 9, 양 yang 9, 손 son 9, 배 bae 8, 백 baek 8, 허 heo 7, 유 yoo 13, 남 nam 6, 심 shim 5,
노 noh 6, 하 ha 5, 곽 kwak 4, 성 sung 4, 차 cha 4, 주 joo 4, 우 woo 4, 구 koo 4, 민 min 3, 진 jin 3, 지 ji 3, 엄 eom 3,
채 chae 3, 원 won 3, 천 chun 2, 방 bang 2, 공 kong 2, 현 hyun 2, 함 ham 2, 변 byun 2, 염 yeom 1, 여 yeo 1, 추 chu 1,
도 do 5, 석 seok 5, 선 sun 5, 설 seol 4, 마 ma 4, 길 gil 4, 연 yeon 4, 위 wi 3, 표 pyo 3, 명 myung 3, 기 ki 3, 반 ban 3,
왕 wang 3, 금 geum 3, 옥 ok 3, 인 in 1, 맹 maeng 1, 제 je 1, 남궁 namgung 1, 선우 sunwoo 1, 황보 hwangbo 1
"""
FAMILY_NAMES: Final = tuple(
    (hangul, roman)
    for hangul, roman, weight in (entry.split() for entry in _FAMILY_NAME_WEIGHTS.split(","))
    for _ in range(int(weight))
)
"""About one entry for each per mille of the population: 김, 이 and 박 are 44.6 % of people."""

_FIRST_SYLLABLE_TEXT: Final = """
민 min, 서 seo, 지 ji, 현 hyun, 예 ye, 수 su, 준 jun, 도 do, 하 ha, 은 eun, 영 young, 성 sung, 재 jae, 동 dong, 정 jung,
상 sang, 태 tae, 승 seung, 미 mi, 경 kyung, 혜 hye, 소 so, 유 yu, 진 jin, 주 ju, 선 sun, 보 bo, 희 hee, 다 da, 채 chae
"""
_SECOND_SYLLABLE_TEXT: Final = """
준 jun, 수 su, 연 yeon, 우 woo, 윤 yoon, 호 ho, 영 young, 현 hyun, 진 jin, 희 hee, 아 ah, 은 eun, 원 won, 민 min, 서 seo,
훈 hoon, 석 seok, 철 chul, 숙 sook, 자 ja, 빈 bin, 율 yul, 환 hwan, 미 mi, 주 ju, 혁 hyuk, 린 rin, 경 kyung, 규 kyu, 선 sun
"""
FIRST_SYLLABLES: Final = tuple(
    (hangul, roman) for hangul, roman in (entry.split() for entry in _FIRST_SYLLABLE_TEXT.split(","))
)
SECOND_SYLLABLES: Final = tuple(
    (hangul, roman) for hangul, roman in (entry.split() for entry in _SECOND_SYLLABLE_TEXT.split(","))
)

SHOP_NAMES: Final = (
    "행복슈퍼",
    "우리세탁소",
    "은혜약국",
    "한마음부동산",
    "청솔문구",
    "제일철물",
    "햇살어린이집",
    "경비실",
)

EMAIL_DOMAINS: Final = (
    *("example.com",) * 80,
    *("example.org",) * 50,
    *("example.net",) * 50,
    *("mail.example",) * 50,
    *("post.example",) * 30,
    *("mail.example.com",) * 10,
    "한글.example",
    "xn--bj0bj06e.example",  # the same domain, as machines write it
)

_DISTRICT_TEXT: Final = """
서울특별시/서울시/서울/강남구/테헤란로,논현로,도산대로/역삼동,논현동,신사동
서울특별시/서울시/서울/마포구/월드컵로,양화로,독막로/망원동,서교동,합정동
서울특별시/서울시/서울/송파구/올림픽로,송파대로,오금로/잠실동,문정동,가락동
서울특별시/서울시/서울/노원구/동일로,노해로,상계로/상계동,중계동,공릉동
서울특별시/서울시/서울/관악구/관악로,남부순환로,신림로/봉천동,신림동,남현동
서울특별시/서울시/서울/종로구/종로,자하문로,대학로/효자동,혜화동,평창동
부산광역시/부산시/부산/해운대구/해운대로,센텀중앙로,좌동순환로/우동,좌동,반여동
부산광역시/부산시/부산/부산진구/중앙대로,가야대로,동평로/전포동,개금동,당감동
대구광역시/대구시/대구/수성구/달구벌대로,동대구로,들안로/범어동,만촌동,지산동
인천광역시/인천시/인천/연수구/컨벤시아대로,청능대로,먼우금로/송도동,연수동,동춘동
인천광역시/인천시/인천/부평구/부평대로,장제로,길주로/부평동,산곡동,갈산동
광주광역시/광주시/광주/광산구/첨단중앙로,임방울대로,사암로/수완동,월계동,우산동
대전광역시/대전시/대전/유성구/대학로,노은로,계룡로/봉명동,노은동,궁동
울산광역시/울산시/울산/남구/삼산로,대학로,문수로/삼산동,무거동,옥동
경기도/경기도/경기/성남시 분당구/판교역로,황새울로,불정로/삼평동,서현동,정자동
경기도/경기도/경기/수원시 영통구/광교중앙로,영통로,덕영대로/이의동,영통동,망포동
경기도/경기도/경기/고양시 일산동구/중앙로,호수로,무궁화로/장항동,마두동,백석동
경기도/경기도/경기/화성시/동탄대로,동탄순환대로,병점중앙로/반송동,청계동,병점동
경기도/경기도/경기/부천시 원미구/길주로,부흥로,소향로/중동,상동,심곡동
강원특별자치도/강원도/강원/춘천시/춘천로,공지로,후석로/퇴계동,석사동,후평동
충청북도/충청북도/충북/청주시 흥덕구/가로수로,직지대로,풍산로/복대동,가경동,봉명동
충청남도/충청남도/충남/천안시 서북구/불당대로,두정로,쌍용대로/불당동,두정동,쌍용동
전북특별자치도/전라북도/전북/전주시 완산구/홍산로,백제대로,용머리로/효자동,서신동,중화산동
전라남도/전라남도/전남/순천시/연향로,백강로,조례로/연향동,조례동,왕지동
경상북도/경상북도/경북/포항시 북구/중앙로,양덕로,장량로/양덕동,장성동,두호동
경상남도/경상남도/경남/창원시 성산구/원이대로,중앙대로,창이대로/상남동,반림동,가음동
제주특별자치도/제주도/제주/제주시/연북로,노형로,중앙로/노형동,연동,이도이동
"""
DISTRICTS: Final = tuple(
    (province, informal, short, district, tuple(roads.split(",")), tuple(dongs.split(",")))
    for province, informal, short, district, roads, dongs in (
        line.split("/") for line in _DISTRICT_TEXT.strip().splitlines()
    )
)
"""Province (official, informal and short name), district, roads, legal dongs."""

APARTMENT_COMPLEXES: Final = (
    "래미안",
    "푸르지오",
    "자이",
    "힐스테이트",
    "롯데캐슬",
    "현대아파트",
    "주공아파트",
    "한신휴플러스",
    "e편한세상",
)

# {a} and {b} are the two groups of four digits after 010
PHONE_FORMS: Final = (
    *("010-{a}-{b}",) * 110,
    *("010{a}{b}",) * 44,
    *("010 {a} {b}",) * 10,
    *("010.{a}.{b}",) * 6,
    *("+82 10-{a}-{b}",) * 6,
    *("+8210{a}{b}",) * 6,
    *("+82 10 {a} {b}",) * 4,
    *("82-10-{a}-{b}",) * 3,
    *("8210{a}{b}",) * 2,
    *("+82 (0)10-{a}-{b}",) * 2,
    *("(010) {a}-{b}",) * 2,
    "0082-10-{a}-{b}",
    "010–{a}–{b}",
    "０１０－{a}－{b}",  # the groups become full-width too
    "0１0-{a}-{b}",
    "10{a}{b}",  # Excel read it as a number and dropped the zero
)
