# Every target sets up what it needs (see scripts/setup) and is quick when that is already there.
.PHONY: demo test lint format

demo: ## the astronaut's photo in, a spoken Bengali answer out: demo/reply.wav, demo/reply.png
	@scripts/setup
	@.venv/bin/python scripts/demo.py

test:
	@scripts/setup test
	@.venv/bin/python -m pytest

lint:
	@scripts/setup lint
	@.venv-lint/bin/ruff check .
	@.venv-lint/bin/ruff format --check .

format:
	@scripts/setup lint
	@.venv-lint/bin/ruff check --fix .
	@.venv-lint/bin/ruff format .
