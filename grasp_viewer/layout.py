"""Where what is shown on the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grasp_viewer import places

if TYPE_CHECKING:
    from rerun.blueprint import Blueprint


def layout(base_frame: str) -> Blueprint:
    """3-D on the left; the scene with its heatmap, goal and held object in the middle; plots and messages on the right.

    Args:
        base_frame: frame from which the 3-D view is seen.
    """
    import rerun.blueprint as rrb

    in_space = rrb.Spatial3DView(
        origin=places.WORLD,
        name="Cell",
        spatial_information=rrb.SpatialInformation(target_frame=base_frame),
        line_grid=rrb.LineGrid3D(spacing=0.1),
        eye_controls=rrb.EyeControls3D(
            position=(1.05, 0.45, 0.55), look_target=(0.5, 0.0, 0.05), eye_up=(0.0, 0.0, 1.0)
        ),
    )
    images = rrb.Vertical(
        rrb.Tabs(
            rrb.Spatial2DView(origin=places.OVERLAY, name="Heatmap"),
            rrb.Spatial2DView(origin=places.SCENE, name="Scene"),
            rrb.Spatial2DView(origin=places.OVERVIEW, name="Cell from outside"),
        ),
        rrb.Horizontal(
            rrb.Spatial2DView(origin=places.GOAL, name="Goal"),
            rrb.Spatial2DView(origin=places.HELD, name="Held"),
        ),
    )
    plots = rrb.Vertical(
        rrb.TimeSeriesView(origin=places.REWARDS, name="Rewards", axis_y=rrb.ScalarAxis(range=(-0.1, 1.05))),
        rrb.TimeSeriesView(origin=places.LEARNING, name="Learning"),
        rrb.TextLogView(
            origin=places.MESSAGES, name="Messages", columns=rrb.TextLogColumns(text_log_columns=["body"])
        ),
    )
    return rrb.Blueprint(
        rrb.Horizontal(in_space, images, plots, column_shares=[5, 3, 3]),
        rrb.TimePanel(state="collapsed", timeline="log_time"),
        rrb.SelectionPanel(state="hidden"),
        rrb.BlueprintPanel(state="hidden"),
    )
