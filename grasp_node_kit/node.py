"""The base of every node: lifecycle with autostart, diagnostics, watchdog, time jumps, and a main function."""

from __future__ import annotations

import difflib
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

import rclpy
from rcl_interfaces.msg import SetParametersResult
from rclpy.callback_groups import CallbackGroup
from rclpy.clock import JumpThreshold
from rclpy.duration import Duration
from rclpy.exceptions import NotInitializedException, ParameterException
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, LifecyclePublisher, State, TransitionCallbackReturn
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription

from grasp_node_kit.answers import answer_always
from grasp_node_kit.diagnostics import Diagnostics
from grasp_node_kit.endpoints import Endpoints, own_copy
from grasp_node_kit.interrupts import Interrupts
from grasp_node_kit.limits import LONGEST_TEXT
from grasp_node_kit.memory import keep_memory
from grasp_node_kit.monitors import Monitor
from grasp_node_kit.newest import NewestSlot
from grasp_node_kit.watchdog import Watchdog

# Threads take turns so often. With Python's 5 ms, two cameras at 30 Hz wait behind the executor's own work, and the
# capture node misses four of ten images while it stores attempts; now it misses none, and stores twice as many.
SWITCH_INTERVAL_S, USUAL_INTERVAL_S = 5e-5, 5e-3


class InactiveError(RuntimeError):
    """The node is not active; the text says what to do."""


