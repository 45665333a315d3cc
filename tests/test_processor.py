"""Which processors train in bfloat16."""

import pytest

from bengali_feedback.processor import computes_bfloat16


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("flags\t\t: fpu sse avx avx2 fma", False),
        ("flags\t\t: fpu avx512f avx512_bf16 amx_tile", True),
        ("Features\t: fp asimd bf16", True),
        ("model name\t: bf16 avx512_bf16", False),
    ],
)
def test_the_flags_decide(tmp_path, line, expected):
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{line}\n", encoding="utf-8")
    assert computes_bfloat16(tmp_path / "cpuinfo") is expected


def test_without_the_list_of_flags_it_is_float32(tmp_path):
    assert not computes_bfloat16(tmp_path / "missing")
