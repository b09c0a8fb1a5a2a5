"""The fifteen questions are answered by code, pages and tests that exist."""

import re

import pytest

from test.docs.pages import ROOT

PAGE = (ROOT / "docs/fifteen-questions.md").read_text()
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
    assert answer and re.search(r"\]\([^)]+\)", page)
    for path in (quoted := re.findall(r"`([^`]+)`", code)):
        assert (ROOT / path).is_file(), path
    assert quoted
    assert (named := re.findall(r"`(test/[^`]+)`", tests))
    for test in named:
        file, _, function = test.partition("::")
        assert (ROOT / file).is_file(), file
        assert not function or re.search(rf"^def {function}\(", (ROOT / file).read_text(), re.MULTILINE), test
