"""Addresses: which spellings are one address, and that two never meet."""

from typing import NamedTuple

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.identifiers import canonicalize, mask
from app.identifiers.provinces import SHORT
from tests.identifiers.helpers import calm, refusal, seasoned, wide

NUMBER = st.integers(1, 30)
SPACE = st.sampled_from([" ", "  ", "\u3000", ", ", ",", " , "])


class Home(NamedTuple):
    province: str
    district: str
    road: str
    main: int
    sub: int
    wing: int
    room: int

    @property
    def house(self) -> str:
        return f"{self.main}-{self.sub}" if self.sub else f"{self.main}"


HOME = st.builds(
    Home,
    st.sampled_from(sorted(set(SHORT.values()) - {"광주"})),
    st.sampled_from(["강남구", "수원시 영통구", "청양군"]),
    st.sampled_from(["테헤란로", "중앙로1길", "중앙로12번길", "역삼동", "종로1가", "옥천리 산"]),
    NUMBER,
    st.integers(0, 20),
    NUMBER,
    NUMBER,
)


@st.composite
def spelling(draw: st.DrawFn, home: Home) -> str:
    def one(*choices: str) -> str:
        return draw(st.sampled_from(choices))

    long = [name for name, short in SHORT.items() if short == home.province]
    code = one("", "", "06234 ", "(06234) ", "[06234] ", "우) 06234 ", "우편번호 06234 ", "135-080 ")
    house = home.house.replace("-", one("-", "–", "－", " - ", "ㅡ"))
    if home.road in {"역삼동", "종로1가", "옥천리 산"}:
        house += one("", "번지", " 번지")
        remark = ""
    else:
        remark = one(
            "", " (역삼동)", "(성수동1가, 한빛2차아파트)", "(역삼1동, SK뷰)", " （역삼동，한빛아파트）", "[역삼동]"
        )
    unit = one(
        "{0}동 {1}호",
        "{0}동{1}호",
        "{0}-{1}",
        "{0}-{1}호",
        "제{0}동 제{1}호",
        "제{0}동제{1}호",
        "{0} 동 {1} 호",
        "{0}동-{1}호",
    )
    unit = unit.format(home.wing, home.room)
    gap = draw(SPACE)
    where = one(f"{home.district}{gap}{home.road}", f"{home.district}{home.road}", f"{home.district} {home.road}")
    first, last = (remark, "") if draw(st.booleans()) else ("", remark)
    typed = f"{code}{one(*long)} {where}{one('', ' ')}{house}{first}{draw(SPACE)}{unit}{last}"
    return draw(seasoned(st.sampled_from([typed, wide(typed)])))


@calm
@given(HOME, st.data())
def test_spellings_of_one_address_are_equal(home: Home, data: st.DataObject) -> None:
    place = f"{home.province}{home.district}{home.road}".replace(" ", "")
    assert canonicalize("address", data.draw(spelling(home))) == f"{place}{home.house} {home.wing}동{home.room}호"


@calm
@given(HOME, HOME, st.data())
def test_two_addresses_stay_two(one: Home, other: Home, data: st.DataObject) -> None:
    same = canonicalize("address", data.draw(spelling(one))) == canonicalize("address", data.draw(spelling(other)))
    assert same == (one == other)


@calm
@given(st.lists(NUMBER, min_size=2, max_size=5), st.lists(NUMBER, min_size=2, max_size=5), st.data())
def test_digits_never_run_together(one: list[int], other: list[int], data: st.DataObject) -> None:
    assume(one != other)
    parted = st.sampled_from(["-", " ", "로 ", "길 ", "번길 ", ", ", "동 ", "번지 ", "층 "])
    gaps = data.draw(st.lists(parted, min_size=5, max_size=5))

    def spell(numbers: list[int]) -> str:
        return "가나" + "".join(f"{number}{gap}" for number, gap in zip(numbers, gaps, strict=False))

    assert canonicalize("address", spell(one)) != canonicalize("address", spell(other))


