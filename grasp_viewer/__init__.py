"""What the robot sees and thinks, live in a browser (Rerun), for machines without RViz."""
