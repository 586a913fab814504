"""Bad input, for every kind: by which name it is refused, and that the good beside it passes.

The first table is of documents, tried on each kind's own reader. What only one kind can meet is tried in its own tests:
the second table says where, and that it is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.fuzz import faults, outcome
from bench.targets import TARGETS, Target

ROOT = Path(__file__).resolve().parents[2]
NAMED = {f"{target.kind}-{target.name}": target for target in TARGETS}
NUMBER = re.compile(rb"(?<=[:, \[])-?\d+\.?\d*(?=[,}\]])")
KEY = re.compile(rb'"(\w+)": ')
TEXT = re.compile(rb': "([^"]+)"')
BOMB = b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><a>&b;</a>'


def inputs(good: bytes) -> Iterator[tuple[str, bytes]]:
    """A good document, spoilt in every way that fits its form."""
    yield "empty", b""
    yield "null", b"null"
    yield "truncated", good[:-7]
    yield "login page", b"<!doctype html><html><title>log in</title></html>"
    yield "XML bomb", BOMB
    yield "10,000 deep", b"[" * 10_000 + b"]" * 10_000
    yield "GBK", good.replace("市".encode(), b"") + "市民".encode("gbk")
    yield "NUL", b"\0" + good
    yield "gzip", b"\x1f\x8b\x08\0" + good
    if NUMBER.search(good):
        yield "NaN", NUMBER.sub(b"NaN", good, count=1)
        yield "1e400", NUMBER.sub(b"1e400", good, count=1)
        yield "5,000 figures", NUMBER.sub(b"9" * 5000, good, count=1)
    if KEY.search(good):
        yield "key twice", KEY.sub(lambda found: found[0] + b"1, " + found[0], good, count=1)
        yield "keys renamed", KEY.sub(rb'"\1_": ', good)
    found = TEXT.search(good)
    if found is not None:
        yield "half a character", good[: found.start(1)] + b"\\ud800" + good[found.start(1) :]


# What is spoilt → its reasons → the readers that give them. Behind a plus: the good events that pass beside it, cameras
# apart; ``-`` stands for nothing refused. A probe looks at the same bytes as a playlist and as a device's answer.
EXPECTED: dict[str, dict[str, str]] = {
    "empty": {
        "not_json": (
            "http-sensor http-ticket http-xml open311-json open311-xml cloudevents-batch desk-act "
            "websocket-readings zlmediakit-streams mediamtx-paths wvp-channels"
        ),
        "empty_file": "folder-csv folder-tsv folder-jsonl folder-xlsx statistics-table",
        "no_figures": "statistics-easyquery statistics-worldbank",
        "-": "file-csv",
        "empty": "mqtt-readings mqtt-mapped",
        "no_number": "sql-tickets",
        "nothing_mapped": "prometheus-probe",
        "not_a_playlist not_xml": "probe-cameras",
    },
    "null": {
        "no_records": "http-sensor http-ticket http-xml",
        "no_requests": "open311-json open311-xml",
        "missing_column": "folder-csv folder-tsv statistics-table",
        "wrong_type": "folder-jsonl desk-act",
        "not_xlsx": "folder-xlsx",
        "no_figures": "statistics-easyquery statistics-worldbank",
        "wrong_field_count": "file-csv",
        "not_json": "cloudevents-batch",
        "missing_field": "websocket-readings",
        "no_value": "mqtt-readings mqtt-mapped",
        "no_number": "sql-tickets",
        "truncated": "prometheus-probe",
        "not_a_playlist not_xml": "probe-cameras",
        "not_a_media_list": "zlmediakit-streams",
        "not_a_path_list": "mediamtx-paths",
        "not_a_page": "wvp-channels",
    },
    "truncated": {
        "not_json": (
            "mqtt-mapped "
            "http-sensor http-ticket open311-json folder-jsonl+1 statistics-easyquery statistics-worldbank "
            "cloudevents-batch websocket-readings zlmediakit-streams mediamtx-paths wvp-channels"
        ),
        "not_xml": "http-xml open311-xml",
        "wrong_field_count": "folder-csv+3 folder-tsv statistics-table+2 file-csv+3",
        "not_xlsx": "folder-xlsx",
        "bad_encoding": "desk-act",
        "not_text": "mqtt-readings",
        "impossible_date": "sql-tickets",
        "truncated": "prometheus-probe+3",
        "not_a_playlist not_xml": "probe-cameras",
    },
    "login page": {
        "not_xml": (
            "http-sensor http-ticket http-xml open311-json open311-xml zlmediakit-streams mediamtx-paths "
            "wvp-channels"
        ),
        "missing_column": "folder-csv folder-tsv statistics-table",
        "not_json": "folder-jsonl cloudevents-batch desk-act websocket-readings",
        "not_xlsx": "folder-xlsx",
        "no_figures": "statistics-easyquery statistics-worldbank",
        "wrong_field_count": "file-csv",
        "no_value": "mqtt-readings mqtt-mapped",
        "impossible_date": "sql-tickets",
        "truncated": "prometheus-probe",
        "not_a_playlist not_xml": "probe-cameras",
    },
    "XML bomb": {
        "forbidden_xml": (
            "http-sensor http-ticket http-xml open311-json open311-xml zlmediakit-streams mediamtx-paths "
            "wvp-channels"
        ),
        "missing_column": "folder-csv folder-tsv statistics-table",
        "not_json": "folder-jsonl cloudevents-batch desk-act websocket-readings",
        "not_xlsx": "folder-xlsx",
        "no_figures": "statistics-easyquery statistics-worldbank",
        "wrong_field_count": "file-csv",
        "no_value": "mqtt-readings mqtt-mapped",
        "impossible_date": "sql-tickets",
        "truncated": "prometheus-probe",
        "forbidden_xml not_a_playlist": "probe-cameras",
    },
    "10,000 deep": {
        "too_deep": (
            "http-sensor http-ticket http-xml open311-json open311-xml folder-jsonl statistics-easyquery "
            "statistics-worldbank desk-act websocket-readings mqtt-readings mqtt-mapped zlmediakit-streams "
            "mediamtx-paths wvp-channels"
        ),
        "missing_column": "folder-csv folder-tsv statistics-table",
        "not_xlsx": "folder-xlsx",
        "wrong_field_count": "file-csv",
        "not_json": "cloudevents-batch",
        "bad_number": "sql-tickets",
        "truncated": "prometheus-probe",
        "not_a_playlist not_xml": "probe-cameras",
    },
    "GBK": {
        "bad_encoding": (
            "http-sensor http-ticket http-xml open311-json open311-xml folder-csv+3 statistics-easyquery "
            "statistics-worldbank file-csv+3 desk-act prometheus-probe zlmediakit-streams mediamtx-paths "
            "wvp-channels"
        ),
        "wrong_field_count": "folder-tsv+1",
        "not_json": "folder-jsonl+1 cloudevents-batch websocket-readings sql-tickets",
        "-": "folder-xlsx+3",
        "ambiguous_number bad_encoding": "statistics-table+3",
        "not_text": "mqtt-readings mqtt-mapped",
        "not_a_playlist not_xml": "probe-cameras",
    },
    "NUL": {
        "not_json": (
            "http-sensor http-ticket http-xml open311-json open311-xml folder-jsonl+1 cloudevents-batch desk-act "
            "websocket-readings zlmediakit-streams mediamtx-paths wvp-channels"
        ),
        "missing_column": "folder-csv folder-tsv statistics-table",
        "-": "folder-xlsx+3",
        "no_figures": "statistics-easyquery statistics-worldbank",
        "bad_number no_reported_time": "file-csv+1",
        "no_value": "mqtt-readings mqtt-mapped",
        "bad_number": "sql-tickets",
        "bad_line": "prometheus-probe+4",
        "not_a_playlist not_xml": "probe-cameras",
    },
    "gzip": {
        "bad_encoding": (
            "http-sensor http-ticket http-xml open311-json open311-xml folder-jsonl+1 desk-act prometheus-probe "
            "zlmediakit-streams mediamtx-paths wvp-channels"
        ),
        "missing_column": "folder-csv folder-tsv statistics-table",
        "-": "folder-xlsx+3",
        "no_figures": "statistics-easyquery statistics-worldbank",
        "bad_encoding no_reported_time": "file-csv+1",
        "not_json": "cloudevents-batch websocket-readings sql-tickets",
        "not_text": "mqtt-readings mqtt-mapped",
        "not_a_playlist not_xml": "probe-cameras",
    },
    "NaN": {
        "not_finite": (
            "http-sensor http-ticket open311-json folder-jsonl+1 statistics-easyquery statistics-worldbank "
            "desk-act websocket-readings mqtt-readings mqtt-mapped zlmediakit-streams mediamtx-paths wvp-channels"
        ),
        "impossible_date totals_row": "folder-csv+1",
        "impossible_date no_reported_time": "file-csv+1",
        "not_json": "cloudevents-batch",
        "no_number": "sql-tickets",
    },
    "1e400": {
        "not_finite": (
            "http-sensor http-ticket open311-json folder-jsonl+1 statistics-easyquery statistics-worldbank "
            "desk-act websocket-readings mqtt-readings mqtt-mapped zlmediakit-streams mediamtx-paths wvp-channels"
        ),
        "impossible_date totals_row": "folder-csv+1",
        "impossible_date no_reported_time": "file-csv+1",
        "not_json": "cloudevents-batch",
        "no_number": "sql-tickets",
    },
    "5,000 figures": {
        "number_too_long": (
            "http-sensor http-ticket open311-json folder-jsonl+1 statistics-easyquery statistics-worldbank "
            "desk-act websocket-readings mqtt-readings mqtt-mapped zlmediakit-streams mediamtx-paths wvp-channels"
        ),
        "impossible_date totals_row": "folder-csv+1",
        "impossible_date no_reported_time": "file-csv+1",
        "not_json": "cloudevents-batch",
        "bad_number": "sql-tickets",
    },
    "key twice": {
        "duplicate_key": (
            "http-sensor http-ticket open311-json folder-jsonl+1 statistics-easyquery statistics-worldbank "
            "desk-act websocket-readings mqtt-readings mqtt-mapped zlmediakit-streams mediamtx-paths wvp-channels"
        ),
        "not_json": "cloudevents-batch",
        "-": "sql-tickets+1",
    },
    "keys renamed": {
        "no_records": "http-sensor",
        "no_number": "http-ticket sql-tickets",
        "no_requests": "open311-json",
        "missing_field": "folder-jsonl cloudevents-batch websocket-readings",
        "no_figures": "statistics-easyquery",
        "wrong_type": "statistics-worldbank",
        "unknown_field": "desk-act",
        "no_value": "mqtt-readings mqtt-mapped",
        "not_a_media_list": "zlmediakit-streams",
        "not_a_path_list": "mediamtx-paths",
        "not_a_page": "wvp-channels",
    },
    "half a character": {
        "bad_number": "http-sensor folder-jsonl+1",
        "bad_encoding": "http-ticket",
        "-": "open311-json+3 statistics-easyquery+1 mqtt-readings+1",
        "impossible_date": "mqtt-mapped statistics-worldbank",
        "unknown_version": "cloudevents-batch+1",
        "bad_id": "desk-act zlmediakit-streams mediamtx-paths wvp-channels",
        "bad_sensor": "websocket-readings",
        "not_json": "sql-tickets",
    },
}  # fmt: skip


def said(target: Target, body: bytes) -> str:
    """The reasons, and how many events pass."""
    events, refused = outcome(target, body)
    video = target.kind in ("probe", "zlmediakit", "wvp", "mediamtx")
    reasons = sorted({letter.reason for letter in refused if not letter.kept or video})
    passed = sum(not event.kind.startswith("camera.") for event in events)
    return f"{' '.join(reasons) or '-'}{f' +{passed}' if passed else ''}"


def expected(spoilt: str, name: str) -> str:
    """The same by the table."""
    for reasons, readers in EXPECTED[spoilt].items():
        for reader in readers.split():
            known, _, passed = reader.partition("+")
            if known == name:
                return f"{reasons}{f' +{passed}' if passed else ''}"
    return "it is not in the table"


@pytest.mark.parametrize("name", NAMED)
def test_what_is_spoilt_is_refused_by_name_and_bends_nothing(name: str) -> None:
    target = NAMED[name]
    found = {spoilt: said(target, body) for spoilt, body in inputs(target.seeds[0])}
    assert found == {spoilt: expected(spoilt, name) for spoilt in found}
    assert [wrong for _, body in inputs(target.seeds[0]) for wrong in faults(target, body)] == []


# What only one kind can meet → where it is tried.
TRIED = {
    "a zip bomb": ("feeds/test_folder.py", "test_files_that_are_refused"),
    "a gzip bomb": ("dashboard/sources/test_fetch.py", "test_a_bomb_is_refused_before_it_has_unfolded"),
    "a redirect to another host": ("dashboard/sources/test_fetch.py", "test_it_is_not_sent_elsewhere"),
    "a redirect to file:// or metadata": ("contracts/test_feed_wrong.py", "WEB"),
    "a name that leads to metadata": (
        "dashboard/sources/test_fetch.py", "test_a_name_that_leads_to_this_machine_or_to_metadata_is_not_followed",
    ),
    "pages without end": ("feeds/test_http.py", "test_endless_pages_end"),
    "the same page for ever": ("feeds/test_http.py", "test_a_source_that_ignores_the_page_is_not_asked_for_ever"),
    "a renamed list": ("feeds/test_http.py", "test_a_renamed_list_is_said_with_what_there_is"),
    "MQTT: foreign topic, district, $SYS, empty, flood": (
        "feeds/test_mqtt.py", "test_a_bad_message_is_refused_by_name_and_the_good_beside_it_passes",
    ),
    "MQTT: $SYS flood": ("feeds/test_mqtt.py", "test_a_flood_of_the_brokers_own_topics_is_not_even_sent"),
    "MQTT: 256 MB": ("feeds/test_mqtt.py", "test_a_huge_message_never_reaches_us"),
    "WebSocket: binary": ("feeds/test_websocket.py", "test_binary_messages_are_refused_and_the_rest_passes"),
    "WebSocket: 64 MB in fragments": ("feeds/test_websocket.py", "test_a_huge_message_in_fragments_is_cut_off"),
    "WebSocket: deflate bomb": ("feeds/test_websocket.py", "test_a_deflate_bomb_is_not_unpacked"),
    "WebSocket: pings only": ("feeds/test_websocket.py", "test_pings_alone_are_no_news"),
    "WebSocket: sequence gap": ("feeds/test_websocket.py", "test_what_never_comes_is_named_as_lost_once"),
    "WebSocket: the same for ever": (
        "feeds/test_websocket.py", "test_the_same_snapshot_for_ever_is_a_source_that_stands_still",
    ),
    "SQL: years 0000 and 9999, naive times": ("feeds/test_sql.py", "test_odd_rows_are_refused_alone"),
    "SQL: infinity": ("feeds/test_sql.py", "test_infinity_in_postgresql_is_refused_alone"),
    "SQL: watermark going back": ("feeds/test_sql.py", "test_a_watermark_that_goes_back_has_all_read_again"),
    "SQL: watermark ties": ("feeds/test_sql.py", "test_ties_larger_than_a_slice_are_read_whole"),
    "SQL: late commits": ("feeds/test_sql.py", "test_a_late_commit_within_the_overlap_is_found"),
    "SQL: ids reused": ("feeds/test_sql.py", "test_a_reused_id_is_refused_by_the_spool"),
    "SQL: dropped column": ("feeds/test_sql.py", "test_a_dropped_column_is_one_plain_sentence_and_heals"),
    "SQL: backfill": ("feeds/test_sql.py", "test_a_long_backfill_needs_no_more_memory_than_a_slice"),
    "files: BOM, GB18030": ("feeds/test_folder.py", "test_text_in_any_encoding"),
    "files: quoted newlines": ("feeds/test_file.py", "test_quoted_newlines_and_delimiters"),
    "files: formulas": ("feeds/test_folder.py", "test_formulas_are_their_results_and_without_one_refused"),
    "files: merged headers": ("feeds/test_folder.py", "test_the_header_may_stand_below_a_title_and_in_two_rows"),
    "files: hidden sheets": ("feeds/test_folder.py", "test_hidden_sheets_are_left_out_and_noted"),
    "files: hidden rows and columns": ("feeds/test_folder.py", "test_hidden_rows_and_columns_are_left_out_and_counted"),
    "files: 1904": ("feeds/test_folder.py", "test_dates_of_either_calendar"),
    "files: 1.1E+17": ("feeds/test_folder.py", "test_identifiers_that_a_spreadsheet_rounded_are_refused"),
    "files: totals row": ("feeds/test_folder.py", "test_totals_rows_are_no_records"),
    "files: half-copied": ("feeds/test_folder.py", "test_half_a_workbook_is_waited_for_and_given_up_after_a_while"),
    "files: ../ and links": ("feeds/test_folder.py", "test_links_are_put_away_unread"),
    "files: the same file renamed": ("feeds/test_folder.py", "test_the_same_file_under_another_name_brings_nothing"),
    "files: a 200 kB title": ("feeds/test_file.py", "test_a_200_kb_title_is_cut_and_noted"),
    "files: GBK said to be UTF-8": ("feeds/test_file.py", "test_gbk_said_to_be_utf_8"),
    "phone and identity numbers": ("feeds/test_file.py", "test_personal_numbers_are_masked_everywhere"),
    "numbers": ("dashboard/sources/test_quantities.py", "test_what_is_not_exactly_one_number_is_refused_by_name"),
    "feet for metres": (
        "dashboard/sources/test_quantities.py", "test_a_number_in_another_unit_is_never_taken_for_one_in_ours",
    ),
    "RTSP and HLS": ("feeds/test_probe.py", "test_what_is_no_answer_is_named_and_the_camera_is_down"),
    "a playlist that leads elsewhere": (
        "feeds/test_probe.py", "test_a_playlist_may_not_lead_to_another_host_nor_be_endless_nor_something_else",
    ),
    "half a list of cameras": ("feeds/test_platforms.py", "test_half_a_list_is_no_list"),
    "coordinates of another system": (
        "feeds/test_platforms.py",
        "test_points_of_another_system_are_turned_at_the_edge_and_a_layer_in_the_wrong_one_is_named",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", TRIED)
def test_what_one_kind_alone_can_meet_is_tried_there(fault: str) -> None:
    file, name = TRIED[fault]
    source = (ROOT / "tests" / file).read_text(encoding="utf-8")
    assert re.search(rf"^(async def|def) {name}\(|^{name}\b", source, re.MULTILINE), f"{file} has no {name}"
