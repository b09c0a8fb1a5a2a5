"""From words to a lifted object: robots of `config/robots` grasp held-out household objects in the simulated cell."""
