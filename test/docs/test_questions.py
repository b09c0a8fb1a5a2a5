"""The fifteen questions are answered by code, pages and tests that exist."""

import re

import pytest

from test.docs.pages import ROOT

PAGE = (ROOT / "docs/fifteen-questions.md").read_text()
LINK = re.compile(r"\[([^]]+)\]\(([^)]+)\)")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if re.match(r"\| \d+\.", line)
]


def test_there_are_fifteen():
    assert [int(row[0].split(".")[0]) for row in ROWS] == list(range(1, 16))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_each_has_code_a_page_and_a_test(row):
    _, answer, code, page, tests = row
    assert answer and LINK.search(page)
    assert (files := LINK.findall(code))
    for text, target in files:
        assert (ROOT / "docs" / target).is_file() and target.endswith(f"/{text}"), target
    assert (named := LINK.findall(tests))
    for words, target in named:
        source = (ROOT / "docs" / target).read_text()
        # A test is named by its function's name in words, or a whole file by the file's name.
        function = f"test_{words.replace(' ', '_')}"
        assert target.endswith(f"/{words}") or re.search(rf"^def {function}\(", source, re.MULTILINE), words
