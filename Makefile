# `make demo` and `make test` need python3 (3.10 or later), make and the package index.
#
#   make PYTHON=/path/to/python3.11 demo   another Python than the one that is found
#   make ENGINE=torch demo                 another engine than the default: MXNet where it has wheels
#                                          and can be imported, else PyTorch

PYTHON ?=
ENGINE ?=
VENV := .venv
PY := $(VENV)/bin/python

.PHONY: help demo demo-multi test lint docs reference pictures weights wheel clean distclean
.NOTPARALLEL:

help:
	@echo "make demo       train a small detector on generated pictures; minutes on 2 cores"
	@echo "make demo-multi train six tasks at once on generated rooms; minutes on 2 cores"
	@echo "make test       lint, types, import contracts and all tests, of both engines where both run"
	@echo "                (ENGINE=torch or ENGINE=mxnet with either: that engine alone)"
	@echo "make lint       the same without the tests"
	@echo "make docs       the documentation as pages in build/docs/; every link within it is checked"
	@echo "make reference  write docs/reference/ from docstrings"
	@echo "make pictures   write docs/images/ from trainings on generated data, and run the notebooks;"
	@echo "                needs Chromium and its driver; 20 minutes on 2 cores"
	@echo "make weights    fetch pretrained MobileNetV2 (13 MB) to the search path of weights"
	@echo "make wheel      dist/densefit-*.whl"
	@echo "make clean      remove what was built; distclean removes $(VENV) too"

demo: $(VENV)/demo$(ENGINE).stamp
	rm -rf runs/demo
	DENSEFIT_ENGINE=$(or $(ENGINE),$$(cat $(VENV)/engine)) \
	  $(PY) tools/train_det.py --config configs/ssd_resnet18_shapes.yaml --out runs/demo

demo-multi: $(VENV)/demo$(ENGINE).stamp
	rm -rf runs/demo-multi
	DENSEFIT_ENGINE=$(or $(ENGINE),$$(cat $(VENV)/engine)) \
	  $(PY) tools/train_multi.py --config configs/multi_resnet18_rooms.yaml --out runs/demo-multi

# Bytecode is written whatever the environment says: to rewrite the assertions of all tests takes each
# worker as long as all the rest of the collection.
# One worker more than there are cores: tests of ranks, launchers and pages wait for other processes.
WORKERS := import os; print(min(8, 1 + len(getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count()))(0))))
test: lint
	DENSEFIT_ENGINE=$(ENGINE) PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(PY) -m pytest -n $$($(PY) -c '$(WORKERS)') --dist worksteal

lint: $(VENV)/dev$(ENGINE).stamp
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy -p densefit -m _densefit_mxnet_shims
	$(VENV)/bin/lint-imports --cache-dir .import_linter_cache

# Warnings are errors: a link to no page or heading, a docstring that cannot be read.
docs: $(VENV)/docs.stamp
	$(PY) -m sphinx --quiet --fail-on-warning --keep-going -b html docs build/docs
	@echo "wrote build/docs/index.html"

reference: $(VENV)/demo.stamp
	$(PY) -m docs.generator.reference

pictures: $(VENV)/docs.stamp $(VENV)/dev$(ENGINE).stamp
	$(PY) -m docs.generator.pictures
	$(PY) -m docs.generator.notebook

weights: $(VENV)/demo$(ENGINE).stamp
	$(PY) -m densefit weights fetch mobilenetv2

wheel: $(VENV)/demo.stamp
	$(PY) -m pip wheel --no-deps --wheel-dir dist .

clean:
	rm -rf build dist densefit.egg-info src/densefit.egg-info .hypothesis .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV)

# --- the virtual environment -----------------------------------------------------------------
# Stamps are written last: an install that was interrupted is done again, and so is one that is
# older than what says how densefit is built.

BUILD := pyproject.toml build_backend.py .ci/install.py $(wildcard _densefit_mxnet_shims.*)

$(VENV)/demo$(ENGINE).stamp: $(BUILD) | $(VENV)/pip.stamp
	$(PY) .ci/install.py --extras plot --engine $(or $(ENGINE),auto)
	@touch $@

$(VENV)/dev$(ENGINE).stamp: $(BUILD) | $(VENV)/pip.stamp
	$(PY) .ci/install.py --extras dev --engine $(or $(ENGINE),all)
	@touch $(VENV)/demo$(ENGINE).stamp $@

$(VENV)/docs.stamp: $(BUILD) | $(VENV)/demo$(ENGINE).stamp
	$(PY) -m pip install --quiet --editable ".[docs]"
	@touch $@

# A candidate is run, not only looked for: shims of version managers exist and fail. MXNet runs on
# Python 3.10 to 3.12 alone, so these are tried first.
FITS := import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info$(if $(filter mxnet,$(ENGINE)), < (3, 13)))
PYENV := $(or $(PYENV_ROOT),$(HOME)/.pyenv)
INSTALLED := python3.11 python3.10 python3.12 \
  $(wildcard $(PYENV)/versions/3.1[0-2].*/bin/python) python3 python python3.13 python3.14
CANDIDATES := $(or $(PYTHON),$(INSTALLED))

$(VENV)/pip.stamp:
	@found=; for candidate in $(CANDIDATES); do \
	  if "$$candidate" -c '$(FITS)' >/dev/null 2>&1; then found="$$candidate"; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "densefit needs Python 3.10 or later with its venv module; for MXNet, 3.10 to 3.12." >&2; \
	  echo "  tried: $(CANDIDATES)" >&2; \
	  echo "  fix:   install one (Debian, Ubuntu: apt install python3 python3-venv; elsewhere" >&2; \
	  echo "         pyenv install 3.11), or name one: make PYTHON=/path/to/python3.11" >&2; \
	  exit 1; \
	fi; \
	if $(PY) -c '$(FITS)' >/dev/null 2>&1; then :; else \
	  echo "making $(VENV) with $$($$found -c 'import sys; print(sys.version.split()[0], sys.executable)')"; \
	  rm -rf $(VENV); "$$found" -m venv $(VENV); \
	fi
	$(PY) -m pip install --quiet 'pip>=22'
	@touch $@
