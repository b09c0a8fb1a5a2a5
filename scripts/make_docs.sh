#!/usr/bin/env bash
# Builds the documentation into out/docs; a warning is an error. Needs Python and pip only, no ROS.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
wanted="$(sha256sum docs/requirements.txt)"
if [ ! -f .cache/docs/wanted ] || [ "$(cat .cache/docs/wanted)" != "$wanted" ]; then
  python="${PYTHON:-python3}"
  if [ -x .venv/bin/python ]; then python=.venv/bin/python; fi
  rm -rf .cache/docs
  "$python" -m venv .cache/docs
  .cache/docs/bin/python -m pip --disable-pip-version-check install -q --no-compile --progress-bar off -r docs/requirements.txt
  echo "$wanted" >.cache/docs/wanted
fi
.cache/docs/bin/sphinx-build --fresh-env --fail-on-warning --keep-going --quiet -d .cache/docs/doctrees docs out/docs
echo "out/docs/index.html"
