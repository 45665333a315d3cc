"""What the processor can do that decides how to train on it."""

from pathlib import Path

BFLOAT16_FLAGS = {"amx_bf16", "avx512_bf16", "bf16"}  # Intel, AMD and Intel, Arm


def computes_bfloat16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the processor has instructions for bfloat16, with which networks train faster than in float32.

    Without them every step is emulated and takes several times as long. Known on Linux only; False elsewhere.
    """
    try:
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return any(not BFLOAT16_FLAGS.isdisjoint(line.split()) for line in lines if line.startswith(("flags", "Features")))
