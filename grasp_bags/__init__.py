"""Records topics into MCAP bags and plays them, with nothing but rclpy and rosbags; `ros2 bag` reads the same files."""
