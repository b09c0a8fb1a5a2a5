"""The ROS side of SemGrasp."""
