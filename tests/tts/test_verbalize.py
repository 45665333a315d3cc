"""Written Bengali to spoken words, case by case."""

import re
import time
import unicodedata

import pytest

from bengali_feedback.errors import TextError
from bengali_feedback.text import normalize_bengali
from bengali_feedback.tts.latin import LETTER_NAMES, WORDS
from bengali_feedback.tts.number_words import SMALL_NUMBERS, cardinal, clock, day, fraction, inflect, ordinal, year
from bengali_feedback.tts.verbalize import verbalize

CASES = {
    # cardinals, both kinds of digits, the Bengali and the western grouping
    "০": "শূন্য",
    "৩৭ জন": "সাঁইত্রিশ জন",
    "44": "চুয়াল্লিশ",
    "১০৫": "একশো পাঁচ",
    "১,২৩,৪৫৬ টাকা": "এক লাখ তেইশ হাজার চারশো ছাপ্পান্ন টাকা",
    "1,234,567": "বারো লাখ চৌত্রিশ হাজার পাঁচশো সাতষট্টি",
    "২০০০০০০০৮": "বিশ কোটি আট",
    "৫টা রুটি, ৩জন মানুষ, ১টি বই": "পাঁচটা রুটি, তিনজন মানুষ, একটি বই",
    "১০০র বেশি": "একশোর বেশি",
    "০৫টি": "পাঁচটি",
    # decimals, negatives, fractions
    "৪.৫": "চার দশমিক পাঁচ",
    "-৪২৪৫.১৫": "মাইনাস চার হাজার দুইশো পঁয়তাল্লিশ দশমিক এক পাঁচ",
    "০.০০৫": "শূন্য দশমিক শূন্য শূন্য পাঁচ",
    "১/২ কাপ": "অর্ধেক কাপ",
    "৩/৪ অংশ": "চার ভাগের তিন ভাগ",
    "২½ কেজি": "আড়াই কেজি",
    "২/৩ জন": "দুই তিন জন",
    "২৪/৭": "চব্বিশ বাই সাত",
    # ordinals
    "১ম, ২য়, ৩য়, ৪র্থ, ৬ষ্ঠ, ১০ম, ২১তম": "প্রথম, দ্বিতীয়, তৃতীয়, চতুর্থ, ষষ্ঠ, দশম, একুশতম",
    "1st": "প্রথম",
    # dates and years
    "১৫/০৮/২০২৬": "পনেরোই আগস্ট দুই হাজার ছাব্বিশ",
    "2026-08-15": "পনেরোই আগস্ট দুই হাজার ছাব্বিশ",
    "1/31/2001": "একত্রিশে জানুয়ারি দুই হাজার এক",
    "২১শে ফেব্রুয়ারি": "একুশে ফেব্রুয়ারি",
    "১৮ই মার্চ, ১লা বৈশাখ, ৪ঠা জুলাই": "আঠারোই মার্চ, পয়লা বৈশাখ, চৌঠা জুলাই",
    "১৬ ডিসেম্বর ১৯৭১": "ষোলোই ডিসেম্বর উনিশশো একাত্তর",
    "Jan 9th": "জানুয়ারির নয়",
    "৫ মেয়ে": "পাঁচ মেয়ে",
    "১৯৭১ সালে": "উনিশশো একাত্তর সালে",
    "১৯৭১-এর যুদ্ধ": "উনিশশো একাত্তরের যুদ্ধ",
    "১৯৫২ টাকা": "এক হাজার নয়শো বাহান্ন টাকা",
    "৯০-এর দশকে": "নব্বইয়ের দশকে",
    # times
    "৫:৩০": "সাড়ে পাঁচটা",
    "1:30": "দেড়টা",
    "২:৩০-এ": "আড়াইটায়",
    "৫:৪৫": "পৌনে ছয়টা",
    "রাত ১০:১৫টায়": "রাত সোয়া দশটায়",
    "১৭:২০ এ": "বিকেল পাঁচটা বিশ মিনিটে",
    "সন্ধ্যা ৬.৩০টায়": "সন্ধ্যা সাড়ে ছয়টায়",
    "5:30 pm": "বিকেল সাড়ে পাঁচটা",
    "৯টা-৫টা": "নয়টা থেকে পাঁচটা",
    "5:45:54": "পাঁচ ঘণ্টা পঁয়তাল্লিশ মিনিট চুয়ান্ন সেকেন্ড",
    # per cent, money, measures
    "৫০% ছাড়": "পঞ্চাশ শতাংশ ছাড়",
    "১০% - ১৫%": "দশ থেকে পনেরো শতাংশ",
    "৳৫০০": "পাঁচশো টাকা",
    "৳ 1,50,000.75": "এক লাখ পঞ্চাশ হাজার টাকা পঁচাত্তর পয়সা",
    "১২.৫০ টাকা": "বারো টাকা পঞ্চাশ পয়সা",
    "৫০০/- টাকা": "পাঁচশো টাকা",
    "$12.50 এবং €20": "বারো ডলার পঞ্চাশ সেন্ট এবং বিশ ইউরো",
    "৳৫ লাখ": "পাঁচ লাখ টাকা",
    "৩৭.৫°C": "সাঁইত্রিশ দশমিক পাঁচ ডিগ্রি সেলসিয়াস",
    "১০ কিমি, ২ কি.মি., ৩ মি., ৫ কেজি": "দশ কিলোমিটার, দুই কিলোমিটার, তিন মিটার, পাঁচ কেজি",
    "৬০ km/h": "ষাট কিলোমিটার প্রতি ঘণ্টা",
    # ranges and scores
    "২-৩ দিন": "দুই থেকে তিন দিন",
    "৩-২ গোলে": "তিন দুই গোলে",
    # telephones
    "০১৭১২-৩৪৫৬৭৮": "শূন্য এক সাত এক দুই, তিন চার পাঁচ, ছয় সাত আট",
    "৯৯৯ নম্বরে কল করুন।": "নয় নয় নয় নম্বরে কল করুন।",
    # abbreviations
    "ডা. রহিম ও মোঃ করিম": "ডাক্তার রহিম ও মোহাম্মদ করিম",
    "মি. খান, প্রাণ লি.": "মিস্টার খান, প্রাণ লিমিটেড",
    "বাড়ি নং ১২": "বাড়ি নম্বর বারো",
    "৫০০ খ্রি. পূ.": "পাঁচশো খ্রিস্টপূর্ব",
    "এ. কে. আজাদ": "এ কে আজাদ",
    # Latin letters, symbols, addresses
    "OK, SMS পাঠান, BBC শুনুন": "ওকে, এসএমএস পাঠান, বি বি সি শুনুন",
    "U.S.A.": "ইউ এস এ",
    "COVID-19": "কোভিড উনিশ",
    "ক & খ": "ক এবং খ",
    "৫ + ৩ = ৮": "পাঁচ প্লাস তিন সমান আট",
    "https://www.google.com/search?q=1 দেখুন।": "গুগল ডট কম দেখুন।",
    "http://example.org/a/b": "ওয়েব লিংক",
    "a@b.com": "ইমেইল ঠিকানা",
    # marks
    "ভালো?! হ্যাঁ...": "ভালো? হ্যাঁ।",
    "আচ্ছা... ঠিক আছে": "আচ্ছা, ঠিক আছে",
    '"ভালো" (খুব) — বেশ; হ্যাঁ: না': "ভালো, খুব, বেশ, হ্যাঁ, না",
    "মনে রাখুন| ঠিক আছে.": "মনে রাখুন। ঠিক আছে।",
    "ভাই-বোন 😀 হাসি!!!": "ভাই বোন হাসি!",
}


