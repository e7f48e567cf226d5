"""Spellings that people really have, taken from public bug reports: each with its canonical form, or the reason of its refusal after "!".

A new case is one line. The column's values are canonicalized in bulk, too, where the rules for common spellings handle them.
"""

from unicodedata import normalize

import pytest

from app.identifiers import MalformedValue, ValueKind, canonicalize
from tests.identifiers.test_bulk import assert_agrees_or_declines

MASKED_NAMES = """
홍*동 홍＊동 홍∗동 홍⁎동 홍✱동 홍○동 홍●동 홍◯동 홍◎동 홍⚪동 홍⚫동 홍⬤동 홍⭕동 홍〇동 홍★동 홍☆동 홍⭐동 홍□동 홍■동 홍⬛동 홍◇동 홍◆동 홍▲동
홍※동 홍×동 홍✕동 홍❌동 홍X동 홍x동 홍Ｘ동 홍Х동 홍O동 홍o동 홍Ｏ동 홍ⓞ동 홍0동 홍ㅇ동 홍ㅁ동 홍_동 홍＿동 홍?동 홍？동 홍#동 홍•동 홍�동
홍●길동 홍X동님
남궁X수 남궁★수 제갈#명 홍XX동 홍★★동 홍★★ 홍●● 홍•• 홍__ 홍?? 홍OO 김XX 김O 홍ㅇㅇ 홍길○ 홍길□ XX동 J*** J??? 山〇太郎
""".split()  # noqa: SIM905