class KitNode(LifecycleNode):
    """A managed node that configures and activates itself unless `autostart` is false.

    Subclasses build what they need in `set_up` and free it in `tear_down`; endpoints and timers made in `set_up` are
    destroyed without their help. When `set_up` fails the node says why and stays up, unconfigured: an operator can
    mend the cause and configure it again. While it is not active it publishes nothing but diagnostics.

    Args:
        name: of the node.
        **options: of rclpy.node.Node, for instance `namespace` and `parameter_overrides`.

    Attributes:
        ready: it is configured.
        active: it is configured and active.
        problem: why it could not be configured or activated; empty when it could.
        monitors: what the node measures about itself.
        endpoints: what went wrong on its topics.
    """

    def __init__(self, name: str, **options: Any) -> None:
        # Topics that rclpy's own constructor makes are rclpy's.
        self.endpoints: Endpoints | None = None
        super().__init__(name, **options)
        answer_always(self)
        self.endpoints = Endpoints(self)
        self.autostart = self.declare_parameter("autostart", True).value
        self.ready = self.active = False
        self.problem = ""
        self.monitors: list[Monitor] = []
        self.watchdog: Watchdog | None = None
        self._transition = threading.RLock()
        self._diagnostics = Diagnostics(self)
        self._jump_handle = self.get_clock().create_jump_callback(
            JumpThreshold(min_forward=None, min_backward=Duration(nanoseconds=-1), on_clock_change=False),
            post_callback=self._on_jump,
        )

    # What a subclass fills in.

    def set_up(self) -> None:
        """Makes publishers, subscriptions and models. Errors in it keep the node unconfigured."""

    def activate(self) -> None:
        """Begins to work, and publishes what is latched. Errors in it keep the node inactive."""

    def deactivate(self) -> None:
        """Stops to work; it may be activated again."""

    def tear_down(self) -> None:
        """Stops threads and frees what `set_up` made."""

    def slots(self) -> list[NewestSlot]:
        """The slots that are fed by topics; cleared when time jumps back."""
        return []

    def needs(self) -> list[NewestSlot]:
        """Of these, the slots that the watchdog misses when nothing comes."""
        return self.slots()

    def waiting_for(self) -> str:
        """What else the node waits for, for the watchdog; empty when nothing."""
        return ""

    def report(self) -> dict[str, object]:
        """Values for the diagnostics."""
        return {}

    def time_jumped(self) -> None:
        """Forgets what belongs to the time before a jump back, apart from slots and monitors."""

    # Endpoints.

    def create_publisher(
        self, msg_type: type, topic: str, qos_profile: QoSProfile | int, **options: Any
    ) -> Publisher:
        """As in Node; silent while the node is inactive, its QoS open to parameters and watched."""
        if self.endpoints is None:
            return super().create_publisher(msg_type, topic, qos_profile, **options)
        options.setdefault("publisher_class", LifecyclePublisher)
        publisher = self.create_plain_publisher(msg_type, topic, qos_profile, **options)
        self.add_managed_entity(publisher)
        return publisher

    def create_plain_publisher(
        self, msg_type: type, topic: str, qos_profile: QoSProfile | int, **options: Any
    ) -> Publisher:
        """As `create_publisher`, but it is heard in every state."""
        options = self.endpoints.publisher_options(topic) | options
        return Node.create_publisher(self, msg_type, topic, own_copy(qos_profile), **options)

    def create_subscription(
        self,
        msg_type: type,
        topic: str,
        callback: Callable[[Any], None],
        qos_profile: QoSProfile | int,
        **options: Any,
    ) -> Subscription:
        """As in Node, its QoS open to parameters and watched."""
        if self.endpoints is not None:
            options = self.endpoints.subscription_options(topic) | options
            qos_profile = own_copy(qos_profile)
        return super().create_subscription(msg_type, topic, callback, qos_profile, **options)

    def feed(
        self,
        slot: NewestSlot,
        msg_type: type,
        qos_profile: QoSProfile,
        group: CallbackGroup,
        topic: str | None = None,
    ) -> None:
        """Subscribes a slot to its topic, or to another one with the same meaning."""

        def note_lost(count: int) -> None:
            slot.lost += count

        name = topic or slot.topic
        options = self.endpoints.subscription_options(name, note_lost)
        slot.subscription = self.create_subscription(
            msg_type, name, slot.put, qos_profile, callback_group=group, **options
        )

    def topic_of(self, slot: NewestSlot) -> str:
        """The topic that feeds a slot, after remapping."""
        return self.resolve_topic_name(slot.topic if slot.subscription is None else slot.subscription.topic)

    def offer(
        self,
        srv_type: type,
        name: str,
        work: Callable[[Any, Any], None],
        group: CallbackGroup,
        refusals: tuple[type[Exception], ...] = (ValueError,),
    ) -> None:
        """Serves a service whose answer has `success` and `message`; it is there in every state.

        Args:
            srv_type: of the service.
            name: of the service.
            work: fills in the response; what it raises becomes `success: false` and the text.
            group: callback group.
            refusals: errors that the caller made; all others are the node's, and logged in full.
        """

        def answer(request: Any, response: Any) -> Any:
            try:
                self.require_active()
                work(request, response)
                response.success = True
            except (InactiveError, *refusals) as error:
                response.success, response.message = False, str(error)
                self.get_logger().warning(f"{name}: {error}")
            except Exception as error:  # whoever asks must get an answer
                response.success, response.message = False, f"failed: {type(error).__name__}: {error}"
                self.get_logger().error(f"{name}: {error}\n{traceback.format_exc()}")
            return response

        self.create_service(srv_type, name, answer, callback_group=group)

    # Parameters.

    def set_parameters(self, parameter_list: list[Parameter]) -> list[SetParametersResult]:
        """As in Node; a name that nobody declared is refused by name."""
        return [self._unknown(p) or super(KitNode, self).set_parameters([p])[0] for p in parameter_list]

    def set_parameters_atomically(self, parameter_list: list[Parameter]) -> SetParametersResult:
        """As in Node; a name that nobody declared is refused by name."""
        unknown = next(filter(None, map(self._unknown, parameter_list)), None)
        return unknown or super().set_parameters_atomically(parameter_list)

    def _unknown(self, parameter: Parameter) -> SetParametersResult | None:
        if self.has_parameter(parameter.name):
            return None
        near = self._similar(parameter.name)
        hint = f"; did you mean {near!r}?" if near else ""
        return SetParametersResult(
            successful=False,
            reason=f"{parameter.name[:LONGEST_TEXT]}: is no parameter of {self.get_name()}{hint}",
        )

    def _similar(self, name: str) -> str:
        near = difflib.get_close_matches(name[:LONGEST_TEXT], list(self._parameters), 1, 0.85)
        return near[0] if near else ""

    def _question_overrides(self) -> None:
        """A misspelt parameter is silently ignored by ROS; files for several nodes have others', which are no mistake."""
        for name in sorted(set(self._parameter_overrides) - set(self._parameters)):
            near = self._similar(name)
            if near and not name.startswith("qos_overrides."):
                self.get_logger().warning(f"parameter {name!r} is not known here; did you mean {near!r}?")

    # State.

    @property
    def state(self) -> str:
        """unconfigured, inactive or active."""
        return "active" if self.active else "inactive" if self.ready else "unconfigured"

    @property
    def complaint(self) -> str:
        """What the watchdog says; empty when all is well."""
        return "" if self.watchdog is None else self.watchdog.complaint

    def why_inactive(self) -> str:
        """Why nothing is done now, and what to do; empty when the node is active."""
        if not self.ready:
            return f"{self.get_name()} is not configured: {self.problem or 'configure and activate it first'}"
        return "" if self.active else f"{self.get_name()} is inactive: activate it first"

    def require_active(self) -> None:
        """Passes when the node is active.

        Raises:
            InactiveError: it is not.
        """
        if why := self.why_inactive():
            raise InactiveError(why)

    # Lifecycle.

    def on_configure(self, state: State) -> TransitionCallbackReturn:
        """Runs `set_up`."""
        self._before = self._entities()
        try:
            self.set_up()
            self.watchdog = Watchdog(self)
        except Exception as error:  # whatever it is, the operator reads it and the node stays up
            self.problem = str(error)
            self.get_logger().error(f"not configured: {error}")
            self._destroy_new()
            return TransitionCallbackReturn.FAILURE
        self.problem = ""
        self.ready = True
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state: State) -> TransitionCallbackReturn:
        """Lets publishers speak and runs `activate`."""
        super().on_activate(state)
        self.active = True
        try:
            self.activate()
        except Exception as error:  # as above
            self.active = False
            self.problem = str(error)
            self.get_logger().error(f"not activated: {error}")
            super().on_deactivate(state)
            return TransitionCallbackReturn.FAILURE
        except BaseException:  # interrupted: what did not come to be active cannot be deactivated
            self.active = False
            raise
        self.problem = ""
        return TransitionCallbackReturn.SUCCESS

    def on_deactivate(self, state: State) -> TransitionCallbackReturn:
        """Runs `deactivate` and silences the publishers."""
        self.active = False
        self.deactivate()
        return super().on_deactivate(state)

    def on_cleanup(self, state: State) -> TransitionCallbackReturn:
        """Runs `tear_down`."""
        self.close()
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: State) -> TransitionCallbackReturn:
        """Runs `tear_down` when something was set up."""
        self.close()
        return TransitionCallbackReturn.SUCCESS

    def start(self) -> None:
        """Configures and activates the node when `autostart` says so."""
        self._question_overrides()
        if self.autostart and self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    def close(self) -> None:
        """Frees what the node holds, whatever state it is in."""
        with self._transition:
            was_active, was_ready = self.active, self.ready
            self.active = self.ready = False
            if was_active:
                self.deactivate()
            if was_ready:
                self.tear_down()
                self._destroy_new()

    def _entities(self) -> dict[str, list]:
        kinds = {
            "publisher": self.publishers,
            "subscription": self.subscriptions,
            "timer": self.timers,
            "client": self.clients,
            "service": self.services,
            "waitable": self.waitables,
        }
        return {kind: list(entities) for kind, entities in kinds.items()}

    def _destroy_new(self) -> None:
        """Destroys what `set_up` made: configuring again must not double it."""
        for kind in self._before:
            # Looked up anew for each kind: with a topic go the waitables of its events.
            for entity in self._entities()[kind]:
                if any(entity is old for old in self._before[kind]):
                    continue
                if isinstance(entity, LifecyclePublisher):
                    self.destroy_lifecycle_publisher(entity)
                elif kind == "waitable":
                    entity.destroy()  # of the action clients
                else:
                    getattr(self, f"destroy_{kind}")(entity)

    def _on_jump(self, jump: object) -> None:
        self.get_logger().warning("time jumped back: buffered messages are dropped")
        for part in [*self.slots(), *self.monitors]:
            part.clear()
        self.time_jumped()


