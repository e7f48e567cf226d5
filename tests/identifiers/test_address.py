"""Addresses: which spellings are equal, and that different addresses never become equal."""

from typing import NamedTuple

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.identifiers import canonicalize, mask
from app.identifiers.provinces import SHORT_NAMES
from tests.identifiers.helpers import full_width, no_deadline, refusal, with_noise

NUMBERS = st.integers(1, 30)
SEPARATORS = st.sampled_from([" ", "  ", "\u3000", ", ", ",", " , "])


class AddressParts(NamedTuple):
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


ADDRESS_PARTS = st.builds(
    AddressParts,
    st.sampled_from(sorted(set(SHORT_NAMES.values()) - {"광주"})),
    st.sampled_from(["강남구", "수원시 영통구", "청양군"]),
    st.sampled_from(["테헤란로", "중앙로1길", "중앙로12번길", "역삼동", "종로1가", "옥천리 산"]),
    NUMBERS,
    st.integers(0, 20),
    NUMBERS,
    NUMBERS,
)


@st.composite
def spelling(draw: st.DrawFn, parts: AddressParts) -> str:
    def choose(*choices: str) -> str:
        return draw(st.sampled_from(choices))

    province_names = [name for name, short in SHORT_NAMES.items() if short == parts.province]
    code = choose("", "", "06234 ", "(06234) ", "[06234] ", "우) 06234 ", "우편번호 06234 ", "135-080 ")
    house = parts.house.replace("-", choose("-", "–", "－", " - ", "ㅡ"))
    if parts.road in {"역삼동", "종로1가", "옥천리 산"}:
        house += choose("", "번지", " 번지")
        remark = ""
    else:
        remark = choose(
            "", " (역삼동)", "(성수동1가, 한빛2차아파트)", "(역삼1동, SK뷰)", " （역삼동，한빛아파트）", "[역삼동]"
        )
    unit = choose(
        "{0}동 {1}호",
        "{0}동{1}호",
        "{0}-{1}",
        "{0}-{1}호",
        "제{0}동 제{1}호",
        "제{0}동제{1}호",
        "{0} 동 {1} 호",
        "{0}동-{1}호",
    )
    unit = unit.format(parts.wing, parts.room)
    separator = draw(SEPARATORS)
    where = choose(
        f"{parts.district}{separator}{parts.road}", f"{parts.district}{parts.road}", f"{parts.district} {parts.road}"
    )
    first, last = (remark, "") if draw(st.booleans()) else ("", remark)
    text = f"{code}{choose(*province_names)} {where}{choose('', ' ')}{house}{first}{draw(SEPARATORS)}{unit}{last}"
    return draw(with_noise(st.sampled_from([text, full_width(text)])))


@no_deadline
@given(ADDRESS_PARTS, st.data())
def test_spellings_of_one_address_are_equal(parts: AddressParts, data: st.DataObject) -> None:
    prefix = f"{parts.province}{parts.district}{parts.road}".replace(" ", "")
    assert canonicalize("address", data.draw(spelling(parts))) == f"{prefix}{parts.house} {parts.wing}동{parts.room}호"


@no_deadline
@given(ADDRESS_PARTS, ADDRESS_PARTS, st.data())
def test_different_addresses_stay_different(address: AddressParts, other: AddressParts, data: st.DataObject) -> None:
    same = canonicalize("address", data.draw(spelling(address))) == canonicalize("address", data.draw(spelling(other)))
    assert same == (address == other)


@no_deadline
@given(st.lists(NUMBERS, min_size=2, max_size=5), st.lists(NUMBERS, min_size=2, max_size=5), st.data())
def test_adjacent_numbers_stay_separate(numbers: list[int], other: list[int], data: st.DataObject) -> None:
    assume(numbers != other)
    number_suffixes = st.sampled_from(["-", " ", "로 ", "길 ", "번길 ", ", ", "동 ", "번지 ", "층 "])
    suffixes = data.draw(st.lists(number_suffixes, min_size=5, max_size=5))

    def join_numbers(numbers: list[int]) -> str:
        return "가나" + "".join(f"{number}{suffix}" for number, suffix in zip(numbers, suffixes, strict=False))

    assert canonicalize("address", join_numbers(numbers)) != canonicalize("address", join_numbers(other))


@pytest.mark.parametrize(
    "spellings",
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
def test_equal_spellings(spellings: list[str]) -> None:
    assert len({canonicalize("address", text) for text in spellings}) == 1


@pytest.mark.parametrize(
    "addresses",
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
def test_similar_addresses_stay_different(addresses: list[str]) -> None:
    assert len({canonicalize("address", text) for text in addresses}) == len(addresses)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("( )", "not-an-address"),
        ("---", "not-an-address"),
        ("\u0301", "not-an-address"),
        ("서울 강남구 ***", "masked"),
        ("서울 강남구 ○○로 1", "masked"),
        ("a" * 301, "too-long"),
    ],
)
def test_refused_addresses(text: str, reason: str) -> None:
    assert refusal("address", text).reason == reason


def test_an_address_of_maximum_length() -> None:
    assert canonicalize("address", "가" * 300) == "가" * 300


@pytest.mark.parametrize(
    ("text", "masked"),
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
def test_masked_addresses(text: str, masked: str) -> None:
    assert mask("address", canonicalize("address", text)) == masked


@no_deadline
@given(ADDRESS_PARTS)
def test_a_mask_hides_road_and_number(parts: AddressParts) -> None:
    masked = mask("address", canonicalize("address", f"{parts.province} {parts.district} {parts.road} {parts.house}"))
    assert masked == f"{parts.province} {parts.district.split()[0]} ***"
