"""A policy that moves and closes at random, in several environments at once: where an RL policy goes.

python examples/random_policy.py --environments 2 --episodes 20
"""

from __future__ import annotations

import argparse

import gymnasium
import numpy as np
from tqdm import tqdm


def main() -> None:
    """Runs random episodes and says what they earned."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--environments", type=int, default=2)
    parser.add_argument("--episodes", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    environments = gymnasium.make_vec(
        # With the module's name a process that was not forked registers the environment too.
        "grasp_cell.environment:GraspCell-v0",
        num_envs=options.environments,
        vectorization_mode="async",
        # A forked process would hang in OpenGL, which the parent has begun to use.
        vector_kwargs={"context": "spawn"},
        regime="shared_palette",
    )
    environments.reset(seed=options.seed)
    environments.action_space.seed(options.seed)
    earned, lifted, right = [], 0, 0
    with tqdm(total=options.episodes, unit="episode") as bar:
        while len(earned) < options.episodes:
            actions = environments.action_space.sample()
            # Mostly down, and closed seldom: otherwise it never gets anywhere.
            actions[:, 2] -= 0.5
            actions[:, 4] -= 0.7
            _, rewards, terminated, truncated, infos = environments.step(np.clip(actions, -1, 1))
            for i in np.flatnonzero(terminated | truncated):
                earned.append(float(rewards[i]))
                # Ground truth, to look at; a policy must not.
                lifted += bool(infos["held_object"][i])
                right += bool(infos["right"][i])
                bar.update()
    environments.close()
    print(
        f"{len(earned)} episodes: mean reward {np.mean(earned):.3f}, {lifted} lifted something, {right} the goal"
    )


if __name__ == "__main__":
    main()
