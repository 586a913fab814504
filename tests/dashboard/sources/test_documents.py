"""Documents from outside: what is read, and the name of every fault."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.sources.documents import DEPTH, page_title, plain, read_document, read_json, read_xml, text_of
from dashboard.sources.feed import SourceNonsense

NAMES = {"not_json", "too_deep", "not_finite", "number_too_long", "duplicate_key", "not_xml", "forbidden_xml",
         "too_large", "bad_encoding"}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "reason", "detail"),
    [
        ("", "not_json", "is empty"),
        ("   ", "not_json", "is empty"),
        ('{"a": [1, 2', "not_json", "breaks off"),
        ('{"a": "b', "not_json", "breaks off"),
        ('{"a" 1}', "not_json", "is no JSON"),
        ("{'a': 1}", "not_json", "is no JSON"),
        ("[1] x", "not_json", "is no JSON"),
        ("[" * 10_000, "too_deep", "more than 64 levels"),
        ("[" * 10_000 + "]" * 10_000, "too_deep", "more than 64 levels"),
        ('{"a":' * 10_000, "too_deep", "more than 64 levels"),
        ("[" * (DEPTH + 1) + "]" * (DEPTH + 1), "too_deep", "more than 64 levels"),
        ('{"a": NaN}', "not_finite", "NaN is no number in JSON"),
        ("[Infinity]", "not_finite", "Infinity"),
        ("[-Infinity]", "not_finite", "-Infinity"),
        ("[1e400]", "not_finite", "1e400 is beyond all numbers"),
        ("[" + "9" * 10_000 + "]", "number_too_long", "4300"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "duplicate_key", "the key 'c' comes twice"),
    ],
)
def test_json_that_is_refused(text: str, reason: str, detail: str) -> None:
    with pytest.raises(SourceNonsense) as error:
        read_json(text)
    assert error.value.reason == reason
    assert detail in error.value.detail


def test_json_that_is_read() -> None:
    assert read_json('\ufeff{"a": [1, 2.5, null, true, "\\u5e02"]}') == {"a": [1, 2.5, None, True, "市"]}
    assert read_json(f"[{2**63}, {2**53 + 1}]") == [2**63, 2**53 + 1]  # Never through a float.
    assert read_json("[" * DEPTH + "]" * DEPTH)


BOMB = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><a>&b;</a>'
OUTSIDE = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (BOMB, "forbidden_xml"),
        (OUTSIDE, "forbidden_xml"),
        ('<!DOCTYPE a SYSTEM "http://x.example/a.dtd"><a/>', "forbidden_xml"),
        ("<a>", "not_xml"),
        ("<a></b>", "not_xml"),
        ("<a>&x;</a>", "not_xml"),
        (f'<?xml version="1.0" encoding="utf-{"9" * 400}"?><a/>', "not_xml"),
        ("<a>\0</a>", "not_xml"),
        ("<a>\ud800</a>", "not_xml"),
        ("", "not_xml"),
        ("<a>" * 10_000, "too_deep"),
        ("<a>" + "<b/>" * 500_001 + "</a>", "too_large"),
    ],
)
def test_xml_that_is_refused(text: str, reason: str) -> None:
    with pytest.raises(SourceNonsense) as error:
        read_xml(text)
    assert error.value.reason == reason


def test_xml_as_plain_data() -> None:
    text = '<?xml version="1.0" encoding="GBK"?><n:a xmlns:n="u" k="v"> x <b/><c>1</c><c d="e">2</c></n:a>'
    assert plain(read_xml(text)) == {"@k": "v", "#text": "x", "b": "", "c": ["1", {"@d": "e", "#text": "2"}]}
    assert read_document(text)["a"]["@k"] == "v"
    assert read_document(" [1]") == [1]


@pytest.mark.parametrize(
    ("body", "encoding", "said", "text"),
    [
        ("市".encode(), None, None, "市"),
        ("市".encode("utf-8-sig"), None, "gbk", "市"),
        ("市".encode("utf-16"), None, None, "市"),
        ("市".encode("gbk"), None, "GBK", "市"),
        ("市".encode("gbk"), "gb2312", "utf-8", "市"),
        ("㐂".encode("gb18030"), None, "gb2312", "㐂"),
        ('<?xml version="1.0" encoding="gb2312"?><a>市</a>'.encode("gbk"), None, None, None),
        (b"caf\xe9", None, "iso-8859-1", "café"),
    ],
)
def test_encodings(body: bytes, encoding: str | None, said: str | None, text: str | None) -> None:
    found = text_of(body, encoding, said)
    assert (found == text) if text else ("市" in found)


@pytest.mark.parametrize(
    ("body", "said", "detail"),
    [
        ("市民".encode("gbk"), "utf-8", 'is not utf-8 as it should be; set encoding = "gb18030"'),
        ("市民".encode("gbk"), None, 'set encoding = "gb18030"'),
        (b"\xff", "ascii", "is not ascii as it should be; set encoding"),
        (b"abc", "rot13", "says it is in 'rot13', which is not read here"),
        (b"abc", "unicode_escape", "which is not read here"),
        (b"abc", "x" * 99, "which is not read here"),
    ],
)
def test_an_encoding_is_never_guessed(body: bytes, said: str | None, detail: str) -> None:
    with pytest.raises(SourceNonsense) as error:
        text_of(body, None, said)
    assert error.value.reason == "bad_encoding"
    assert detail in error.value.detail


def test_web_pages_are_told_from_data() -> None:
    assert page_title(b"<html><body>x") == ""
    assert page_title(b"<a/>", "application/xhtml+xml") == ""
    assert page_title(b'<?xml version="1.0"?><services/>', "text/xml") is None
    assert page_title(b"<header/>") is None
    assert page_title(b"# HELP up", "text/plain") is None


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_anything_is_read_or_refused_by_name(body: bytes) -> None:
    reasons = set()
    for encoding in (None, "gb18030"):
        try:
            read_document(text_of(body, encoding))
        except SourceNonsense as nonsense:
            reasons.add(nonsense.reason)
    assert reasons <= NAMES


def test_the_records_are_there_in_real_replies() -> None:
    folder = Path(__file__).resolve().parents[3] / "../shared/data/open311"
    if not folder.is_dir():
        pytest.skip("the recorded replies are not beside the project (../shared/data/open311)")
    found = read_document(text_of((folder / "cfa_service_requests.xml").read_bytes()))
    assert [one["service_request_id"] for one in found["service_requests"]["request"]] == ["638344", "638349"]
