"""What one feedback text must obey."""

import pytest

from bengali_feedback.nlg.rules import blocked_problems, character_problems, text_problems, words
from bengali_feedback.text import normalize_bengali

GOOD = [
    ("tumi", "মনটা ভারী লাগছে মনে হচ্ছে, চাইলে আমার পাশে একটু চুপ করে বসো।"),
    ("apni", "আপনার হাসিটা দেখে ঘরটাই যেন আলো হয়ে গেল!"),
    ("apni", "চমকে গেছেন বুঝি? এক মুহূর্ত থামুন, তারপর বলুন কী হলো।"),
    ("tumi", "কাছের শিক্ষককে বলে দেখো, তিনি মন দিয়ে শোনেন।"),  # an honoured third person
    ("tumi", "নতুন একটা দিন, আগুনের পাশে গুনগুন করে গান গাও।"),  # nouns that look like apni imperatives
    ("apni", "জানালার পাশের বাঁশগাছটায় মাছরাঙা, কাছ থেকে দেখুন।"),  # nouns that look like tumi verbs
    ("tumi", "হাসিটা আপনাআপনি চলে এল বুঝি তোমার?"),
]


@pytest.mark.parametrize(("register", "text"), GOOD)
def test_good_texts_have_no_problem(register, text):
    assert text_problems(normalize_bengali(text), register) == []


@pytest.mark.parametrize(
    ("register", "text", "position", "word"),
    [
        ("apni", "আজ একটু জিরিয়ে নাও, ভালো লাগবে।", 16, "নাও"),
        ("apni", "তোমার হাসিটা দেখে ভালো লাগল।", 1, "তোমার"),
        ("apni", "কী ভাবছো এত মন দিয়ে?", 4, "ভাবছো"),
        ("apni", "কী করেছিলে সারাটা সকাল আজ?", 4, "করেছিলে"),
        ("apni", "মনের কথাটা আমাকে বলবে একটু?", 18, "বলবে"),
        ("tumi", "আজ একটু জিরিয়ে নিন, ভালো লাগবে।", 16, "নিন"),
        ("tumi", "আপনার হাসিটা দেখে ভালো লাগল।", 1, "আপনার"),
        ("tumi", "একটু থামুন, তারপর ধীরে বলো।", 6, "থামুন"),
        ("tumi", "কী ভাবছেন এত মন দিয়ে?", 4, "ভাবছেন"),
        ("tumi", "নিজেকে একটু সময় দিন, ধীরে ধীরে।", 17, "দিন"),
        ("tumi", "তোর হাসিটা দেখে ভালো লাগল।", 1, "তোর"),
        ("apni", "একটু বসুন ভাই, পানি খান।", 11, "ভাই"),
    ],
)
def test_another_register_is_found_where_it_stands(register, text, position, word):
    (problem,) = text_problems(normalize_bengali(text), register)
    assert problem[0] == position
    assert word in problem[1]


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("আজ খুব ভালো লাগছে", 17, "does not end"),
        ("ভালো লাগছে আজ।", 1, "3 words"),
        ("আজ " * 20 + "আজ।", 1, "21 words"),
        ("আজ  খুব ভালো লাগছে।", 3, "more than one blank"),
        ("আজ খুব ভালো লাগছে ।", 18, "blank before a mark"),
        ("আজ খুব ভালো,লাগছে মনে হয়।", 12, "no blank after"),
        ("আজ খুব ভালো লাগছে!!", 18, "two marks"),
        ("আজ খুব ভালো happy লাগছে।", 13, "'h'"),
        ("আজ ৫টা পাখি দেখা যায়।", 4, "'৫'"),
        ("আজ ভালো। কাল ভালো। পরশু ভালো।", 29, "more than two sentences"),
        ("আজ তো দিনটা হাস্যকর বোকা বোকা।", 21, "blocked"),
    ],
)
def test_a_fault_is_found_where_it_stands(text, position, message):
    problems = text_problems(text, "apni")
    assert (position, True) in [(where, message in what) for where, what in problems]


def test_two_code_points_for_one_letter_are_found():
    assert character_problems("ভ\u09df") == []
    assert character_problems("ভ\u09af\u09bc")[0][0] == 3  # the nukta


def test_the_joiner_is_allowed_only_behind_ra():
    assert character_problems("র\u200d্যালি") == []
    assert character_problems("ক\u200dষ")[0][0] == 2


@pytest.mark.parametrize("word", "পোড়া রাখাল বিচি শালিক বালক বালতি গুদাম মাগুর খুনসুটি মরমি ধনী চোদ্দ মরিচ".split())
def test_innocent_words_pass_the_blocked_list(word):
    assert blocked_problems(normalize_bengali(word)) == []


@pytest.mark.parametrize("text", ["ও একটা হারামজাদা", "আত্মহত্যার কথা", "তুমি বোকা", "জীবন শেষ করা", "শুয়োরের বাচ্চা"])
def test_abuse_insults_and_self_harm_are_blocked(text):
    assert blocked_problems(normalize_bengali(text))


def test_words_leave_marks_out():
    assert words("আজ, ভালো? হ্যাঁ।") == ["আজ", "ভালো", "হ্যাঁ"]
