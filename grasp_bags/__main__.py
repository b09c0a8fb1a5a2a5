"""`python -m grasp_bags`: records what the nodes take in and say, and plays it to them again; without `ros2 bag`.

ROS arguments go after `--ros-args`, for instance `--ros-args -r __ns:=/robot1`.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.utilities import remove_ros_args

from grasp_bags.player import Player, tracks
from grasp_bags.recorder import Recorder
from grasp_node_kit.bringup.arguments import TOPICS
from grasp_node_kit.bringup.bags import INPUTS, RESULTS
from grasp_node_kit.interrupts import Interrupts

DEFAULT = (*(topic.name for topic in TOPICS.values()), *INPUTS, *RESULTS, "clock")


def main() -> int:
    """Runs the command line."""
    options = _parse(remove_ros_args(sys.argv)[1:])
    try:
        return {"record": _record, "play": _play, "info": _info}[options.command](options)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m grasp_bags", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    record = commands.add_parser("record", help="write a bag until Ctrl-C")
    record.add_argument("bag", type=Path, help="folder to write; it must not exist")
    record.add_argument("--topics", nargs="+", default=list(DEFAULT), help="default: %(default)s")
    record.add_argument("--seconds", type=float, default=float("inf"), help="end after so long")
    play = commands.add_parser("play", help="publish a bag; by default what the nodes take in")
    play.add_argument("bag", type=Path, help="its folder")
    play.add_argument("--topics", nargs="+", help="absolute names; default: all but what the nodes say")
    play.add_argument("--rate", type=float, default=1.0, help="speed; 1: as it was")
    play.add_argument("--wait", type=float, default=5.0, help="wait so long for subscribers [s]")
    commands.add_parser("info", help="list the topics of a bag").add_argument("bag", type=Path)
    return parser.parse_args(arguments)


def _record(options: argparse.Namespace) -> int:
    interrupts = Interrupts()
    interrupts.install()
    rclpy.init(args=sys.argv)
    node, executor = Node("bag_recorder"), SingleThreadedExecutor()
    executor.add_node(node)
    recorder = Recorder(node, options.bag, options.topics)
    deadline = time.monotonic() + options.seconds
    try:
        with interrupts.left_to_rclpy():
            while rclpy.ok() and time.monotonic() < deadline:
                executor.spin_once(timeout_sec=0.2)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        recorder.close()
        executor.shutdown(timeout_sec=2.0)
        rclpy.try_shutdown()
    for topic, count in sorted(recorder.counts.items()):
        print(f"{count:7d}  {topic}")
    if recorder.missing:
        print(f"nobody published {', '.join(sorted(recorder.missing))}")
    return 0


def _play(options: argparse.Namespace) -> int:
    topics = options.topics or [name for name in tracks(options.bag) if not name.endswith(RESULTS)]
    rclpy.init(args=sys.argv)
    node = Node("bag_player")
    try:
        player = Player(node, options.bag, topics)
        if alone := player.wait_for_subscribers(options.wait):
            print(f"nobody listens to {', '.join(alone)}", file=sys.stderr)
        sent = player.play(options.rate, stop=lambda: not rclpy.ok())
    except KeyboardInterrupt:
        return 0
    finally:
        rclpy.try_shutdown()
    print(f"{sum(sent.values())} messages of {len(sent)} topics")
    return 0


def _info(options: argparse.Namespace) -> int:
    for name, track in sorted(tracks(options.bag).items()):
        print(f"{track.count:7d}  {name}  {track.kind}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
