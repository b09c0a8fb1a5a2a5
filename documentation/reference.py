"""Writes the reference: nodes, topics, interfaces and options, as Markdown pages made from the code."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import yaml

from documentation.interfaces import Interface, read_interfaces
from documentation.markdown import escape, table
from documentation.nodes import Endpoint, NodeFacts, ParameterFacts, observe
from documentation.options import OptionsFacts, read_options

_MADE = "<!-- Made by `python -m documentation reference`; edit the code instead. -->\n"
_KINDS = {
    "subscribed": ("Topics in", ("topic", "type", "quality of service", "what")),
    "published": ("Topics out", ("topic", "type", "quality of service", "what")),
    "services": ("Services", ("service", "type", "what")),
    "actions": ("Actions", ("action", "type", "what")),
    "clients": ("Services it calls", ("service", "type", "what")),
    "action_clients": ("Actions it asks for", ("action", "type", "what")),
}
_FOLDERS = {"msg": "messages", "srv": "services", "action": "actions"}
_TITLES = {"msg": "Messages", "srv": "Services", "action": "Actions"}


class UndescribedError(ValueError):
    """An endpoint has no line in endpoints.yaml, or a line there has no endpoint."""


def reference_pages(root: Path) -> dict[str, str]:
    """All pages, by their path within docs/reference.

    Args:
        root: folder of the repository.

    Raises:
        UndescribedError: endpoints.yaml and the nodes do not name the same endpoints.
    """
    texts = yaml.safe_load((Path(__file__).parent / "endpoints.yaml").read_text())
    nodes, interfaces = observe(root), read_interfaces(root)
    common, common_parameters = _common_endpoints(nodes), _common_parameters(nodes)
    _check_texts(nodes, texts, common)
    own_types = {interface.name for interface in interfaces}
    pages = {"nodes.md": _every_node(nodes, texts, common, common_parameters)}
    for node in nodes:
        pages[f"nodes/{node.name}.md"] = _node_page(node, texts, common, common_parameters, own_types)
    pages["topics.md"] = _index_page(nodes, texts, common, own_types)
    for kind in _FOLDERS:
        pages[f"{_FOLDERS[kind]}.md"] = _interface_page(
            kind, [interface for interface in interfaces if interface.kind == kind], own_types
        )
    pages["options.md"] = _options_page(read_options(), nodes)
    return {name: _MADE + text.rstrip() + "\n" for name, text in pages.items()}


# What all nodes have is said once.


def _as_own(node: NodeFacts, name: str) -> str:
    """The name as code writes it: `~/x` for what carries the node's name."""
    return "~" + name.removeprefix(node.name) if name.startswith(f"{node.name}/") else name


def _common_endpoints(nodes: list[NodeFacts]) -> dict[str, Endpoint]:
    """Own and absolute names that most nodes have; a node that could not be configured lacks some."""
    seen: dict[str, list[Endpoint]] = defaultdict(list)
    for node in nodes:
        for endpoints in node.endpoints().values():
            for endpoint in endpoints:
                name = _as_own(node, endpoint.name)
                if name[0] in "~/":
                    seen[name].append(endpoint)
    return {name: found[0] for name, found in sorted(seen.items()) if len(found) > len(nodes) / 2}


def _common_parameters(nodes: list[NodeFacts]) -> dict[str, ParameterFacts]:
    by_name = [{parameter.name: parameter for parameter in node.parameters} for node in nodes]
    names = set.intersection(*(set(parameters) for parameters in by_name))
    return {name: by_name[0][name] for name in sorted(names)}


def _check_texts(nodes: list[NodeFacts], texts: dict[str, str], common: dict[str, Endpoint]) -> None:
    names = {
        endpoint.name
        for node in nodes
        for endpoints in node.endpoints().values()
        for endpoint in endpoints
        if _as_own(node, endpoint.name) not in common
    } | set(common)
    missing, stale = sorted(names - set(texts)), sorted(set(texts) - names)
    if missing or stale:
        raise UndescribedError(
            f"documentation/endpoints.yaml: no line for {missing or 'nothing'}; lines without an endpoint: {stale or 'none'}"
        )


# Pages.


def _every_node(
    nodes: list[NodeFacts],
    texts: dict[str, str],
    common: dict[str, Endpoint],
    parameters: dict[str, ParameterFacts],
) -> str:
    rows = [
        (f"[{node.name}](nodes/{node.name}.md)", f"`{node.module}`", _summary(node.text)) for node in nodes
    ]
    shared = [(f"`{name}`", f"`{e.type}`", escape(texts[name])) for name, e in common.items()]
    settings = [
        (f"`{p.name}`", f"`{p.default}`", _STANDARD_PARAMETERS.get(p.name) or escape(p.text))
        for p in parameters.values()
    ]
    links = "\n".join(f"nodes/{node.name}" for node in nodes)
    return f"""# Nodes

Each row is an executable of the package: `ros2 run semantic_grasping <name>` on a ROS machine, `python -m <module>` elsewhere.

{table(("node", "module", "what"), rows)}
## What every node has

Every node is a lifecycle node that configures and activates itself. `~` stands for the node's name.

{table(("name", "type", "what"), shared)}
{table(("parameter", "default", "what"), settings)}
Every topic's quality of service can be overridden by ROS 2's own parameters, as `qos_overrides./scene/image.subscription.reliability: reliable`; likewise `depth`, `history` and `durability`, and `publisher` for topics out. The tables of the nodes show what holds without.

```{{toctree}}
:hidden:

{links}
```
"""


