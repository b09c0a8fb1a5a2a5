"""`python -m grasp_node_kit.bringup`: writes docs/launch.md."""

from pathlib import Path

from grasp_node_kit.bringup.document import page

if __name__ == "__main__":
    root = Path(__file__).parent.parent.parent
    (root / "docs/launch.md").write_text(page(root))
