"""Captioned grasps made from generated objects: found by contact optimisation, kept when they hold."""
