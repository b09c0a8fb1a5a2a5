"""Grasps as three discrete tokens: orientation, manner and refinement (SemGrasp, section 3.2)."""