def run(make_node: Callable[[], KitNode], threads: int = 6) -> None:
    """The main function of a node: spins until interrupted and exits with 0; with 1 when its parameters are wrong."""
    interrupts = Interrupts()
    interrupts.install()
    rclpy.init(args=sys.argv)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    keep_memory()
    executor, node = MultiThreadedExecutor(num_threads=threads), None
    try:
        node = _made(make_node)
        executor.add_node(node)
        node.start()
        with interrupts.left_to_rclpy():
            while rclpy.ok():
                _spin(executor, node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except (rclpy_implementation.RCLError, NotInitializedException):
        if rclpy.ok():
            raise
        # Interrupted while the node was made: what needs ROS fails then, and that is no failure.
    finally:
        sys.setswitchinterval(USUAL_INTERVAL_S)
        if node is not None:
            node.close()
        executor.shutdown(timeout_sec=2.0)
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()


def _made(make_node: Callable[[], KitNode]) -> KitNode:
    try:
        return make_node()
    except (ValueError, ParameterException) as error:
        rclpy.logging.get_logger("semantic_grasping").fatal(f"not started: {error}")
        sys.exit(1)


def _spin(executor: MultiThreadedExecutor, node: KitNode) -> None:
    """Spins until interrupted; an error in a callback is said and costs that callback only, not the node."""
    try:
        executor.spin()
    except ExternalShutdownException:
        raise
    except rclpy_implementation.InvalidHandle:
        node.get_logger().debug("a callback was due when what it belongs to was destroyed")
    except Exception as error:
        if not rclpy.ok():
            # Interrupted: what needs ROS fails then, and that is no failure.
            return
        node.get_logger().error(
            f"a callback failed: {type(error).__name__}: {error}\n{traceback.format_exc()}"
        )


def in_background(work: Callable[[], None], name: str) -> threading.Thread:
    """Starts a daemon thread."""
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    return thread
