"""Configuration of Sphinx, which builds these pages (`make docs`)."""

project = "semantic_grasping"
author = "semantic_grasping maintainers"
copyright = "semantic_grasping maintainers, Apache-2.0"
extensions = ["myst_parser"]
exclude_patterns = ["results"]
nitpicky = True
# Commands are not Python.
highlight_language = "none"
html_theme = "furo"
html_title = "semantic_grasping"
html_show_sphinx = False
html_copy_source = False
html_static_path = ["static"]
html_css_files = ["tables.css"]
# Anchors of headings as GitHub makes them: the pages are read there too.
myst_heading_anchors = 4
