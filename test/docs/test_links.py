"""Relative links lead somewhere, and paths that are quoted are there."""

import re

import pytest

from test.docs.pages import PAGES, ROOT, anchors, name, without_code

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
QUOTED = re.compile(r"`([^`\n]+)`")
# Made by commands, or a person's own.
NOT_IN_THE_TREE = ("out/", "build/", "install/")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_relative_links_lead_somewhere(page):
    for target in LINK.findall(without_code(page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{name(page)}: {target}"
        if anchor:
            assert anchor in anchors(file), f"{name(page)}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_quoted_paths_are_there(page):
    folders = {entry.name for entry in ROOT.iterdir() if entry.is_dir() and not entry.name.startswith(".")}
    for quoted in QUOTED.findall(without_code(page.read_text())):
        path = re.split(r":(?!//)", quoted)[0].rstrip("/")
        if "/" not in path or path.split("/")[0] not in folders or path.startswith(NOT_IN_THE_TREE):
            continue
        if re.fullmatch(r"[\w./-]+", path) and not (
            path.split("/")[0] in ("msg", "srv", "action") and "." not in path
        ):
            assert (ROOT / path).exists(), f"{name(page)}: `{quoted}`"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_scripts_in_commands_are_there(page):
    for path in re.findall(r"(?:python3?|bash|source) ((?:scripts|examples)/\S+)", page.read_text()):
        assert (ROOT / path).is_file(), f"{name(page)}: {path}"


def test_every_page_is_in_the_contents():
    listed = set()
    for page in (ROOT / "docs").rglob("*.md"):
        for block in re.findall(r"^```\{toctree\}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
            for line in block.splitlines():
                if line and not line.startswith(":"):
                    listed.add((page.parent / f"{line}.md").resolve())
    pages = set((ROOT / "docs").resolve().rglob("*.md")) - {(ROOT / "docs/index.md").resolve()}
    assert {name(page) for page in pages} == {name(page) for page in listed}