CASES: list[tuple[ValueKind, str, str]] = [
    *(("name", text, "!masked") for text in MASKED_NAMES),
    ("name", "홍 X 동", "!masked"),
    ("name", "홍 ★ 동", "!masked"),
    ("name", "홍X동(회사)", "!masked"),
    # decoration and letters that hide nothing
    ("name", "☆엄마☆", "엄마"),
    ("name", "엄마★★", "엄마"),
    ("name", "엄마♥", "엄마"),
    ("name", "엄마??", "엄마"),
    ("name", "■ 홍길동", "홍길동"),
    ("name", "김철수_회사", "김철수회사"),
    ("name", "Gildong_Hong", "gildong hong"),
    ("name", "김철수 #2", "김철수2"),
    ("name", "말콤X", "말콤x"),
    ("name", "나이키x애플사", "나이키x애플사"),
    ("name", "Xavier Foo", "xavier foo"),
    ("name", "구글Foo", "구글foo"),
    ("name", "二〇〇二", "二〇〇二"),
    # middle dots
    *(("name", f"선우{dot}은숙", "선우은숙") for dot in "ㆍᆞᆢ··・･‧∙⋅•.‧᛫"),
    ("name", "선우 ㆍ 은숙", "선우은숙"),
    ("name", normalize("NFD", "선우ㆍ은숙"), "선우은숙"),
    ("name", "선우ㆍㆍ은숙", "선우은숙"),
    ("name", "김•철수", "김철수"),
    ("name", "Gildongㆍ Hong", "gildong hong"),
    ("name", "ᄒᆞᆫ글", "ᄒᆞᆫ글"),
    ("name", "ㅎㆍㄴ글", "ᄒᆞᄂ글"),
    ("address", "서울 강남구 테헤란로 152ㆍ101동", "서울강남구테헤란로152 101동"),
    ("phone", "010ㆍ1234ㆍ5678", "+821012345678"),
    ("email", "hongㆍkim@example.com", "!not-an-email"),
    # apostrophes
    *(("name", f"O{mark}Neil", "o neil") for mark in "'’‘‛´′‵＇｀`ʹʺʻʼʽʾʿˈˊˋ՚׳ꞌ"),
    ("name", "´t Hooft", "t hooft"),
    ("name", "ŉeil", "neil"),
    ("name", "oneil", "oneil"),
    ("address", "12 O´Connell St", "12 o connell st"),
    *(("email", f"hong{mark}kim@example.com", "hong'kim@example.com") for mark in "'’‘‛´′＇ʼʹ"),
    # other typographic punctuation and symbols in emails
    *(("email", f"hong{dash}kim@ex{dash}ample.com", "hong-kim@ex-ample.com") for dash in "-‐‑‒–—―−－﹣ㅡー"),
    ("email", "コーヒー@コーヒー.example", "コーヒー@xn--tck2c4fb.example"),
    ("email", "!#$%&'*+-/=?^_`{|}~a@example.com", "!#$%&'*+-/=?^_`{|}~a@example.com"),
    ("email", "kim#EXT#@example.com", "kim#ext#@example.com"),
    *(("email", f"{text}@example.com", "!not-an-email") for text in (
        "hong👍", "hong♥", "hong★", "“hong", "hong”", "“hong”", "'hong", "’hong", "´hong", "hong'", "'hong'", "hong″", "kim…", "hong€", "kim«",
        "1\ufe0f\u20e3",
    )),
    *(("email", text, "!not-an-email") for text in (
        '"hong kim"@example.com', "hong..kim@example.com", "hong.@example.com", ".hong@example.com", "hong@👍.example", "hong@i❤.example",
        "Hong Kim <hong@example.com>", "mailto:hong@example.com", "hong@example.com;kim@example.com", "hong@example.com,kim@example.com",
    )),
    # masked emails and addresses
    *(("email", f"{text}@example.com", "!masked") for text in (
        "ho***", "ho**", "ho*g", "h*", "*ong", "***", "ho●●", "ho○g", "ho••", "ho＊＊", "ho∗∗∗", "ho???", "ho###", "ho*g.kim",
    )),
    ("email", "hong@e***.com", "!masked"),
    ("email", "h***@e***.com", "!masked"),
    *(("address", text, "!masked") for text in (
        "서울 강남구 ★★★", "서울 강남구 ☆☆", "서울 강남구 ■■로", "서울 강남구 ○○로 1", "서울 강남구 XX로 1", "서울 강남구 xx동", "서울 강남구 OO로",
        "서울 강남구 ㅇㅇ로 1", "서울 강남구 XXX", "서울 강남구 ???", "서울 강남구 ____", "서울 강남구 ####", "서울 강남구 •••", "강★구",
        "서울 강?구", "테헤★로 1",
        "역〇동 1", "테헤란로 152 000호", "테헤란로 152 ＊＊＊호", "12 J**n St",
    )),
    ("address", "테헤란로 152 1203호 ★부재시", "테헤란로152 1203호부재시"),
    ("address", "테헤란로 152 1203호※부재시", "테헤란로152 1203호부재시"),
    ("address", "테헤란로 152 X동", "테헤란로152 x동"),
    # passing before: phones, emails, tags and dots
    *(("phone", text, "+821023456701") for text in ("+8201023456701", "+82(010)2345-6701", "+82-0-10-2345-6701")),
    ("phone", "010-234-5678", "!not-a-subscriber-number"),
    ("phone", "011-234-5678", "+82112345678"),
    *(("email", text, "hong@xn--bj0bj06e.example") for text in (
        "Hong@한글.example", "HONG@XN--BJ0BJ06E.EXAMPLE", "hong＠한글.example", "hong@한글。example", normalize("NFD", "hong@한글.example"),
    )),
    ("email", "hong.kim+shop@example.com", "hong.kim+shop@example.com"),
    ("email", "hong@daum.net", "hong@daum.net"),
    ("email", "hong@hanmail.net", "hong@hanmail.net"),
    ("email", "hong@gmail.com", "hong@gmail.com"),
    ("email", "hong@googlemail.com", "hong@googlemail.com"),
    # passing before: names in every form of Unicode, and names that are not equal
    *(("name", normalize("NFD", text), text) for text in ("홍길동", "뷁", "똠방각하", "nguyễn thị ánh", "สมชาย")),
    ("name", "\uf90a", "金"),  # a Han compatibility character
    ("name", "홍\u3164길\u200d동", "홍길동"),
    ("name", "홍   길동", "홍길동"),
    *(("name", text, text) for text in ("金民秀", "김민수", "이민수", "李民秀", "류민수", "유민수", "josé", "jose")),
]  # fmt: skip