@pytest.mark.parametrize(
    "equal",
    [
        ["테헤란로 152 101동 1203호", "테헤란로 152, 101-1203", "테헤란로152 101동1203호", "테헤란로 152 제101동 제1203호"],
        ["역삼동 123-4 한빛아파트 101-1203", "역삼동 123-4번지 한빛 아파트 101동 1203호", "역삼동123-4, 한빛아파트 101동1203호"],
        ["역삼동 123", "역삼동 123번지", "역삼동 123 번지"],
        ["역삼동 123번지101호", "역삼동 123 101호"],
        ["역삼동 123-4번지101호", "역삼동 123-4, 101호"],
        ["한빛마을 12-3번지", "한빛마을12-3 번지"],
        ["역삼동 산 12-3", "역삼동 산12-3번지"],
        ["테헤란로 152", "테헤란로 152 (역삼동, 한빛아파트)", "테헤란로 152（역삼동）", "테헤란로152 (종로1가)"],
        ["판교로 12 지하 1층", "판교로 12, 지하1층", "판교로 12 B1층"],
        ["판교로 12 3층", "판교로 12, 3 층"],
        ["테헤란로 지하 152", "테헤란로 지하152", "테헤란로지하 152"],
        ["서울 강남구 역삼동 1", "서울시 강남구 역삼동 1", "서울특별시강남구역삼동 1", "06234 서울 강남구 역삼동 1"],
        ["전북 전주시 1", "전라북도 전주시 1", "전북특별자치도 전주시 1"],
        ["강원 춘천시 1", "강원도 춘천시 1", "강원특별자치도 춘천시 1"],
        ["제주 제주시 1", "제주도 제주시 1", "제주특별자치도 제주시 1"],
        ["세종 한누리대로 1", "세종시 한누리대로 1", "세종특별자치시 한누리대로 1"],
        ["광주 북구 1", "광주시 북구 1", "광주광역시 북구 1"],
        ["충북 청주시 1", "충청북도 청주시 1"],
        ["12 Main St., Apt #4", "12 MAIN ST apt 4", "１２ Main  St, Apt 4"],
    ],
)  # fmt: skip
def test_spellings_that_are_one(equal: list[str]) -> None:
    assert len({canonicalize("address", typed) for typed in equal}) == 1


@pytest.mark.parametrize(
    "different",
    [
        ["테헤란로 12-3", "테헤란로 123", "테헤란로 12 3", "테헤란로 1 23", "테헤란로 12동 3호", "테헤란로 12 3호"],
        ["한빛아파트 101동 1203호", "한빛아파트 1011동 203호", "한빛아파트 10동 11203호"],
        ["테헤란로 1길 2", "테헤란로 12", "테헤란로 1 길2"],
        ["1길 23", "12길 3", "123길"],
        ["테헤란로 1, 길동아파트", "테헤란로1길 동아파트"],
        ["역삼동 152 동아", "역삼동 152동 아"],
        ["역삼동 산 12-3", "역삼동 12-3"],
        ["한빛마을 12-3번지", "한빛마을 12-3", "한빛마을 123번지"],
        ["역삼동 123번지101호", "역삼동 123101호", "역삼동 123-101"],
        ["테헤란로 152", "테헤란로 지하 152", "테헤란로 152 지하 1층", "테헤란로 152 1층"],
        ["테헤란로 152 (가동) 101호", "테헤란로 152 (나동) 101호", "테헤란로 152 101호"],
        ["테헤란로 152 (역삼동, 101동)", "테헤란로 152 (역삼동, 102동)", "테헤란로 152 (역삼동)"],
        ["테헤란로 152 (역삼동, 한빛아파트 가동)", "테헤란로 152 (역삼동, 한빛아파트 나동)"],
        ["테헤란로 152 (역삼동, B동)", "테헤란로 152 (역삼동, A동)"],
        ["테헤란로 152 (역삼동, 지하)", "테헤란로 152 (역삼동)", "테헤란로 152 (상가)"],
        ["123-4 (역삼동)", "123-4 (논현동)"],
        ["12 Main St (front)", "12 Main St (rear)", "12 Main St"],
        ["광주시 오포읍 1", "광주 오포읍 1", "경기도 광주시 오포읍 1"],
        ["부산시민로 12", "부산 민로 12"],
        ["서울 중구 1", "부산 중구 1", "중구 1"],
        ["06234 테헤란로 1", "06235 테헤란로 1"],
        ["중앙로123번길 4", "중앙로 123 4", "중앙로 123-4"],
    ],
)  # fmt: skip
def test_addresses_that_only_look_alike(different: list[str]) -> None:
    assert len({canonicalize("address", typed) for typed in different}) == len(different)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("( )", "not-an-address"),
        ("---", "not-an-address"),
        ("\u0301", "not-an-address"),
        ("서울 강남구 ***", "masked"),
        ("서울 강남구 ○○로 1", "masked"),
        ("a" * 301, "too-long"),
    ],
)
def test_what_is_refused(typed: str, reason: str) -> None:
    assert refusal("address", typed).reason == reason


def test_the_longest_address() -> None:
    assert canonicalize("address", "가" * 300) == "가" * 300


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("서울특별시 강남구 테헤란로 152", "서울 강남구 ***"),
        ("서울 구로구 구로동 1", "서울 구로구 ***"),
        ("경기도 성남시 분당구 판교로 1", "경기 성남시 ***"),
        ("세종시 한누리대로 2130", "세종 ***"),
        ("서울 강남구", "서울 ***"),
        ("서울", "***"),
        ("테헤란로 152", "***"),
        ("12 Main St", "***"),
    ],
)
def test_masks(typed: str, shown: str) -> None:
    assert mask("address", canonicalize("address", typed)) == shown


@calm
@given(HOME)
def test_a_mask_shows_no_road_and_no_number(home: Home) -> None:
    shown = mask("address", canonicalize("address", f"{home.province} {home.district} {home.road} {home.house}"))
    assert shown == f"{home.province} {home.district.split()[0]} ***"
