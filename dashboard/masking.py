"""What may be shown of a text from outside: no phone or identity number, no control characters, no endless length."""

from __future__ import annotations

import re
from hashlib import blake2b

LONGEST_TITLE = 500  # Characters of a title that are kept; a longer one is cut and noted.
LONGEST_TEXT = 200  # Characters of a category, unit or channel.

# Control characters, those that turn the direction of a line around, and halves of surrogate pairs.
UNSHOWABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")

_DIGITS = re.compile(r"\d{3}")  # Every number that is masked has three digits in a row.
_MOBILE = r"(?:\+?86[- ]?)?1[3-9](?:\d[- ]?\d{4}[- ]?\d{4}|\d{2}[- ]?\d{4}[- ]?\d{3})"
_AREA = r"0(?:10|2\d|[3-9]\d{2})"
_LANDLINE = rf"(?:[(（]{_AREA}[)）] ?|(?:\+?86[- ]?)?{_AREA}[- ]?)[2-8]\d{{2,3}}[- ]?\d{{4}}"
_AMERICAN = r"(?:\+?1[-. ])?(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4}"
_FOURS = r"(?:\d{4}[- ]){3}\d{4}(?:[- ]?[\dXx]{1,3})?"
_IDENTITY = r"[1-9]\d{5}[- ]?(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[- ]?\d{3}[\dXx]"
_PERSONAL = re.compile(rf"(?<!\d)(?:(?P<identity>{_IDENTITY})|{_FOURS}|{_MOBILE}|{_LANDLINE}|{_AMERICAN})(?!\d)")
# Shorter numbers and older identity numbers are told apart from others only by the word before them.
_NAMED = re.compile(
    r"(?:电话|手机|座机|联系方式|致电|\b(?:tel|phone|call|mobile)\b)\D{0,4}?(?P<phone>[2-9]\d{2,3}[- ]?\d{4})(?!\d)"
    r"|身份证\D{0,4}?(?P<card>\d{14}[\dXx]|\d{17}[\dXx])(?!\d)",
    re.IGNORECASE,
)
# After one of these words a number is the ticket's own.
_TICKET = re.compile(r"(?:单号|编号|案号|工单|案件|ticket|case|no\.|#)[:： ]*$", re.IGNORECASE)
_WIDE = {0xFF10 + digit: str(digit) for digit in range(10)}
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def mask(text: str) -> str:
    """``text`` with the middle of every phone and identity number starred.

    Mobile numbers and landlines of China with or without separators, North American phone numbers, identity
    numbers of 18 digits, and whatever is written in groups of four like a card. A number of 18 digits whose
    "birthday" is in 2016 or later looks like a ticket number (area, date, serial): it is masked only if its
    last digit is the check digit of GB 11643.

    >>> mask("请回电13800138000，身份证 440605199001011234")
    '请回电138******00，身份证 440*************34'
    >>> mask("工单 440605202601010013: 佛平路1388号")
    '工单 440605202601010013: 佛平路1388号'
    """
    if not _DIGITS.search(text):
        return text
    plain = text if text.isascii() else text.translate(_WIDE)  # Of the same length.
    spans = [found.span() for found in _PERSONAL.finditer(plain) if _is_personal(found)]
    spans += [found.span(found.lastgroup or 0) for found in _NAMED.finditer(plain)]
    for start, end in spans:
        text = text[:start] + _starred(text[start:end]) + text[end:]
    return text


def _is_personal(found: re.Match[str]) -> bool:
    number = found["identity"]
    if number is not None and not _is_identity(number):
        return False
    return _TICKET.search(found.string, max(0, found.start() - 12), found.start()) is None


def _is_identity(number: str) -> bool:
    digits = re.sub(r"[- ]", "", number)
    if int(digits[6:10]) < 2016:
        return True
    check = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, digits, strict=False)) % 11
    return digits[17].upper() == "10X98765432"[check]


def _starred(number: str) -> str:
    """The first three and the last two figures stay, so that two callers can still be told apart."""
    places = [at for at, sign in enumerate(number) if sign.isdigit() or sign in "Xx"]
    hidden = set(places[3:-2])
    return "".join("*" if at in hidden else sign for at, sign in enumerate(number))


def opaque(text: str, key: bytes) -> str:
    """A mark that is equal for the same number or name and, without ``key``, tells nothing of it; empty for nothing.

    Spaces and separators do not matter, so that 138 0013 8000 and 138-0013-8000 are one caller.
    """
    plain = re.sub(r"[\s()（）.+-]+", "", text.translate(_WIDE)).casefold()
    return blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=9, key=key).hexdigest() if plain else ""


def clean(text: str) -> str:
    """``text`` on one line, trimmed, without what a screen cannot or must not show. Markup stays: it is plain text."""
    if not text.isprintable():
        text = UNSHOWABLE.sub(" ", text)
    return text.strip()


def cut(text: str, longest: int) -> str:
    """``text``, or its first ``longest`` characters, the last of them an ellipsis.

    >>> cut("overlong", 5)
    'over…'
    """
    return text if len(text) <= longest else text[: longest - 1] + "…"


def title(text: str) -> tuple[str, bool]:
    """A title as it may be kept, and whether it was cut. Masking comes first: a cut must not uncover a number."""
    text = clean(text)
    if len(text) > 2 * LONGEST_TITLE:
        text, cut_before = text[: 2 * LONGEST_TITLE], True  # No more is read than can matter.
    else:
        cut_before = False
    masked = mask(text)
    return cut(masked, LONGEST_TITLE), cut_before or len(masked) > LONGEST_TITLE
