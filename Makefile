# Softproof. Two commands matter: `make run` and `make test`. See README.md.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO ?= 1
export DEMO

.PHONY: run test lint setup setup-dev screenshots bench messages clean

run: setup
	@exec $(BIN)/python -m reviewapp.supervisor

test: setup-dev
	@$(BIN)/python -m tests.run

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/djlint templates --check --lint
	$(BIN)/lint-imports

screenshots: setup-dev
	$(BIN)/python -m tests.e2e.screenshots

# make messages LOCALE=de: collect every word of pages and scripts for a translator (needs gettext on the machine).
messages: setup
	@test -n "$(LOCALE)" || (echo "Say which language: make messages LOCALE=de" && false)
	@mkdir -p locale
	$(BIN)/python manage.py makemessages -l $(LOCALE) -i .venv -i var -i benchmarks -i training --no-obsolete
	$(BIN)/python manage.py makemessages -l $(LOCALE) -d djangojs -i .venv -i var --no-obsolete

bench: setup-dev
	@for script in benchmarks/[a-z]*.py; do \
	  case $$script in benchmarks/report.py) continue;; esac; \
	  echo "== $$script"; $(BIN)/python $$script --json || exit 1; done

setup: $(VENV)/.installed
setup-dev: $(VENV)/.installed-dev

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else "Softproof needs Python 3.11 or newer; this is %d.%d. Try: make run PYTHON=python3.11" % v[:2])'
	@$(PYTHON) -m venv $(VENV) || (echo "python3 can't make a virtual environment. On Debian or Ubuntu: apt install python3-venv" && rm -rf $(VENV) && exit 1)

# Bytecode is compiled when it is first used: compiling everything at once doubles the time to the first page.
$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing (first time only)..."
	@$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' > $(VENV)/requirements.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-compile --no-warn-script-location -c constraints.txt -r $(VENV)/requirements.txt
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["dev"], sep="\n")' > $(VENV)/requirements-dev.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-compile --no-warn-script-location -c constraints.txt -r $(VENV)/requirements-dev.txt
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
