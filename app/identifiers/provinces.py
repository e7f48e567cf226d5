"""Names of Korea's provinces and metropolises, old and new, and their short names."""

import re

_LONG_NAMES = {
    "서울": "서울특별시 서울시",
    "부산": "부산광역시 부산시",
    "대구": "대구광역시 대구시",
    "인천": "인천광역시 인천시",
    "광주": "광주광역시 광주시",
    "대전": "대전광역시 대전시",
    "울산": "울산광역시 울산시",
    "세종": "세종특별자치시 세종시",
    "경기": "경기도",
    "강원": "강원특별자치도 강원도",
    "충북": "충청북도",
    "충남": "충청남도",
    "전북": "전북특별자치도 전라북도",
    "전남": "전라남도",
    "경북": "경상북도",
    "경남": "경상남도",
    "제주": "제주특별자치도 제주도",
}

SHORT_NAMES = {name: short for short, names in _LONG_NAMES.items() for name in (short, *names.split())}

_NEED_NO_SPACE = [
    name for name in SHORT_NAMES if len(name) > 3
]  # may be followed by letters, as in 서울특별시강남구; a shorter name may begin another word: 부산시민로
_NEED_SPACE = [name for name in SHORT_NAMES if len(name) <= 3 and name != "광주시"]

REPEATED_PROVINCE = "|".join(
    f"(?:{'|'.join(names)}) (?:{'|'.join(name if name in _NEED_NO_SPACE else f'{name} ' for name in names)})"
    for names in ([short, *names.split()] for short, names in _LONG_NAMES.items())
)
"""A province twice, as a pattern without look-ahead."""

_UNITED_METROPOLIS = "(?:전남광주통합특별시|전남광주특별시|광주특별시|전남광주(?= ))"
_IN_GWANGJU = "(?= ?(?:동|서|남|북|광산)구)"
"""Since July 2026, 광주 and 전남 are one province. Only the districts of 광주 are called 구, so that the old province is certain."""

PROVINCE_PATTERN = re.compile(
    f"(?:{'|'.join(_NEED_NO_SPACE)}|(?:{'|'.join(_NEED_SPACE)})(?= |$)|광주시(?= (?:동|서|남|북|광산)구)|{_UNITED_METROPOLIS})"
)
_UNITED_GWANGJU = re.compile(_UNITED_METROPOLIS + _IN_GWANGJU)


def shorten_province(address: str) -> str:
    """Shorten the name of the province that *address* begins with, if it does. Drop the name where it is repeated: 세종특별자치시 세종시."""
    short, rest = "", address
    while province := PROVINCE_PATTERN.match(rest):
        name = SHORT_NAMES.get(province[0]) or ("광주" if _UNITED_GWANGJU.match(rest) else "전남")
        if short and name != short:
            break
        short, rest = name, rest[province.end() :].lstrip()
    return f"{short} {rest}" if short else address
