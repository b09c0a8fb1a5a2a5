"""Grasp2Vec without ROS: torch and numpy only."""
