"""Settings of launch files as people give them, without `launch`."""

from __future__ import annotations

from pathlib import Path

from grasp_node_kit.bringup.launches import LAUNCHES
from grasp_node_kit.bringup.plan import NodePlan, Plan
from grasp_node_kit.bringup.setting import Setting

ROOT = Path(__file__).parent.parent.parent


def setting(launch: str, **given: str) -> Setting:
    """What a launch file makes of some arguments and of its defaults for the others."""
    plans = LAUNCHES[launch]
    values = {argument.name: argument.default for argument in plans.arguments}
    unknown = set(given) - set(values)
    assert not unknown, f"{launch} has no argument {unknown}"
    values = {name: "bag" if value is None else value for name, value in values.items()}
    return Setting(values | given | dict(plans.fixed), ROOT)


def plan(launch: str, **given: str) -> list[Plan]:
    """What a launch file starts."""
    return LAUNCHES[launch].plan(setting(launch, **given))


def nodes(launch: str, **given: str) -> dict[str, NodePlan]:
    """The nodes that a launch file starts, by name."""
    return {each.name: each for each in plan(launch, **given) if isinstance(each, NodePlan)}
