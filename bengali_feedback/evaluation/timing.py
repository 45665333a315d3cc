"""How long a call takes, and on how many cores."""

import os
import time
from collections.abc import Callable

import numpy as np


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def median_seconds(call: Callable[[], object], seconds: float) -> float:
    """Median duration of a call, repeated for ``seconds`` after three calls to warm up."""
    for _ in range(3):
        call()
    durations, end = [], time.perf_counter() + seconds
    while not durations or time.perf_counter() < end:
        started = time.perf_counter()
        call()
        durations.append(time.perf_counter() - started)
    return float(np.median(durations))
