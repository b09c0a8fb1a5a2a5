"""The base of every node: lifecycle with autostart, diagnostics, time jumps, and a main function."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType, JumpThreshold
from rclpy.duration import Duration
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor
from rclpy.lifecycle import LifecycleNode, State, TransitionCallbackReturn

from grasp_node_kit.newest import NewestSlot
from grasp_node_kit.qos import RESULT


class KitNode(LifecycleNode):
    """A managed node that configures and activates itself unless `autostart` is false.

    Subclasses build what they need in `set_up` and free it in `tear_down`. When `set_up` fails the node says why and
    stays up, unconfigured: an operator can mend the cause and configure it again.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.autostart = self.declare_parameter("autostart", True).value
        self.ready = False
        self.problem = ""
        self._diagnostics_publisher = None
        self._jump_handle = self.get_clock().create_jump_callback(
            JumpThreshold(min_forward=None, min_backward=Duration(nanoseconds=-1), on_clock_change=False),
            post_callback=self._on_jump,
        )

    # What a subclass fills in.

    def set_up(self) -> None:
        """Makes publishers, subscriptions, services and models. Errors in it keep the node unconfigured."""

    def tear_down(self) -> None:
        """Stops threads and frees what `set_up` made."""

    def slots(self) -> list[NewestSlot]:
        """The slots that are fed by topics; cleared when time jumps back."""
        return []

    def report(self) -> dict[str, object]:
        """Values for the diagnostics."""
        return {}

    # Lifecycle.

    def on_configure(self, state: State) -> TransitionCallbackReturn:
        """Runs `set_up`."""
        try:
            self.set_up()
        except Exception as error:  # whatever it is, the operator reads it and the node stays up
            self.problem = str(error)
            self.get_logger().error(f"not configured: {error}")
            return TransitionCallbackReturn.FAILURE
        self.problem = ""
        self.ready = True
        if self._diagnostics_publisher is None:
            self._diagnostics_publisher = self.create_publisher(DiagnosticArray, "/diagnostics", RESULT)
            self.create_timer(1.0, self._publish_diagnostics, clock=Clock(clock_type=ClockType.STEADY_TIME))
        return TransitionCallbackReturn.SUCCESS

    def on_cleanup(self, state: State) -> TransitionCallbackReturn:
        """Runs `tear_down`."""
        self.ready = False
        self.tear_down()
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: State) -> TransitionCallbackReturn:
        """Runs `tear_down` when something was set up."""
        if self.ready:
            self.ready = False
            self.tear_down()
        return TransitionCallbackReturn.SUCCESS

    def start(self) -> None:
        """Configures and activates the node when `autostart` says so."""
        if self.autostart and self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    def close(self) -> None:
        """Frees what the node holds, whatever state it is in."""
        if self.ready:
            self.ready = False
            self.tear_down()

    def _on_jump(self, jump: object) -> None:
        self.get_logger().warning("time jumped back: buffered messages are dropped")
        for slot in self.slots():
            slot.clear()

    def _publish_diagnostics(self) -> None:
        values = {**{f"{slot.topic} age [s]": f"{slot.age_s:.2f}" for slot in self.slots()}}
        values |= {f"{slot.topic} received": slot.received for slot in self.slots()}
        values |= self.report()
        stale = [slot.topic for slot in self.slots() if slot.age_s > 5.0]
        status = DiagnosticStatus(
            level=DiagnosticStatus.WARN if stale else DiagnosticStatus.OK,
            name=self.get_fully_qualified_name(),
            message=f"no recent {', '.join(stale)}" if stale else "ok",
            values=[KeyValue(key=str(key), value=str(value)) for key, value in values.items()],
        )
        message = DiagnosticArray(status=[status])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics_publisher.publish(message)


def run(make_node: Callable[[], KitNode], threads: int = 6) -> None:
    """The main function of a node: spins until interrupted and exits with 0."""
    rclpy.init(args=sys.argv)
    executor, node = MultiThreadedExecutor(num_threads=threads), None
    try:
        node = make_node()
        executor.add_node(node)
        node.start()
        while rclpy.ok():
            _spin(executor, node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        if node is not None:
            node.close()
        executor.shutdown(timeout_sec=2.0)
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()


def _spin(executor: MultiThreadedExecutor, node: KitNode) -> None:
    """Spins until interrupted; an error in a callback is said and costs that callback only, not the node."""
    try:
        executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        raise
    except Exception as error:
        node.get_logger().error(
            f"a callback failed: {type(error).__name__}: {error}\n{traceback.format_exc()}"
        )


def in_background(work: Callable[[], None], name: str) -> threading.Thread:
    """Starts a daemon thread."""
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    return thread
