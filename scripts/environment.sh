# Source this file (bash): the shell then finds the package, its interfaces and ROS 2 from the virtual environment.
# On a ROS machine use the workspace's install/setup.bash instead.
_root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
_prefix="$_root/.cache/install/semantic_grasping"
export PATH="$_root/.venv/bin:$PATH"
export AMENT_PREFIX_PATH="$_prefix:$_root/.venv"
export LD_LIBRARY_PATH="$_prefix/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
# The source tree comes first, so that an edit is live; the generated interfaces come from the install.
for _site in "$_prefix"/lib/python*/site-packages; do
  export PYTHONPATH="$_root:$_site${PYTHONPATH:+:$PYTHONPATH}"
done
export MUJOCO_GL="${MUJOCO_GL:-egl}"
export ROS_AUTOMATIC_DISCOVERY_RANGE="${ROS_AUTOMATIC_DISCOVERY_RANGE:-LOCALHOST}"
# Images are larger than Fast DDS's own segment of shared memory; the first name is Jazzy's, the second that of later ones.
export FASTRTPS_DEFAULT_PROFILES_FILE="${FASTRTPS_DEFAULT_PROFILES_FILE:-$_root/config/fastdds.xml}"
export FASTDDS_DEFAULT_PROFILES_FILE="${FASTDDS_DEFAULT_PROFILES_FILE:-$_root/config/fastdds.xml}"
unset _root _prefix _site
