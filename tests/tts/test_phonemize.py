"""Spelling to phonemes: the rules of Bengali pronunciation that a reader relies on."""

import shutil
import subprocess
import time
import unicodedata

import pytest

from bengali_feedback.checkpoints import checkpoint
from bengali_feedback.errors import CheckpointError, DataError
from bengali_feedback.tts.phonemize import (
    CONSONANTS,
    ESPEAK,
    PHONES,
    SYMBOLS,
    VOWELS,
    Phonemizer,
    decode_label,
    encode_label,
    from_ipa,
    read_pronunciations,
    to_espeak,
    to_ipa,
)
from bengali_feedback.tts.train_g2p import align, read_lexicon, score_g2p, train_g2p


@pytest.fixture(scope="module")
def phonemizer():
    return Phonemizer.load()


READINGS = {
    # the inherent vowel: kept, dropped at the end, dropped inside
    "মন": "m o n",
    "পথ": "p O th",
    "কলম": "k O l o m",
    "শহর": "sh O h o r",
    "বাতাস": "b a t a sh",
    "দরকার": "d O r k a r",
    "শান্ত": "sh a n t o",
    "গল্প": "g O l p o",
    "বন্ধ": "b O n dh o",
    # ও-colouring: অ before ই or উ is o
    "করি": "k o r i",
    "করুন": "k o r u n",
    "বন্ধু": "b o n dh u",
    "ছবি": "ch o b i",
    "যদি": "j o d i",
    "গভীর": "g o bh i r",
    "অনুভূতি": "o n u bh u t i",
    # the same letters as a command and as a participle
    "করো": "k O r o",
    "করে": "k o r e",
    # conjuncts
    "ক্ষমা": "kh O m a",
    "অপেক্ষা": "O p e k kh a",
    "শিক্ষা": "sh i k kh a",
    "জ্ঞান": "g E n",
    "বিজ্ঞান": "b i g g a n",
    "সহ্য": "sh o j jh o",
    "আত্মা": "a t t a",
    "স্বপ্ন": "sh O p n o",
    "স্বাভাবিক": "sh a bh a b i k",
    "বিস্ময়": "b i sh sh O e^",
    "লক্ষ্মী": "l o k kh i",
    # য-ফলা
    "ধন্যবাদ": "dh o n n o b a d",
    "সত্যি": "sh o t t i",
    "মধ্যে": "m o d dh e",
    "ব্যথা": "b E th a",
    "হ্যাঁ": "h E",
    # ব-ফলা
    "বিশ্বাস": "b i sh sh a sh",
    "জ্বর": "j O r",
    "শ্বাস": "sh a sh",
    # visarga, chandrabindu, খণ্ড ত
    "দুঃখ": "d u k kh o",
    "নিঃশ্বাস": "n i sh sh a sh",
    "চাঁদ": "c a d",
    "হাঁটা": "h a T a",
    "হঠাৎ": "h O Th a t",
    "চমৎকার": "c O m o t k a r",
    # এ as E and as e
    "এক": "E k",
    "একটু": "e k T u",
    "দেখা": "d E kh a",
    "দেখে": "d e kh e",
    "কেমন": "k E m o n",
    # diphthongs
    "হয়": "h O e^",
    "হয়ে": "h o e",
    "যাও": "j a o^",
    "কেউ": "k e u^",
    "ভাই": "bh a i^",
    # words of everyday feedback
    "চোখ": "c o kh",
    "মুখ": "m u kh",
    "বলো": "b O l o",
    "বসো": "b O sh o",
    "আপনি": "a p n i",
    "তুমি": "t u m i",
    "ভালো": "bh a l o",
    "ভয়": "bh O e^",
    "রাগ": "r a g",
    "ঘৃণা": "gh r i n a",
    "আনন্দ": "a n o n d o",
}


@pytest.mark.parametrize(("word", "phones"), READINGS.items())
def test_reads_a_word_as_bengalis_say_it(phonemizer, word, phones):
    assert " ".join(phonemizer.word(word)) == phones


