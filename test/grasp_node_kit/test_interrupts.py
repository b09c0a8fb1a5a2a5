"""Ctrl-C: left to rclpy while an executor spins, raised elsewhere."""

from __future__ import annotations

import os
import signal

import pytest

from grasp_node_kit.interrupts import Interrupts


@pytest.fixture
def interrupts():
    before = signal.getsignal(signal.SIGINT)
    made = Interrupts()
    made.install()
    yield made
    signal.signal(signal.SIGINT, before)


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)
    signal.getsignal(signal.SIGINT)  # a call, so that Python looks for signals here


def test_nothing_is_raised_while_an_executor_spins(interrupts):
    with interrupts.left_to_rclpy():
        interrupt()
    with pytest.raises(KeyboardInterrupt):
        interrupt()


def test_it_is_raised_again_after_an_error_in_the_spinning(interrupts):
    with pytest.raises(RuntimeError), interrupts.left_to_rclpy():
        raise RuntimeError("the executor failed")
    with pytest.raises(KeyboardInterrupt):
        interrupt()