_STANDARD_PARAMETERS = {
    "autostart": "configure and activate when started; false: wait for lifecycle requests",
    "use_sim_time": "take time from `/clock`",
    "start_type_description_service": "serve `~/get_type_description`; read-only",
}


def _node_page(
    node: NodeFacts,
    texts: dict[str, str],
    common: dict[str, Endpoint],
    common_parameters: dict[str, ParameterFacts],
    own_types: set[str],
) -> str:
    module = f"Executable `{node.name}`, module `{node.module}`."
    parts = [f"# {node.name}\n", f"{_summary(node.text)} {module}\n"]
    for kind, (title, head) in _KINDS.items():
        endpoints = node.endpoints()[kind]
        rows = [
            (
                f"`{e.name}`",
                _type(e.type, own_types, "../"),
                *((e.qos,) if "quality of service" in head else ()),
                escape(texts[e.name]),
            )
            for e in endpoints
            if _as_own(node, e.name) not in common
        ]
        if rows:
            parts += [f"## {title}\n", table(head, rows)]
    rows = [_parameter_row(p) for p in node.parameters if p.name not in common_parameters]
    parts += ["## Parameters\n", table(("parameter", "default", "range", "changes live", "what"), rows)]
    parts += ["What every node has besides: [Nodes](../nodes.md#what-every-node-has).\n"]
    return "\n".join(parts)


def _index_page(
    nodes: list[NodeFacts], texts: dict[str, str], common: dict[str, Endpoint], own_types: set[str]
) -> str:
    parts = [
        "# Topics, services and actions\n",
        "Names are relative: a launch file's `namespace` goes before them. What every node has is under"
        " [Nodes](nodes.md#what-every-node-has).\n",
    ]
    for title, offered, wanted, heads in (
        ("Topics", "published", "subscribed", ("published by", "subscribed by")),
        ("Services", "services", "clients", ("served by", "called by")),
        ("Actions", "actions", "action_clients", ("served by", "asked for by")),
    ):
        sides: dict[str, tuple[Endpoint, list[str], list[str]]] = {}
        for node in nodes:
            for side, kind in enumerate((offered, wanted)):
                for endpoint in node.endpoints()[kind]:
                    if _as_own(node, endpoint.name) not in common:
                        entry = sides.setdefault(endpoint.name, (endpoint, [], []))
                        entry[1 + side].append(f"[{node.name}](nodes/{node.name}.md)")
        rows = [
            (f"`{name}`", _type(e.type, own_types, ""), ", ".join(out), ", ".join(into), escape(texts[name]))
            for name, (e, out, into) in sorted(sides.items())
        ]
        parts += [f"## {title}\n", table((title[:-1].lower(), "type", *heads, "what"), rows)]
    return "\n".join(parts)


def _interface_page(kind: str, interfaces: list[Interface], own_types: set[str]) -> str:
    parts = [f"# {_TITLES[kind]}\n", f"In `semantic_grasping/{kind}`; the files are in `{kind}/`.\n"]
    for interface in interfaces:
        parts += [f"## {interface.name}\n", f"{escape(interface.text)}\n"]
        for title, fields in interface.sections.items():
            if not fields:
                continue
            rows = [
                (
                    f"`{f.name}`" + (f" = {f.value}" if f.value else ""),
                    _field_type(f.type, own_types),
                    escape(f.text),
                )
                for f in fields
            ]
            parts += [f"**{title}**\n" if title else "", table(("field", "type", "what"), rows)]
    return "\n".join(parts)


def _options_page(options: list[OptionsFacts], nodes: list[NodeFacts]) -> str:
    parts = [
        "# Options of training and generation\n",
        "Configuration dataclasses that are no node's parameters. `python -m grasp2vec_ros train` takes its options"
        " from a YAML file (`--config`) or one by one (`--set name=value`); the others are set from Python.\n",
    ]
    known = {parameter.name.split(".")[-1] for node in nodes for parameter in node.parameters}
    for facts in options:
        if {row.name for row in facts.rows} <= known:
            continue
        rows = [(f"`{r.name}`", f"`{r.default}`", escape(r.limits), escape(r.text)) for r in facts.rows]
        parts += [
            f"## {facts.name}\n",
            f"`{facts.module}`. {escape(facts.text)}\n",
            table(("option", "default", "range", "what"), rows),
        ]
    return "\n".join(parts)


# Parts of pages.


def _parameter_row(p: ParameterFacts) -> tuple[str, ...]:
    live = "no" if p.read_only else "yes"
    return (f"`{p.name}`", f"`{p.default}`", escape(p.limits), live, escape(p.text))


def _type(name: str, own_types: set[str], up: str) -> str:
    package, kind, short = name.split("/")
    if package == "semantic_grasping" and short in own_types:
        return f"[{short}]({up}{_FOLDERS[kind]}.md#{short.lower()})"
    return f"`{package}/{short}`"


def _field_type(name: str, own_types: set[str]) -> str:
    short = re.split(r"[/\[]", name.removeprefix("semantic_grasping/"))[0]
    return f"[`{name}`](messages.md#{short.lower()})" if short in own_types else f"`{name}`"


def _summary(text: str) -> str:
    """The first paragraph of a module's text, without `The ... node:`."""
    summary = " ".join(text.split("\n\n")[0].split("\n"))
    summary = re.sub(r"^The \w+ node: ", "", summary)
    return escape(summary[0].upper() + summary[1:])