RULES = {
    "the inherent vowel is dropped where speech drops it": """
        কলম kɔlom  নগর nɔɡor  ভাবনা bʰabna  কলকাতা kolkata  বাদল badol  ঝালমুড়ি ɟʰalmuri  সাধনা ʃadʰona""",
    "and kept after a conjunct": "রক্ত rɔkto  শব্দ ʃɔbdo  যোগ্য ɟoɡɡo  গুপ্ত ɡupto",
    "অ is ও before ই, ঈ, উ and ঊ": "কবি kobi  নদী nodi  মধু modʰu  অধিক odʰik  গতি ɡoti  অনুমান onuman",
    "ক্ষ": "ক্ষতি kʰoti  শিক্ষা ʃikkʰa  পরীক্ষা porikkʰa  অক্ষর ɔkkʰor  লক্ষ্য lokkʰo",
    "জ্ঞ": "জ্ঞানী ɡæni  জ্ঞাপন ɡæpon  আজ্ঞা aɡɡa  অজ্ঞ ɔɡɡo  কৃতজ্ঞ kritoɡɡo",
    "হ্য": "ঐতিহ্য oi̯tiɟɟʰo  গ্রাহ্য ɡraɟɟʰo",
    "ত্ম and other ম-ফলা": "আত্মা atta  মহাত্মা mɔhatta  আত্মীয় attio  স্মরণ ʃɔron  গ্রীষ্ম ɡriʃʃo  জন্ম ɟɔnmo",
    "স্ব": "স্বাধীন ʃadʰin  স্বামী ʃami  স্বর ʃɔr  স্বর্গ ʃɔrɡo  নিঃস্বার্থ niʃʃartʰo",
    "ব-ফলা doubles inside a word": "বিশ্ব biʃʃo  ঈশ্বর iʃʃɔr  বিদ্বান biddan  গুরুত্ব ɡurutto  উজ্জ্বল uɟɟɔl",
    "ব-ফলা is silent at the beginning": "দ্বীপ dip  ধ্বনি dʰoni  ত্বক tɔk",
    "ব-ফলা after ম and উদ্ is heard": "অম্বর ɔmbor  উদ্বোধন udbodʰon",
    "য-ফলা doubles inside a word": "বিদ্যা bidda  মিথ্যা mittʰa  কন্যা konna  বাধ্য baddʰo  কাব্য kabbo  মূল্য mullo",
    "য-ফলা is æ at the beginning": "ব্যবহার bæbohar  ত্যাগ tæɡ  শ্যামল ʃæmol  জ্যামিতি ɟæmiti",
    "visarga doubles": "দুঃসহ duʃʃɔho  নিঃশব্দ niʃʃɔbdo  দুঃস্বপ্ন duʃʃɔpno  দুঃখজনক dukkʰoɟɔnok",
    "visarga is silent at the end": "উঃ u  বাঃ ba",
    "chandrabindu does not change the sounds": "বাঁশ baʃ  পাঁচ pac  হাঁস haʃ  কাঁচা kaca  ইঁদুর idur",
    "খণ্ড-ত is a bare t": "উৎসব utʃɔb  জগৎ ɟɔɡot  ভবিষ্যৎ bʰobiʃʃɔt  বিদ্যুৎ biddut  চিকিৎসা cikitʃa",
}


@pytest.mark.parametrize("rule", RULES)
def test_the_model_alone_knows_the_rule(rule):
    model = Phonemizer(checkpoint("tts/g2p.crfsuite"), {})
    words = RULES[rule].split()
    assert [to_ipa(model.word(word)) for word in words[::2]] == words[1::2]


CORRECTED = """
    দৌড় dou̯r  দৃঢ় driro  মাকড়সা makorʃa  দিল dilo  যেত ɟeto  দুঃখী dukkʰi  নিঃস্ব niʃʃo  পদ্মা pɔdda  ছদ্মবেশ cʰɔddobeʃ
    ব্রাহ্মণ bramhon  আহ্লাদ alhad  মেলা mæla  ছেলেবেলা cʰelebæla  বিষয়ে biʃoe  আশ্রয় aʃroe̯  সাতই ʃatoi̯  একাত্তরে ækattore
    তেরোতম tærotɔmo  লেখাপড়া lekʰapɔra  দেন dæn
""".split()


def test_our_exceptions_correct_the_model(phonemizer):
    model = Phonemizer(checkpoint("tts/g2p.crfsuite"), {})
    for word, ipa in zip(CORRECTED[::2], CORRECTED[1::2], strict=True):
        assert to_ipa(phonemizer.word(word)) == ipa != to_ipa(model.word(word))


