"""What the launch files start, and with which arguments.

Everything but `actions` is plain data and functions, so it is checked on machines without `launch` too. Nothing here
imports more than PyYAML: `ros2 launch` may run on another Python than the nodes.
"""
