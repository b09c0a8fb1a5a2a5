"""`python -m documentation`: writes what of the documentation is made from the code."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs/reference"
# A DDS domain where no robot is expected.
QUIET_DOMAIN = "93"


def main() -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(prog="python -m documentation", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    reference = commands.add_parser("reference", help="start every node, look at it, write docs/reference")
    reference.add_argument(
        "--check", action="store_true", help="write nothing; exit with 1 when pages are out of date"
    )
    commands.add_parser("drawings", help="write docs/images/*.svg")
    arguments = parser.parse_args()
    if arguments.command == "drawings":
        from documentation.drawings import write_drawings

        write_drawings(ROOT / "docs/images")
        return 0
    os.environ["ROS_DOMAIN_ID"] = QUIET_DOMAIN
    from documentation.reference import reference_pages

    pages = reference_pages(ROOT)
    if arguments.check:
        for difference in (different := differences(pages)):
            print(difference, file=sys.stderr)
        return int(bool(different))
    write(pages)
    return 0


def differences(pages: dict[str, str]) -> list[str]:
    """Which committed pages are not what the code gives, and which are there without reason."""
    found = []
    for name, text in pages.items():
        file = REFERENCE / name
        if not file.is_file() or file.read_text() != text:
            found.append(f"docs/reference/{name} is out of date: run `python -m documentation reference`")
    there = {str(file.relative_to(REFERENCE)) for file in REFERENCE.rglob("*.md")}
    found += [f"docs/reference/{name} belongs to nothing: delete it" for name in sorted(there - set(pages))]
    return found


def write(pages: dict[str, str]) -> None:
    """Writes the pages and deletes those that belong to nothing."""
    for file in REFERENCE.rglob("*.md"):
        if str(file.relative_to(REFERENCE)) not in pages:
            file.unlink()
    for name, text in pages.items():
        file = REFERENCE / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


if __name__ == "__main__":
    sys.exit(main())