@pytest.mark.parametrize("word", ["হয়ে", "ঝড়", "গাঢ়", "বিস্ময়", "দাঁড়াও", "ভালো", "কৌতূহল"])
def test_both_unicode_forms_are_read_alike(phonemizer, word):
    single = unicodedata.normalize("NFC", word).replace("\u09af\u09bc", "\u09df").replace("\u09a1\u09bc", "\u09dc")
    single = single.replace("\u09a2\u09bc", "\u09dd")
    decomposed = unicodedata.normalize("NFD", word)
    assert single != decomposed
    assert phonemizer.word(single) == phonemizer.word(decomposed) != []


def test_words_never_seen_in_training_keep_the_rules(phonemizer):
    assert phonemizer.word("ঝকমকানি")[:2] == ["jh", "O"]
    assert phonemizer.word("টিংটাং") == ["T", "i", "N", "T", "a", "N"]
    assert phonemizer.word("ফুটফুটি") == ["f", "u", "T", "f", "u", "T", "i"]


def test_every_reading_uses_only_known_phonemes(phonemizer):
    for word in READINGS:
        assert set(phonemizer.word(word)) <= set(PHONES)


def test_sentence_has_word_boundaries_and_marks(phonemizer):
    tokens = phonemizer("তুমি কেমন আছ? ভালো, মা।")
    assert " ".join(t if t != " " else "/" for t in tokens) == ("t u m i / k E m o n / a ch o ? / bh a l o , / m a .")
    assert set(tokens) <= set(SYMBOLS)


def test_unknown_characters_and_repeated_marks_are_dropped(phonemizer):
    assert phonemizer("মা!!") == ["m", "a", "!"]
    assert phonemizer(", মা 😀 xyz ।।") == ["m", "a", "."]
    assert phonemizer("মা।? মা") == ["m", "a", "?", " ", "m", "a"]
    assert phonemizer("") == []
    assert phonemizer("hello 12") == []
    assert phonemizer.word("্") == [] or set(phonemizer.word("্")) <= set(PHONES)


def test_the_inventory_is_the_lexicons_39_phonemes_in_a_fixed_order():
    assert len(PHONES) == len(set(PHONES)) == 39
    assert PHONES[:7] == VOWELS == ("O", "a", "i", "u", "e", "E", "o")
    assert SYMBOLS[:6] == ("_", " ", ",", ".", "?", "!")
    assert SYMBOLS[6:] == PHONES
    assert len(CONSONANTS) == 28


def test_reads_two_thousand_words_a_second(phonemizer):
    words = [a + b for a in READINGS for b in READINGS][:2000]  # of double length, never seen
    start = time.process_time()  # of this process alone, whatever else the machine does
    for word in words:
        phonemizer.word(word)
    assert time.process_time() - start < 1.0
    start = time.process_time()
    for word in words:
        phonemizer.word(word)
    assert time.process_time() - start < 0.1  # the cache


def test_labels_are_relative_to_the_letter_and_come_back():
    assert encode_label("ক", ("k", "o"), "") == "= o"
    assert encode_label("ম", ("t",), "t") == "^"  # আত্মা
    assert encode_label("ধ", ("dh", "o"), "d") == "= o"
    assert encode_label("ধ", ("d",), "a") == "~"
    assert encode_label("ষ", ("kh",), "k") == "*"  # অপেক্ষা
    assert encode_label("্", (), "t") == "-"
    for letter, phones, previous in (
        ("ক", ("k", "o"), ""),
        ("য", ("dh", "o"), "d"),
        ("ভ", ("b",), "o"),
        ("ে", (), "a"),
    ):
        assert tuple(decode_label(letter, encode_label(letter, phones, previous), previous)) == phones


LEXICON = """\ufeff# my words

বিরিয়ানি	biriæni
ঢাকাই	ɖʰa.kai̯
"""


