"""The measure of verbalize: spelling variants are accepted, everything else counts as a miss."""

import pytest

from bengali_feedback.errors import DataError
from bengali_feedback.evaluation.textnorm import canonical, evaluate_verbalize, textnorm_markdown


def write(path, *lines):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_counts_hits_and_reports_misses(tmp_path):
    cases = write(
        tmp_path / "cases.tsv",
        "class\traw\twords",
        "cardinal\t১১৯\tএক শো ঊনিশ",
        "cardinal\t15\tপনের",
        "cardinal\t3\tচার",
        "symbol\t,\tকমা",
        "symbol\tশ>\tশ বড়",
        "symbol\t৲:৫\tরুপি কোলন পাঁচ",
    )
    result = evaluate_verbalize(cases)
    assert result["cases"] == 6 and result["score"] == 2 / 6
    assert result["by_class"] == {"cardinal": [2, 3], "symbol": [0, 3]}
    why = [miss.pop("why") for miss in result["misses"]]
    assert result["misses"][:2] == [
        {"class": "cardinal", "raw": "3", "expected": "চার", "got": "তিন"},
        {"class": "symbol", "raw": ",", "expected": "কমা", "got": ""},
    ]
    assert [reason.split(":")[0] for reason in why] == [
        "a number that is read otherwise",
        "only marks",
        "letters that form no word",
        "marks beside a word or number",
    ]


def test_every_miss_is_listed_with_its_reason(tmp_path):
    cases = write(tmp_path / "cases.tsv", "class\traw\twords", "cardinal\t15\tপনের", "symbol\t,\tকমা")
    assert "| symbol | , | কমা |  | only marks: " in textnorm_markdown(evaluate_verbalize(cases))


@pytest.mark.parametrize(
    ("one", "other"),
    [("এক শো দুই", "একশ দুই"), ("দুই শত", "দুইশো"), ("ষোল", "ষোলো"), ("দুই লক্ষ", "দুই লাখ"), ("পহেলা মে", "পয়লা মে")],
)
def test_variants_are_equal(one, other):
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(("one", "other"), [("দশ", "বিশ"), ("শত বার", "বার"), ("সতেরো", "সাত"), ("আটাশ", "আশি")])
def test_different_numbers_stay_different(one, other):
    assert canonical(one) != canonical(other)


def test_malformed_lists_are_errors(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        evaluate_verbalize(tmp_path / "none.tsv")
    with pytest.raises(DataError, match="columns"):
        evaluate_verbalize(write(tmp_path / "a.tsv", "raw\twords"))
    with pytest.raises(DataError, match="line 2"):
        evaluate_verbalize(write(tmp_path / "b.tsv", "class\traw\twords", "cardinal\t1"))
