"""Options of the viewer."""

from __future__ import annotations

from dataclasses import dataclass

from grasp2vec_ros.core.options import option


@dataclass
class ViewerConfig:
    """Where the view goes, and how much of the data."""

    serve: bool = option(True, "serve the view to browsers on this machine", read_only=True)
    web_port: int = option(
        9090, "port of the page, http://localhost:9090", minimum=1024, maximum=65535, read_only=True
    )
    data_port: int = option(
        9876, "port from which the page gets its data", minimum=1024, maximum=65535, read_only=True
    )
    memory_mb: int = option(
        512,
        "what the server keeps for browsers that come late [MiB]; the oldest goes first",
        minimum=16,
        maximum=65536,
        read_only=True,
    )
    recording: str = option("", "file.rrd that the view is saved to; empty: none", read_only=True)
    rate_hz: float = option(5.0, "images a second that are shown of each camera", minimum=0.1, maximum=60.0)
    cloud_rate_hz: float = option(
        1.0, "clouds a second that are made of depth and colour", minimum=0.1, maximum=30.0
    )
    cloud_stride_px: int = option(
        2, "the cloud has a point for each so many rows and columns", minimum=1, maximum=64
    )
    jpeg_quality: int = option(80, "of the images in the browser", minimum=10, maximum=100)
