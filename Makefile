# Every target sets itself up first; that is quick when it is already done.
SHELL := /bin/bash
RUN := source scripts/environment.sh &&
.PHONY: help set-up demo grasps evaluate-grasp2vec evaluate-semgrasp bench soak test lint docs clean

help:  ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-20s %s\n", $$1, $$2}'

set-up:  ## libraries, virtual environment and ROS 2 interfaces
	@scripts/set_up.sh

demo: set-up  ## the simulated cell end to end; writes out/demo/report.html; FROM_SCRATCH=1: from random weights
	@$(RUN) python -m demo --output out/demo $(if $(filter 1,$(FROM_SCRATCH)),--from-scratch)

evaluate-grasp2vec: set-up  ## the paper's protocols with baselines; writes out/evaluate/*.json and the table in docs/
	@$(RUN) python -m examination --output out/evaluate --table docs/grasp2vec-results.md

grasps: set-up  ## the generated grasps that ship, as a folder: out/semgrasp/grasps
	@$(RUN) python -m semgrasp_ros unpack --grasps out/semgrasp/grasps

evaluate-semgrasp: grasps  ## tokens and grasps from words with baselines; writes out/evaluate/semgrasp and the table in docs/
	@$(RUN) python -m examination.semgrasp --table docs/semgrasp-results.md

bench: grasps  ## speed as ratios against references in the same run; writes out/bench/*.json and the tables in docs/bench.md
	@$(RUN) python -m benchmarks --table docs/bench.md

soak: set-up  ## 30 minutes of work while everything fails in turn; writes out/soak/soak.json, a picture and the tables in docs/soak.md
	@$(RUN) python -m endurance --output out/soak --table docs/soak.md

test: set-up lint  ## the test suite
	@$(RUN) OMP_NUM_THREADS=1 python -m pytest

lint: set-up
	@$(RUN) ruff check . && ruff format --check .

docs:  ## the documentation as pages, warnings are errors; writes out/docs/index.html
	@scripts/make_docs.sh

clean:  ## removes everything that was built, except results in out/
	rm -rf .venv .cache build install log
