# Two commands do everything on a machine with Python and make: `make demo` and `make test`.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test lint types docs pictures site environment golden benchmark ray torch clean

demo: $(VENV)/.installed ## tune a real network, interrupted and resumed; results in demo-output/
	$(BIN)/python examples/demo.py

test: $(VENV)/.installed lint types ## every check
	$(BIN)/python -m pytest -m signals
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not signals" --cov --cov-report=term

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed
	$(BIN)/mypy

docs: $(VENV)/.installed ## write docs/reference.md anew from the docstrings
	$(BIN)/python docs/write_reference.py

pictures: $(VENV)/.installed ## draw the pictures of docs/start.md anew, by running its blocks
	$(BIN)/python docs/draw_pictures.py

site: $(VENV)/.installed ## the documentation as a site, in site/; a link that leads nowhere fails
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

golden: $(VENV)/.installed ## write the golden file of a new schema; it overwrites none
	$(BIN)/python tests/asktell/golden/write.py

benchmark: $(VENV)/.installed ## sizes and speeds, compared within one run
	$(BIN)/python tests/benchmarks/measure.py

ray: $(VENV)/.installed ## the tests that need Ray, which is too large for `make test`
	$(BIN)/python -m pip install --quiet --editable '.[ray]'
	$(BIN)/python -m pytest tests/asktell/integrations/test_ray.py \
		tests/asktell/test_executors.py tests/strategies/test_crews.py

torch: $(VENV)/.installed ## the tests that need PyTorch, which is too large for `make test`
	$(BIN)/python -m pip install --quiet --editable '.[torch]'
	$(BIN)/python -m pytest tests/strategies/test_torch.py

environment: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "asktell needs Python 3.10 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) demo-output site .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis
