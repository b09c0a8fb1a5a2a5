"""The simulated robot cell: a Panda arm over a bin of objects, in MuJoCo."""
