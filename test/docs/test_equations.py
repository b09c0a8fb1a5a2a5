"""Every function and class that the table of equations names exists."""

import ast
import re

import pytest

from test.docs.pages import ROOT

NAMED = re.findall(r"`([\w/]+\.py):([\w.]+)`", (ROOT / "docs/equations.md").read_text())


def definitions(tree: ast.AST, prefix: str = "") -> set[str]:
    found = set()
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found |= {f"{prefix}{node.name}"} | definitions(node, f"{prefix}{node.name}.")
    return found


def test_the_table_is_read():
    assert len(NAMED) > 30


@pytest.mark.parametrize(("file", "wanted"), NAMED, ids=lambda value: value)
def test_it_exists(file, wanted):
    assert wanted in definitions(ast.parse((ROOT / file).read_text()))
