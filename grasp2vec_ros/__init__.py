"""Grasp2Vec: a robot learns what objects are by grasping them (https://arxiv.org/abs/1811.06964)."""
