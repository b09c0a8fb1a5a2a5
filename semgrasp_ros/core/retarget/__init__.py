"""From a human grasp to a robot: robots as data, retargeting, arm kinematics."""
