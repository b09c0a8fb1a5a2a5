"""Endurance: the real nodes at work while everything around them fails in turn: `make soak`."""
