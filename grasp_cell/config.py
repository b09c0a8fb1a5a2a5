"""Configuration of the simulated cell."""

from __future__ import annotations

from dataclasses import dataclass

from grasp2vec_ros.core.options import option

REGIMES = ("varied", "shared_palette", "goods")


@dataclass
class CellConfig:
    """What lies in the bin, how it is seen, how fast time goes. Lengths in metres, base frame: panda_link0."""

    split: str = option(
        "seen",
        "which objects: those for learning, those kept for examination, or both",
        choices=["seen", "novel", "all"],
    )
    regime: str = option(
        "varied",
        "toys with colours and sizes of their own, toys that are alike in both, or packages and other goods",
        choices=list(REGIMES),
    )
    objects_dir: str = option("", "folder of meshes to use instead of what is generated; empty: generated")
    seen_toys: int = option(400, "how many generated objects the seen split has", minimum=1, maximum=100000)
    novel_toys: int = option(60, "how many generated objects the novel split has", minimum=1, maximum=100000)
    objects_per_scene: int = option(6, "objects in the bin", minimum=1, maximum=12)
    seed: int = option(0, "seed of scenes and places", minimum=0, maximum=2**31 - 1)
    scene_width_px: int = option(320, "width of the scene camera's image", minimum=64, maximum=1920)
    scene_height_px: int = option(240, "height of the scene camera's image", minimum=48, maximum=1080)
    held_size_px: int = option(128, "width and height of the held camera's image", minimum=32, maximum=1024)
    variation: float = option(
        0.0,
        "how much light, colours of table and bin, and the cameras' places differ between scenes; 0: not at all",
        minimum=0.0,
        maximum=1.0,
    )
    shadows: bool = option(False, "the lamp casts shadows; rendering then takes ten times as long")
    timestep_s: float = option(0.003, "physics step", minimum=0.0005, maximum=0.005)
    real_time_factor: float = option(
        0.0, "speed of simulated time against wall time; 0: as fast as possible", minimum=0.0, maximum=100.0
    )
    finger_friction: float = option(1.0, "sliding friction of the fingertips", minimum=0.0, maximum=3.0)
    finger_force_n: float = option(20.0, "force with which each finger closes [N]", minimum=1.0, maximum=70.0)

    def __post_init__(self) -> None:
        for name, choices in (("split", ("seen", "novel", "all")), ("regime", REGIMES)):
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"{name}: {getattr(self, name)!r} is unknown; use one of {', '.join(choices)}"
                )
        if not 1 <= self.objects_per_scene <= 12:
            raise ValueError(f"objects_per_scene: {self.objects_per_scene} is outside 1 to 12")
        if not 0.0 <= self.variation <= 1.0:
            raise ValueError(f"variation: {self.variation} is outside 0 to 1")
