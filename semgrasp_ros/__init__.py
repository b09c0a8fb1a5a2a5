"""SemGrasp: from words and points to a human grasp (https://arxiv.org/abs/2404.03590)."""
