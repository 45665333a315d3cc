"""One Unicode form for every Bengali text, whichever form it comes in."""

import unicodedata

import pytest

from bengali_feedback.text import normalize_bengali

ZWJ, ZWNJ, ZWSP, WORD_JOINER, BOM = "\u200d", "\u200c", "\u200b", "\u2060", "\ufeff"
RA, YA, VIRAMA = "\u09b0", "\u09af", "\u09cd"


@pytest.mark.parametrize(
    "decomposed, single",
    [("\u09a1\u09bc", "\u09dc"), ("\u09a2\u09bc", "\u09dd"), ("\u09af\u09bc", "\u09df")],
    ids=["ড়", "ঢ়", "য়"],
)
def test_letters_with_a_dot_are_one_code_point_from_both_forms(decomposed, single):
    assert normalize_bengali(decomposed) == single
    assert normalize_bengali(single) == single
    assert normalize_bengali(f"আ{decomposed}ন") == f"আ{single}ন"


@pytest.mark.parametrize(
    "parts, single", [("\u09c7\u09be", "\u09cb"), ("\u09c7\u09d7", "\u09cc")], ids=["ো of ে and া", "ৌ of ে and ৗ"]
)
def test_vowel_signs_of_two_parts_become_one(parts, single):
    assert normalize_bengali("ক" + parts) == "ক" + single
    assert normalize_bengali("ক" + single) == "ক" + single


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_every_unicode_form_of_a_sentence_gives_the_same(form):
    sentence = "বড়ো আয়োজন, গাঢ় রং আর কৌতূহল নিয়ে এসো।"
    expected = "ব\u09dcো আ\u09dfোজন, গা\u09dd রং আর কৌতূহল নি\u09dfে এসো।"
    assert normalize_bengali(unicodedata.normalize(form, sentence)) == expected


def test_a_with_aa_sign_is_aa():
    assert normalize_bengali("\u0985\u09beমি") == "\u0986মি"


@pytest.mark.parametrize("joiner", [ZWJ, ZWNJ, ZWSP, WORD_JOINER, BOM], ids=lambda c: unicodedata.name(c))
def test_stray_joiners_go(joiner):
    assert normalize_bengali(f"{joiner}ক{VIRAMA}{joiner}ষ{joiner}মা{joiner}") == f"ক{VIRAMA}ষমা"


def test_the_joiner_of_ra_with_ya_stays_for_it_makes_another_word():
    rya = RA + ZWJ + VIRAMA + YA  # র‍্যা as in র‍্যাব; without the joiner it would read র্যা (reph)
    assert normalize_bengali(rya + "াব") == rya + "াব"


@pytest.mark.parametrize("text", [RA + ZWJ, RA + ZWJ + VIRAMA, RA + ZWJ + VIRAMA + "\u0995", "ক" + ZWJ + VIRAMA + YA])
def test_the_joiner_goes_everywhere_else(text):
    assert normalize_bengali(text) == text.replace(ZWJ, "")


def test_the_other_joiners_go_even_between_ra_and_ya():
    assert normalize_bengali(RA + ZWNJ + VIRAMA + YA) == RA + VIRAMA + YA


@pytest.mark.parametrize(
    "parted, whole",
    [("\u09af\u200c\u09bc", "\u09df"), ("ক\u09c7\u200b\u09be", "ক\u09cb"), ("\u0985\u200c\u09be", "\u0986")],
    ids=["letter and dot", "vowel sign", "অ and া"],
)
def test_what_a_stray_joiner_kept_apart_comes_together(parted, whole):
    assert normalize_bengali(parted) == whole


def test_white_space_becomes_single_blanks():
    assert normalize_bengali(" \tআজ\u00a0 কী\r\n\n খবর\u3000") == "আজ কী খবর"


def test_nothing_stays_nothing():
    assert normalize_bengali("") == normalize_bengali(f" {ZWNJ}\n{BOM}") == ""


def test_a_text_in_the_form_stays_as_it_is():
    text = normalize_bengali("র‍্যালিতে যাওয়ার সময় ১২টা ৩০ মিনিট; আষাঢ়ের ঝড় (ঢাকা)!")
    assert normalize_bengali(text) == text


def test_marks_digits_and_latin_stay():
    assert normalize_bengali("৳ ১২.৫০, 50% OK?") == "৳ ১২.৫০, 50% OK?"
