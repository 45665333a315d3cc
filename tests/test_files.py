import pytest

from bengali_feedback.files import replacing, write_text


def test_a_file_takes_the_old_ones_place_whole(tmp_path):
    write_text(tmp_path / "a.txt", "মন")
    write_text(tmp_path / "a.txt", "ভালো")
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "ভালো"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    write_text(tmp_path / "a.txt", "মন")
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("half", encoding="utf-8")
        _ = 1 / 0
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "মন"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_the_temporary_name_keeps_the_ending(tmp_path):
    with replacing(tmp_path / "network.keras") as temporary:
        assert temporary.suffix == ".keras" and temporary.parent == tmp_path
        temporary.write_bytes(b"")
