"""The examination of SemGrasp: tokens, grasps from words, baselines, tables and a sheet of pictures."""
