"""A process that keeps its memory touches fewer new pages."""

import subprocess
import sys

PROGRAM = """
import resource, sys, numpy as np
from grasp_node_kit.memory import keep_memory
if sys.argv[1] == "keep":
    assert keep_memory()
def work():
    for _ in range(50):
        np.ones(2**20, np.float32)
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_large_arrays_are_not_given_back_each_time():
    assert faults("keep") < 0.2 * max(faults("not"), 1000)
