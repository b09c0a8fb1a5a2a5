#!/usr/bin/env bash
# Trains the model that ships, from nothing: simulated removals of generated toys and goods of the seen split, then
# training. Both go on where they were interrupted. About an hour and a half of data and three hours of training on two
# CPU cores; a GPU is used when there is one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/environment.sh
folder="${1:-out/model}"
removals() { python -m grasp_cell simulate-removals --store "$folder/store" "$@"; }
removals --regime shared_palette --attempts 12000 --toys 4000 --seed 1
removals --regime varied --attempts 18000 --toys 3000 --seed 2
removals --regime shared_palette --attempts 25000 --toys 900000 --seed 7   # nearly every toy once
removals --regime goods --attempts 45000 --toys 900000 --seed 5
python -m grasp2vec_ros train --store "$folder/store" --checkpoints "$folder/checkpoints" --config config/model.yaml --steps 7200
echo "The newest file of $folder/checkpoints is the model; put it alone into models/grasp2vec/ to ship it."
