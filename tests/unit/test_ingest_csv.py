"""The client's sheet (ING-06, ING-20, ING-21)."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewapp.services.csv_rows import (
    COLUMNS,
    CsvRow,
    category_of,
    find_row,
    path_key,
    read_csv,
    read_csv_bytes,
    read_rows_json,
)
from reviewapp.services.refusals import IngestRefused

PLAIN = "file,sku,asin,category,shoot_group,description\na/Box.jpg,S1,b0abc,Books,G1,A box\n"
BOX = CsvRow("a/Box.jpg", "S1", "B0ABC", "books", "G1", "A box")


def test_ing06_a_plain_sheet() -> None:
    assert read_csv(PLAIN) == {"a/box.jpg": BOX}


@pytest.mark.parametrize("mark", ["\ufeff", ""])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_marks_delimiters_and_line_ends(mark: str, delimiter: str, newline: str) -> None:
    assert read_csv(mark + PLAIN.replace(",", delimiter).replace("\n", newline)) == {"a/box.jpg": BOX}


@pytest.mark.parametrize("name", COLUMNS["file"])
def test_every_accepted_name_of_the_file_column(name: str) -> None:
    heading = name.replace("_", " ").upper()
    assert list(read_csv(f"SKU,{heading}\nS1,x.jpg\n")) == ["x.jpg"]


def test_a_missing_file_column_lists_what_is_accepted_and_what_was_found() -> None:
    with pytest.raises(IngestRefused) as caught:
        read_csv("sku,farbe\nS1,rot\n")
    assert "filename" in str(caught.value) and "farbe" in str(caught.value)


@pytest.mark.parametrize("first", ["sep=;\n", "SEP=;\r\n", '"sep=;"\r\n', "\n\n", "sep=\t\n"])
def test_ing06_a_first_line_that_names_the_delimiter_is_no_header(first: str) -> None:
    assert read_csv(f"\ufeff{first}file;sku\na.jpg;S\n") == {"a.jpg": CsvRow("a.jpg", "S")}
    with pytest.raises(IngestRefused, match="Line 4: no file name"):
        read_csv("sep=;\nfile;sku\na.jpg;S\n;S2\n")


@pytest.mark.parametrize("text", [",,,", "sep=;\n", "\n;;\n"])
def test_a_sheet_of_empty_cells_is_refused(text: str) -> None:
    with pytest.raises(IngestRefused):
        read_csv(text)


def test_ing06_cells_are_text_whatever_a_spreadsheet_would_make_of_them() -> None:
    text = 'file,sku,description\r\n"a.jpg",=1+1,"two\r\nlines, ""quoted"""\r\n@b.jpg,+49,-x\r\n'
    rows = read_csv_bytes(text.encode("utf-16"))
    assert rows == {
        "a.jpg": CsvRow("a.jpg", "=1+1", description='two\r\nlines, "quoted"'),
        "@b.jpg": CsvRow("@b.jpg", "+49", description="-x"),
    }


def test_an_empty_sheet_is_refused() -> None:
    for text in ("", "\ufeff", " \n \n"):
        with pytest.raises(IngestRefused, match="empty"):
            read_csv(text)


def test_repeated_rows_are_passed_over_and_contradictions_named() -> None:
    assert len(read_csv("file,sku\na.jpg,1\nA.JPG,1\n\n;\n".replace(";", ","))) == 1
    with pytest.raises(IngestRefused, match=r"Line 3: a\.jpg was already given in line 2"):
        read_csv("file,sku\na.jpg,1\na.jpg,2\n")


def test_a_row_without_a_file_is_named() -> None:
    with pytest.raises(IngestRefused, match="Line 3: no file name"):
        read_csv("file,sku\na.jpg,1\n,2\n")


def test_too_long_values_are_named() -> None:
    with pytest.raises(IngestRefused, match="sku is longer than 80"):
        read_csv(f"file,sku\na.jpg,{'x' * 81}\n")


@pytest.mark.parametrize("text", ['file,sku\n"a.jpg,1\n', "file\0,sku\na,1\n"])
def test_broken_sheets_are_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(IngestRefused) as caught:
        read_csv(text)
    assert str(caught.value).endswith(".")


def test_short_rows_and_unknown_columns_are_fine() -> None:
    assert read_csv("colour,file,sku\nred,a.jpg\n")["a.jpg"] == CsvRow("a.jpg")


def test_bytes_in_the_encodings_spreadsheets_write() -> None:
    text = "file,description\na.jpg,Größe\n"
    for data in (text.encode(), text.encode("utf-8-sig"), text.encode("utf-16"), text.encode("cp1252")):
        assert read_csv_bytes(data)["a.jpg"].description == "Größe"


def test_rows_are_found_by_path_then_by_a_unique_name() -> None:
    rows = read_csv("file,sku\nx/a.jpg,1\ny/a.jpg,2\nz/b.jpg,3\n")
    assert find_row(rows, "x/a.jpg") == rows["x/a.jpg"]
    assert find_row(rows, ".\\Y\\A.jpg") == rows["y/a.jpg"]
    assert find_row(rows, "elsewhere/b.JPG") == rows["z/b.jpg"]
    assert find_row(rows, "elsewhere/a.jpg") is None


@pytest.mark.parametrize(
    ("written", "category"),
    [("Jewellery", "jewelry"), (" Cosmetics Tube ", "cosmetics_tube"), ("cosmetics-tube", "cosmetics_tube"),
     ("FUR", "fur"), ("Other", "other"), ("n/a", "unknown"), ("", "")],
)  # fmt: skip
def test_rte09_a_spelling_does_not_let_a_category_past_its_rule(written: str, category: str) -> None:
    assert category_of(written) == category


def test_rows_come_back_from_a_browser_as_json() -> None:
    one = read_rows_json('{"file": "a.jpg", "sku": "S1", "extra": 1}')
    assert one == {"a.jpg": CsvRow("a.jpg", "S1")}
    assert read_rows_json('[{"file": "a.jpg", "sku": "S1"}]') == one
    assert read_rows_json('{"a.jpg": {"sku": "S1"}}') == one
    assert read_rows_json("") == {}


@pytest.mark.parametrize("text", ["{", "[1]", '"x"', "7", '{"sku": "S1"}', '{"file": "a", "sku": "' + "x" * 99 + '"}'])
def test_wrong_json_is_refused(text: str) -> None:
    with pytest.raises(IngestRefused):
        read_rows_json(text)


CELL = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=30)
NAME = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zs")), min_size=1, max_size=30).filter(
    lambda name: path_key(name) != "" and "/" not in name and "\\" not in name
)


@given(st.dictionaries(NAME, CELL, min_size=1, max_size=8), st.sampled_from([",", ";", "\t"]))
def test_what_a_csv_writer_writes_is_read_back(rows: dict[str, str], delimiter: str) -> None:
    target = io.StringIO()
    writer = csv.writer(target, delimiter=delimiter)
    writer.writerow(["file", "description"])
    unique = {path_key(name): (name, cell) for name, cell in rows.items()}
    writer.writerows(unique.values())
    assert set(read_csv(target.getvalue())) == set(unique)


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused_with_a_sentence(text: str) -> None:
    try:
        read_csv(text)
    except IngestRefused as error:
        assert str(error)