def write_pronunciations(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_a_users_lexicon_comes_before_everything_else(tmp_path):
    mine = write_pronunciations(tmp_path / "mine.tsv", LEXICON + "করে\tkɔre\nগান\tgan\n")
    with_mine, without = Phonemizer.load(lexicon=mine), Phonemizer.load()
    assert to_ipa(with_mine.word("ঢাকাই")) == "ɖʰakai̯"
    assert to_ipa(with_mine("সে করে, বিরিয়ানি!")) == "ʃe kɔre, biriæni!"
    assert to_ipa(without.word("করে")) == "kore"  # our exceptions
    assert with_mine.word("গান") == ["g", "a", "n"]  # a keyboard's g
    for form in ("NFC", "NFD"):
        assert to_ipa(with_mine.word(unicodedata.normalize(form, "বিরিয়ানি"))) == "biriæni"


def test_what_phonemize_shows_can_be_put_into_a_lexicon(phonemizer, tmp_path):
    words = [*READINGS, "ঢেউ", "ঠান্ডা", "ঝগড়া", "ঘুড়ি", "যাওয়া"]
    lines = [f"{word}\t{to_ipa(phonemizer.word(word))}." for word in words]
    shown = read_pronunciations(write_pronunciations(tmp_path / "shown.tsv", "\n".join(lines)))
    assert list(shown.values()) == [phonemizer.word(word) for word in words]


def test_ipa_of_any_two_phonemes_is_read_back():
    assert all(from_ipa(to_ipa([a, b])) == [a, b] for a in PHONES for b in PHONES)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("মন", "line 3: expected a word, a tab and its sounds in IPA, found 'মন'"),
        ("মন mon", "line 3: expected a word, a tab"),
        ("মন\t", "line 3: expected a word, a tab"),
        ("মন\tmon\tmind", "line 3: expected a word, a tab"),
        ("মন\t.", "line 3: the voice has no sound ''"),
        ("মন\tmɔ̃n", "line 3: the voice has no sound 'ɔ̃': use ɔ a i u e æ o i̯"),
        ("মন\tm O n", "line 3: the voice has no sound ' '"),
        ("আমার মন\tamar mon", "line 3: 'আমার মন' is not one Bengali word"),
        ("man\tmæn", "line 3: 'man' is not one Bengali word"),
        ("মা\tmaa", "line 3: মা stands in line 2 already"),
    ],
)
def test_a_fault_in_a_lexicon_is_named_with_file_and_line(tmp_path, line, message):
    lexicon = write_pronunciations(tmp_path / "mine.tsv", f"# my words\nমা\tma\n{line}\n")
    with pytest.raises(DataError) as error:
        Phonemizer.load(lexicon=lexicon)
    assert str(error.value).startswith(f"{lexicon}, {message}")


def test_a_lexicon_that_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(DataError, match="none.tsv cannot be read"):
        Phonemizer.load(lexicon=tmp_path / "none.tsv")
    (tmp_path / "latin1.tsv").write_bytes("mütze".encode("latin-1"))
    with pytest.raises(DataError, match="give a UTF-8 text file"):
        Phonemizer.load(lexicon=tmp_path / "latin1.tsv")


def test_ipa():
    assert to_ipa(["k", "O", "r", "o", "?"]) == "kɔro?"
    assert to_ipa(["ch", "O", "e^", " ", "Th", "i", "k", "."]) == "cʰɔe̯ ʈʰik."


def test_espeak_input_has_a_stress_on_each_word_and_marks_outside(phonemizer):
    assert to_espeak(["k", "O", "r", "o"]) == "[[k|'O|r|o]]."
    assert to_espeak(phonemizer("ভালো, তুমি যাও?")) == "[[b#|'a|l|o]], [[t|'u|m|i J|'a|U]]?"
    assert to_espeak(phonemizer("যাওয়া")) == "[[J|'a|w|a]]."
    assert to_espeak([]) == ""


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs the system program espeak-ng")
def test_espeak_speaks_every_phoneme_as_itself():
    spoken = {}
    for phone in PHONES:
        tokens = ["p", phone, "k"] if phone in VOWELS else ["a", phone]
        command = ["espeak-ng", "-v", "bn", "--ipa", "-q", to_espeak(tokens)]
        ipa = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().replace("ˈ", "")
        spoken[phone] = ipa.removeprefix("p").removesuffix("k") if phone in VOWELS else ipa.removeprefix("a")
    assert len(set(spoken.values())) == len(PHONES)  # none dropped, none taken for another
    ours = {phone: to_ipa([phone]) for phone in PHONES}
    ours |= {"c": "tʃ", "ch": "tʃʰ", "r": "ɾ", "i^": "ɪ", "u^": "w", "e^": "ɛ", "o^": "ʊ", "Dh": "ɖh"}
    assert spoken == ours
    assert set(ESPEAK) == set(PHONES)