@pytest.mark.parametrize(("written", "spoken"), CASES.items())
def test_says(written, spoken):
    assert verbalize(written) == normalize_bengali(spoken)


@pytest.mark.parametrize("written", CASES)
def test_result_holds_only_bengali_letters_blanks_and_four_marks(written):
    spoken = verbalize(written)
    assert re.fullmatch("[\u0980-\u09e3 ।?!,]+", spoken)
    assert verbalize(spoken) == spoken  # spoken words are left as they are


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_unicode_form_does_not_matter(form):
    written = unicodedata.normalize(form, "২য় দিন রাত ৮:৩০টায় ৫টি গাড়ি")
    assert verbalize(written) == normalize_bengali("দ্বিতীয় দিন রাত সাড়ে আটটায় পাঁচটি গাড়ি")


def test_plain_sentences_pass_unchanged():
    sentence = "তোমার মুখে হাসি দেখে খুব ভালো লাগছে! কী হয়েছে, বলবে?"
    assert verbalize(sentence) == normalize_bengali(sentence)


@pytest.mark.parametrize("text", ["", "   ", "।।?", "😀😀", "=====", "\u09cd\u0981", "你好"])
def test_nothing_to_say_is_an_error(text):
    with pytest.raises(TextError, match="no word"):
        verbalize(text)


