"""The papers' protocols in the simulated cell, scored by its ground truth."""
