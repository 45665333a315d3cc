"""Importing the package and asking for help stay quick: no deep-learning framework is loaded before it is needed."""

import json
import resource
import subprocess
import sys

import pytest

HEAVY = {"tensorflow", "keras", "torch", "nemo", "gensim", "bnlp", "cv2", "matplotlib", "librosa", "sklearn", "scipy"}
MAX_CPU_SECONDS = 0.5
IMPORT = "import bengali_feedback"
HELP = "import sys; from bengali_feedback.cli import main; sys.argv = ['bengali-feedback', '--help']; main()"
REPORT = "import atexit, json, sys; atexit.register(lambda: print('\\n' + json.dumps(sorted(sys.modules))));"


def run(code: str) -> tuple[str, float]:
    """Standard output and CPU seconds (user and system, so that a busy machine does not count) of a fresh Python."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return answer.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("code", [IMPORT, HELP], ids=["import", "help"])
def test_no_framework_is_loaded(code):
    modules = json.loads(run(REPORT + code)[0].splitlines()[-1])
    assert "bengali_feedback" in modules
    assert {name.partition(".")[0] for name in modules} & HEAVY == set()


@pytest.mark.parametrize("code", [IMPORT, HELP], ids=["import", "help"])
def test_it_takes_less_than_half_a_second(code):
    assert min(run(code)[1] for _ in range(3)) < MAX_CPU_SECONDS


def test_help_names_the_commands():
    output = run(HELP)[0]
    assert all(command in output for command in ("respond", "recognize", "generate", "say", "train", "evaluate"))
