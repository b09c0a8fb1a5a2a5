# Every target sets itself up first; that is quick when it is already done.
SHELL := /bin/bash
RUN := source scripts/environment.sh &&
.PHONY: help set-up demo test lint clean

help:  ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-20s %s\n", $$1, $$2}'

set-up:  ## libraries, virtual environment and ROS 2 interfaces
	@scripts/set_up.sh

demo: set-up  ## the simulated cell end to end; writes out/demo/report.html and metrics.json
	@$(RUN) python -m demo --output out/demo

test: set-up lint  ## the test suite
	@$(RUN) OMP_NUM_THREADS=1 python -m pytest

lint: set-up
	@$(RUN) ruff check . && ruff format --check .

clean:  ## removes everything that was built, except results in out/
	rm -rf .venv .cache build install log
