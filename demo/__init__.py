"""The demonstration: the simulated cell, the nodes and the learning, end to end (`make demo`)."""