EQUAL_ADDRESSES: list[list[str]] = [
    [
        "서울특별시 송파구 송파대로 570, 101동 1203호",
        *(f"서울 송파구 송파대로 570{unit}" for unit in (
            " 101동 1203", ", 101동1203", " 101동 01203호", " 0101동 1203호", " 101동 01203", " 101-01203", ", 제101동 제01203호",
            " (문정동) 101동 1203",
        )),
        *(f"{front}서울특별시 송파구 송파대로 570, 101동 1203호" for front in (
            "대한민국 ", "대한민국, ", "대한민국", "한국 ", "South Korea ", "Republic of Korea, ", "대한민국 05510 ", "(05510) 대한민국 ",
            "대한민국 (05510) ",
        )),
        *(f"서울 송파구 송파대로 570, 101동 1203호{behind}" for behind in (
            " (05510)", " [05510]", ", 05510", " 05510", " 우)05510", " 우편번호 05510", " (우편번호 05510)", ", 135-080", ", 대한민국",
            " 대한민국 05510",
            " (05510) 대한민국",
            " Republic of Korea",
        )),
        "서울 송파구 송파대로 570 101동 1203 (05510)",
        "서울특별시 서울시 송파구 송파대로 570, 101동 1203호",
        "대한민국 서울특별시 서울특별시 송파구 송파대로 570 101동 1203",
    ],
    ["서울 송파구 송파대로 570", "서울 송파구 송파대로 570 (05510)", "서울 송파구 송파대로 570, 05510"],
    ["경기 성남시 분당구 판교로 1", "경기 성남시 분당구 판교로 1 (13494)", "13494 대한민국 경기도 성남시 분당구 판교로 1"],
    ["테헤란로 152 가동 203호", "테헤란로 152 가동 203", "테헤란로 152, 가동 0203", "테헤란로 152 가동 제203호", "테헤란로 152 가동제203호"],
    ["역삼동 12 B동 203호", "역삼동 12 b동 203", "역삼동 12번지 B동203"],
    ["역삼동 12 한빛빌라 1동 203호", "역삼동 12 한빛빌라 1동 203"],
    ["판교로 12 3층", "판교로 12 3F", "판교로 12, 3f", "판교로 12 03층"],
    ["판교로 12 지하 1층", "판교로 12 B1F", "판교로 12 b1층"],
    ["판교로 12 3층 302호", "판교로 12 3층 302"],
    ["세종특별자치시 한누리대로 2130", "세종특별자치시 세종시 한누리대로 2130", "세종 세종시 한누리대로 2130", "세종시 한누리대로 2130"],
    ["광주광역시 북구 중앙로 1", "전남광주통합특별시 북구 중앙로 1", "전남광주통합특별시북구 중앙로 1", "전남광주 북구 중앙로 1",
        "광주특별시 북구 중앙로 1"],
    ["광주 광산구 1", "전남광주통합특별시 광산구 1"],
    ["전라남도 순천시 연향로 1", "전남광주통합특별시 순천시 연향로 1", "전남 순천시 연향로 1"],
    ["역삼동 123-4", "역삼동 123의 4", "역삼동 123의4", "역삼동 123번지의 4", "역삼동 123 번지의 4번지"],
    ["한빛마을 12-3번지", "한빛마을 12의 3"],
]  # fmt: skip

DIFFERENT_ADDRESSES: list[list[str]] = [
    ["역삼 1동 203", "역삼 1동 203호"],  # the lot 203 of an administrative dong
    ["역삼1동 12", "역삼1동 12호"],
    ["송파대로 570 101동 12 3", "송파대로 570 101동 123호", "송파대로 570 101동 12호"],
    [
        "송파대로 570 101동 1203호",
        "송파대로 570 101동 12030호",
        "송파대로 570 1010동 1203호",
        "송파대로 570 101동 120호",
    ],
    [
        "경기 성남시 판교로 1",
        "경기 성남시 판교로 1 11203",
        "경기 성남시 판교로 1 101동 11203",
    ],  # five digits may be a room
    ["서울 송파대로 570 101동 05510", "서울 송파대로 570 101동"],
    ["테헤란로 152 B01호", "테헤란로 152 B동 1호", "테헤란로 152 1호"],
    ["판교로 12 3층", "판교로 12 B3F", "판교로 12 3호", "판교로 12-3F"],
    ["부산 부산진구 중앙대로 1", "부산 진구 중앙대로 1"],
    ["제주특별자치도 제주시 1", "제주특별자치도 서귀포시 1", "제주 1"],
    ["전남광주통합특별시 구례군 1", "전남광주통합특별시 남구 1", "경기 광주시 1"],
    ["한국아파트 1", "아파트 1"],
    ["역삼동 123의 4", "역삼동 1234", "역삼동 123 4"],
]


@pytest.mark.parametrize(("kind", "text", "expected"), CASES)
def test_a_spelling(kind: ValueKind, text: str, expected: str) -> None:
    try:
        result = canonicalize(kind, text)
    except MalformedValue as error:
        result = f"!{error.reason}"
    else:
        assert canonicalize(kind, result) == result
    assert result == expected
    assert_agrees_or_declines(kind, [text])


@pytest.mark.parametrize("spellings", EQUAL_ADDRESSES)
def test_spellings_of_one_address(spellings: list[str]) -> None:
    assert {text: canonicalize("address", text) for text in spellings} == dict.fromkeys(
        spellings, canonicalize("address", spellings[0])
    )
    assert_agrees_or_declines("address", spellings)


@pytest.mark.parametrize("addresses", DIFFERENT_ADDRESSES)
def test_addresses_that_only_look_alike(addresses: list[str]) -> None:
    assert len({canonicalize("address", text) for text in addresses}) == len(addresses)
    assert_agrees_or_declines("address", addresses)