@pytest.mark.parametrize("text", ["9" * 5000, "a" * 5000, "1," * 2000, "1.2." * 2000, "-" * 5000 + "ক", "1:" * 2000])
def test_odd_and_long_input_is_read_in_reasonable_time(text):
    start = time.perf_counter()
    assert re.fullmatch("[\u0980-\u09e3 ।?!,]+", verbalize(text))
    assert time.perf_counter() - start < 5.0


def test_the_hundred_small_numbers_are_all_different():
    assert len(SMALL_NUMBERS) == len(set(SMALL_NUMBERS)) == 100
    assert (SMALL_NUMBERS[35], SMALL_NUMBERS[66]) == (normalize_bengali("পঁয়ত্রিশ"), "ছেষট্টি")


def test_number_functions():
    assert cardinal(12_345_678) == normalize_bengali("এক কোটি তেইশ লাখ পঁয়তাল্লিশ হাজার ছয়শো আটাত্তর")
    assert cardinal(-7) == "মাইনাস সাত"
    assert cardinal(117055051760).startswith("এগারো হাজার সাতশো পাঁচ কোটি পঞ্চাশ লাখ")
    assert cardinal(10**20) == "এক " + " ".join(["শূন্য"] * 20)
    assert year(1900) == "উনিশশো" and year(2003) == "দুই হাজার তিন"
    assert ordinal(4) == "চতুর্থ" and ordinal(11) == "এগারোতম"
    assert [day(n) for n in (1, 5, 18, 19, 31)] == [
        normalize_bengali(w) for w in ("পয়লা", "পাঁচই", "আঠারোই", "উনিশে", "একত্রিশে")
    ]
    assert fraction(1, 2, 3) == normalize_bengali("সাড়ে তিন") and fraction(3, 4, 1) == "পৌনে দুই"
    assert inflect("আশি", "এর") == "আশির" and inflect("দুই", "এ") == normalize_bengali("দুইয়ে")


def test_clock_at_the_turns_of_the_day():
    assert clock(12, 30) == normalize_bengali("সাড়ে বারোটা")
    assert clock(12, 45) == "পৌনে একটা"
    assert clock(0, 0, part_of_day=True) == "রাত বারোটা"
    assert clock(13, 30, part_of_day=True) == normalize_bengali("দুপুর দেড়টা")


def test_latin_tables_are_bengali():
    assert len(LETTER_NAMES) == 26
    for spoken in [*LETTER_NAMES.values(), *WORDS.values()]:
        assert re.fullmatch("[\u0980-\u09e3]+", spoken)
        assert spoken == normalize_bengali(spoken)