def write_lexicon(path, entries):
    lines = ["word\tphones", *(f"{word}\t{phones}" for word, phones in entries)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


TOY = [
    (c + v + d, f"{p} {w} . {q}" if d != "ন" else f"{p} {w} {q}")
    for c, p in (("ক", "k"), ("ম", "m"), ("প", "p"), ("ভ", "bh"), ("শ", "sh"))
    for v, w in (("া", "a"), ("ি", "i"), ("ু", "u"))
    for d, q in (("লা", "l a"), ("ন", "n"), ("রি", "r i"))
]


def test_training_overfits_a_toy_lexicon(tmp_path):
    out = tmp_path / "models" / "toy.crfsuite"
    scores = train_g2p(write_lexicon(tmp_path / "toy.tsv", TOY), out, seed=1, iterations=60)
    assert scores["train_words"] == 43 and scores["held_out_words"] == 2
    assert scores["per"] == 0.0 and scores["wer"] == 0.0
    assert scores["words_per_second"] > 500
    assert list(out.parent.iterdir()) == [out]  # no temporary file left
    assert Phonemizer.load(out).word("ভুরি") == ["bh", "u", "r", "i"]


def test_the_score_counts_phonemes_and_words(tmp_path):
    out = tmp_path / "toy.crfsuite"
    train_g2p(write_lexicon(tmp_path / "toy.tsv", TOY), out, seed=1, iterations=60)
    right, wrong = ("কান", ("k", "a", "n")), ("মিরি", ("m", "i", "sh", "i", "n"))
    scores = score_g2p(out, [right, wrong])
    assert (scores["per"], scores["wer"]) == (2 / 8, 1 / 2)  # m i r i: one phoneme is another, one is missing


def test_training_is_repeatable(tmp_path):
    lexicon = write_lexicon(tmp_path / "toy.tsv", TOY)
    models = []
    for name in ("a", "b"):
        train_g2p(lexicon, tmp_path / name, seed=3, iterations=10)
        models.append((tmp_path / name).read_bytes())
    assert models[0] == models[1]


def test_alignment_gives_each_letter_its_phonemes():
    words = [(word, tuple(p for p in phones.split() if p != ".")) for word, phones in TOY]
    words += [("কর", ("k", "O", "r")), ("দুঃখ", ("d", "u", "k", "kh", "o")), ("বৃক", ("b", "r", "i", "k"))]
    alignment = align(words)
    assert alignment["কর"] == [("k", "O"), ("r",)]
    assert alignment["বৃক"] == [("b",), ("r", "i"), ("k",)]
    assert alignment["কালা"] == [("k",), ("a",), ("l",), ("a",)]


def test_lexicon_errors_name_the_file_and_line(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        read_lexicon(tmp_path / "none.tsv")
    with pytest.raises(DataError, match="line 3"):
        read_lexicon(write_lexicon(tmp_path / "bad.tsv", [("মা", "m a"), ("মা", "m XX")]))
    (tmp_path / "head.tsv").write_text("মা\tm a\n", encoding="utf-8")
    with pytest.raises(DataError, match="header"):
        read_lexicon(tmp_path / "head.tsv")
    with pytest.raises(DataError, match="at least 20"):
        train_g2p(write_lexicon(tmp_path / "few.tsv", [("মা", "m a")]), tmp_path / "x")


def test_lexicon_drops_syllable_dots_and_latin_words(tmp_path):
    lexicon = read_lexicon(write_lexicon(tmp_path / "l.tsv", [("মামা", "m a . m a"), ("ok", "o k e"), ("মামা", "m a")]))
    assert lexicon == [("মামা", ("m", "a", "m", "a"))]


def test_missing_or_broken_model_is_a_clear_error(tmp_path):
    with pytest.raises(CheckpointError, match="missing"):
        Phonemizer.load(tmp_path / "none.crfsuite")
    (tmp_path / "broken.crfsuite").write_bytes(b"not a model")
    with pytest.raises(CheckpointError, match="not a readable"):
        Phonemizer.load(tmp_path / "broken.crfsuite")
