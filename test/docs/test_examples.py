"""The examples that the documentation names run."""

import re
import subprocess
import sys

import pytest

from test.docs.pages import ROOT


@pytest.mark.slow
def test_the_random_policy_ends_its_episodes():
    command = [sys.executable, "examples/random_policy.py", "--environments", "1", "--episodes", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr[-2000:]
    assert re.search(r"^1 episodes: mean reward \d\.\d+", done.stdout, re.MULTILINE)
