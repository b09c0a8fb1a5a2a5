#!/usr/bin/env bash
# Trains the model that ships, from nothing but ImageNet's weights of a trunk: simulated removals of generated toys and
# goods of the seen split, two stages of training, a probe of the trunk as it was, colours, and whitening by grasps. All
# go on where they were interrupted. About two hours of data and four hours of training on two CPU cores; a GPU is used
# when there is one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/environment.sh
folder="${1:-out/model}"
pip install -q -c constraints.txt -r requirements-training.txt
removals() { python -m grasp_cell simulate-removals --store "$folder/store" "$@"; }
removals --regime shared_palette --attempts 12000 --toys 4000 --seed 1
removals --regime varied --attempts 18000 --toys 3000 --seed 2
removals --regime shared_palette --attempts 30000 --toys 900000 --seed 7   # nearly every toy once
removals --regime varied --attempts 33000 --toys 900000 --seed 22
removals --regime goods --attempts 51000 --toys 900000 --seed 5
train() { python -m grasp2vec_ros train --store "$folder/store" --checkpoints "$folder/$1" --config "config/$2" --steps "$3"; }
train small model.yaml 6400
python -m grasp2vec_ros start --checkpoints "$folder/with_trunk" --small "$folder/small" --config config/model_with_trunk.yaml
train with_trunk model_with_trunk.yaml 1000
python -m grasp2vec_ros probe --store "$folder/store" --checkpoint "$folder/with_trunk" --output "$folder/probe" --attempts 8000
python -m grasp2vec_ros colours --store "$folder/store" --checkpoint "$folder/probe" --output "$folder/coloured"
if [ ! -d "$folder/grasps" ]; then
  grasp() { python -m grasp_cell collect --store "$folder/grasps_unfinished" "$@"; }
  grasp --regime goods --attempts 1000 --seed 40
  grasp --regime shared_palette --attempts 500 --seed 41
  mv "$folder/grasps_unfinished" "$folder/grasps"
fi
python -m grasp2vec_ros whiten --store "$folder/grasps" --checkpoint "$folder/coloured" --output "$folder/whitened"
python -m grasp2vec_ros shrink --checkpoint "$folder/whitened" --output "$folder/shipped"
echo "Put the file of $folder/shipped alone into models/grasp2vec/ to ship it."
