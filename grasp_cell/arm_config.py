"""Settings of the cell in which an arm grasps household objects."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ArmCellConfig:
    """Physics, camera and what counts as held.

    Attributes:
        timestep_s: of the simulation.
        grip_force_n: of a parallel jaw, both fingers together; the Panda's lasting force.
        hand_torque_nm: of each joint of a hand; the Allegro's largest.
        hand_stiffness_nm_rad: of a hand's position servos.
        pad_friction: of fingers on anything; rubber.
        object_friction: of objects on table and objects.
        density_kg_m3: of all objects: between wood and solid plastic.
        lightest_kg, heaviest_kg: bounds of an object's mass.
        start_up_m: how much higher than at home the gripper waits.
        start_back_m: and how much nearer to the base.
        work_m: how far from the base's axis the object to be grasped stands.
        spread_m: it stands at most so far from there.
        drop_m: objects are let fall from so far above the table.
        tilt_rad: standard deviation of their tilt when let fall.
        neighbour_gap_m: least room between objects when they are placed.
        neighbours_within_m: neighbours' middles are at most so far from the object's.
        settle_s: longest time for objects to come to rest.
        width_px, height_px: of the depth camera.
        field_of_view_rad: vertical, of the depth camera.
        camera_distance_m: from the middle of the work place.
        camera_elevation_rad: above the horizon.
        camera_azimuth_rad: about z, 0 looks at the robot's face.
        depth_noise_m: standard deviation at 0.4 m, and `depth_noise_per_m2` more per squared metre beyond.
        depth_noise_per_m2: see `depth_noise_m`.
        lost_at_edges: share of pixels beside a jump in depth that have no depth.
        settle_phase_s: pause after each phase of a motion.
        hold_s: how long the object is held while the arm shakes.
        shake_rad: largest angle of the joints that shake.
        shake_hz: how fast.
        held_above_m: a lifted object's centre of mass is at least so much higher than at rest.
        sample_s: between two looks at the contacts.
    """

    timestep_s: float = 0.002
    grip_force_n: float = 70.0
    hand_torque_nm: float = 0.7
    hand_stiffness_nm_rad: float = 5.0
    pad_friction: float = 1.0
    object_friction: float = 0.6
    density_kg_m3: float = 800.0
    lightest_kg: float = 0.02
    heaviest_kg: float = 1.0
    start_up_m: float = 0.25
    start_back_m: float = 0.18
    work_m: float = 0.5
    spread_m: float = 0.06
    drop_m: float = 0.003
    tilt_rad: float = 0.02
    neighbour_gap_m: float = 0.02
    neighbours_within_m: float = 0.3
    settle_s: float = 3.0
    width_px: int = 640
    height_px: int = 480
    field_of_view_rad: float = 0.75
    camera_distance_m: float = 0.75
    camera_elevation_rad: float = 0.87
    camera_azimuth_rad: float = 0.5
    depth_noise_m: float = 0.0012
    depth_noise_per_m2: float = 0.0019
    lost_at_edges: float = 0.5
    settle_phase_s: float = 0.3
    hold_s: float = 2.0
    shake_rad: float = 0.12
    shake_hz: float = 1.5
    held_above_m: float = 0.05
    sample_s: float = 0.01

    def __post_init__(self) -> None:
        for name in ("timestep_s", "grip_force_n", "hand_torque_nm", "work_m", "hold_s", "sample_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: {getattr(self, name)} must be above 0")
        if self.sample_s < self.timestep_s:
            raise ValueError(
                f"sample_s: {self.sample_s} is below timestep_s {self.timestep_s}; make it at least that"
            )
        if not 0 < self.lightest_kg <= self.heaviest_kg:
            raise ValueError(
                f"lightest_kg: {self.lightest_kg} must be above 0 and at most heaviest_kg {self.heaviest_kg}"
            )
