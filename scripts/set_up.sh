#!/usr/bin/env bash
# Makes this checkout ready to run: Debian libraries, a virtual environment, the ROS 2 interfaces.
# Each step leaves a stamp and is skipped while what it depends on is unchanged.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p .cache/stamps
started=$SECONDS
say() { printf '[set-up %4ds] %s\n' "$((SECONDS - started))" "$*"; }
fail() { printf '[set-up] %s\n' "$*" >&2; exit 1; }
# stamp NAME FILE...: true when NAME was done with these very files.
digest() { cat "${@}" | sha256sum | cut -d' ' -f1; }
done_with() { [ -f ".cache/stamps/$1" ] && [ "$(cat ".cache/stamps/$1")" = "$2" ]; }

find_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3.11 python3.12 python3.13 python3; do
    [ -n "$candidate" ] && command -v "$candidate" >/dev/null || continue
    "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' && { echo "$candidate"; return; }
  done
  fail "Python 3.11, 3.12 or 3.13 is needed and none was found; install one or set PYTHON=/path/to/python3."
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo "$@"; else return 1; fi
}

# Debian packages that are missing, found by what they provide rather than by name, since names differ by release.
missing_debian_packages() {
  local libraries; libraries="$(ldconfig -p 2>/dev/null || /sbin/ldconfig -p)"
  grep -q 'libusb-1.0.so.0' <<<"$libraries" || echo libusb-1.0-0
  grep -q 'libGL.so.1' <<<"$libraries" || echo libgl1
  grep -q 'libEGL.so.1' <<<"$libraries" || echo libegl1
  compgen -G '/usr/lib/*/dri/swrast_dri.so' >/dev/null || compgen -G '/usr/lib/*/libgallium*.so' >/dev/null || echo libgl1-mesa-dri
  command -v g++ >/dev/null || echo g++
  command -v make >/dev/null || echo make
  "$python" -c 'import ensurepip' 2>/dev/null || echo python3-venv
  "$python" -c 'import os, sysconfig, sys; sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' || echo python3-dev
}

debian_packages() {
  local missing; missing="$(missing_debian_packages | tr '\n' ' ')"
  [ -z "$missing" ] && return
  command -v apt-get >/dev/null || fail "These libraries are missing: $missing. Install their equivalents for this system, then run again."
  say "Debian packages: $missing"
  as_root apt-get update -qq >.cache/apt.log 2>&1 && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >>.cache/apt.log 2>&1 ||
    fail "Could not install Debian packages without a password. Please run:  sudo apt-get install $missing   and then this command again. (.cache/apt.log)"
}

environment() {
  local wanted; wanted="$("$python" --version) $(digest requirements*.txt constraints.txt)"
  done_with environment "$wanted" && return
  [ -x .venv/bin/python ] || { say "virtual environment in .venv ($("$python" --version))"; "$python" -m venv .venv; }
  local pip=(.venv/bin/python -m pip --disable-pip-version-check install --no-compile --progress-bar off -c constraints.txt)
  # torch first and alone: everything after it is then satisfied by this build.
  say "PyTorch"
  "${pip[@]}" -q torch numpy 2>.cache/pip.log || { tail -20 .cache/pip.log >&2; fail "pip could not install PyTorch (.cache/pip.log)."; }
  say "libraries and ROS 2 wheels (a minute or two)"
  "${pip[@]}" -q -r requirements.txt -r requirements-ros.txt -r requirements-test.txt 2>.cache/pip.log || { tail -20 .cache/pip.log >&2; fail "pip could not install the requirements (.cache/pip.log)."; }
  echo "$wanted" >.cache/stamps/environment
}

interfaces() {
  local wanted; wanted="$(digest msg/*.msg srv/*.srv action/*.action CMakeLists.txt package.xml .cache/stamps/environment)"
  done_with interfaces "$wanted" && return
  say "ROS 2 interfaces (colcon build, about a minute)"
  rm -rf .cache/build .cache/install
  AMENT_PREFIX_PATH="$PWD/.venv" CMAKE_PREFIX_PATH="$PWD/.venv" PATH="$PWD/.venv/bin:$PATH" \
    .venv/bin/colcon --log-base .cache/log build --build-base .cache/build --install-base .cache/install \
    --cmake-args -DPython3_EXECUTABLE="$PWD/.venv/bin/python" -DPython3_FIND_VIRTUALENV=ONLY -DBUILD_TESTING=OFF >.cache/colcon.log 2>&1 ||
    { tail -40 .cache/colcon.log >&2; fail "colcon build failed (.cache/colcon.log)."; }
  echo "$wanted" >.cache/stamps/interfaces
}

python="$(find_python)"
debian_packages
environment
interfaces
[ $((SECONDS - started)) -lt 3 ] || say "ready"
