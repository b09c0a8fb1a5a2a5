"""Measurements of speed and of success."""
