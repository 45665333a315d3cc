"""How long a reply takes: cold (a fresh process) and warm (the median of several calls), stage by stage.

    .venv/bin/python scripts/benchmark.py --runs 10

Prints two Markdown tables. The photo is scikit-image's astronaut (512 x 512).
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time

# Run in a fresh process: its times start when Python does, so that every import counts.
COLD = """
import json, sys, time
started = time.perf_counter()
from bengali_feedback import FeedbackPipeline
pipeline = FeedbackPipeline.load()
loaded = time.perf_counter()
import skimage.data
photo = skimage.data.astronaut()
asked = time.perf_counter()
feedback = pipeline(photo)
answered = time.perf_counter()
print(json.dumps({"import and load": loaded - started, "first reply": answered - asked}))
"""


def cold_start(runs: int) -> dict[str, float]:
    """Median seconds of each phase over ``runs`` fresh processes; ``whole process`` includes Python's own start."""
    phases: dict[str, list[float]] = {}
    for _ in range(runs):
        started = time.perf_counter()
        answer = subprocess.run([sys.executable, "-c", COLD], capture_output=True, text=True, check=False)
        whole = time.perf_counter() - started
        if answer.returncode:
            raise SystemExit(f"benchmark: the fresh process failed:\n{answer.stderr}")
        for phase, seconds in (json.loads(answer.stdout.splitlines()[-1]) | {"whole process": whole}).items():
            phases.setdefault(phase, []).append(seconds)
    return {phase: statistics.median(seconds) for phase, seconds in phases.items()}


def warm(runs: int) -> tuple[dict[str, list[float]], list[float]]:
    """Seconds of each stage, and seconds of speech, for each of ``runs`` replies after one that is not counted."""
    import skimage.data

    from bengali_feedback import FeedbackPipeline

    pipeline, photo = FeedbackPipeline.load(), skimage.data.astronaut()
    pipeline(photo)
    stages: dict[str, list[float]] = {}
    speech = []
    for _ in range(runs):
        feedback = pipeline(photo)
        speech.append(len(feedback.audio) / feedback.sample_rate)
        for stage, seconds in feedback.timings.items():
            stages.setdefault(stage, []).append(seconds)
    return stages, speech


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10, help="warm replies to take the median of (default 10)")
    parser.add_argument("--cold-runs", type=int, default=3, help="fresh processes to take the median of (default 3)")
    arguments = parser.parse_args()

    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print("| cold start | seconds (median) |\n|---|---|")
    for phase, seconds in cold_start(arguments.cold_runs).items():
        print(f"| {phase} | {seconds:.1f} |")

    stages, speech = warm(arguments.runs)
    totals = [sum(times) for times in zip(*stages.values(), strict=True)]
    print("\n| warm | ms (median) | ms (slowest) |\n|---|---|---|")
    for stage, seconds in (stages | {"all": totals}).items():
        print(f"| {stage} | {1000 * statistics.median(seconds):.0f} | {1000 * max(seconds):.0f} |")
    factor = statistics.median(total / length for total, length in zip(totals, speech, strict=True))
    print(f"\n{statistics.median(speech):.1f} s of speech in the median; {factor:.2f} s of work for each second of it.")


if __name__ == "__main__":
    main()
