"""The corpus file: reading, checking, counting, building."""

from collections import Counter

import pytest

from bengali_feedback.checkpoints import home
from bengali_feedback.emotion import EMOTIONS, Emotion
from bengali_feedback.errors import DataError
from bengali_feedback.nlg.dataset import (
    COLUMNS,
    GOAL,
    build_corpus,
    check_corpus,
    corpus_stats,
    read_corpus,
)
from bengali_feedback.nlg.rules import INTENTS, REGISTERS, words
from bengali_feedback.nlg.similarity import clauses, edit_distance, near_duplicates
from bengali_feedback.text import normalize_bengali

SHIPPED = home() / "corpus" / "feedback.tsv"
ROW = ["happy-0001", "happy", "apni", "ask", "আনন্দ জানতে চাওয়া", "আজ মনটা বেশ ফুরফুরে মনে হচ্ছে?", "train"]


def write(path, *rows, header=COLUMNS):
    path.write_text("\n".join("\t".join(row) for row in (header, *rows)) + "\n", encoding="utf-8")
    return path


def row(**changes):
    return [changes.get(name, value) for name, value in zip(COLUMNS, ROW, strict=True)]


def places(faults):
    return [(fault.line, fault.column, fault.position) for fault in faults if not fault.warning]


def test_the_shipped_corpus_has_no_fault():
    assert [str(fault) for fault in check_corpus(SHIPPED)] == []


def test_the_shipped_corpus_is_begun_in_full_breadth():
    samples = read_corpus(SHIPPED)
    assert len(samples) >= 1400
    cells = Counter((sample.emotion, sample.register, sample.intent) for sample in samples)
    assert len(cells) == 7 * 2 * 5 and min(cells.values()) >= 15
    assert all(sample.text == normalize_bengali(sample.text) for sample in samples)


def test_no_clause_of_the_shipped_corpus_is_in_two_splits():
    splits = {}
    for sample in read_corpus(SHIPPED):
        for clause in clauses(words(sample.text)):
            assert splits.setdefault(clause, sample.split) == sample.split


def test_a_clean_row_has_no_error(tmp_path):
    faults = check_corpus(write(tmp_path / "c.tsv", row()))
    assert places(faults) == []
    assert [fault.message for fault in faults if fault.warning] == ["happy has 1 different cues instead of 20 or more"]


@pytest.mark.parametrize(
    ("changes", "column", "position"),
    [
        ({"id": "sad-0001"}, "id", None),
        ({"id": "happy-1"}, "id", None),
        ({"emotion": "joy"}, "emotion", None),
        ({"register": "tui"}, "register", None),
        ({"intent": "scold"}, "intent", None),
        ({"split": "dev"}, "split", None),
        ({"cue": "আনন্দ"}, "cue", None),
        ({"cue": "আনন্দ joy জানা"}, "cue", 7),
        ({"text": "আজ মনটা বেশ ফুরফুরে মনে হচ্ছে"}, "text", 29),
        ({"text": "আজ মনটা বেশ ফুরফুরে, তুমি বলো।"}, "text", 22),
        ({"text": "আজ  মনটা বেশ ফুরফুরে মনে হচ্ছে?"}, "text", 3),
    ],
)
def test_a_fault_is_named_with_line_column_and_position(tmp_path, changes, column, position):
    sound = row(id="happy-0009", text="জানালার বাইরে মেঘ দেখতে কেমন লাগছে এখন?")
    faults = places(check_corpus(write(tmp_path / "c.tsv", sound, row(**changes))))
    assert (3, column, position) == faults[0]


def test_missing_columns_and_empty_lines_are_named(tmp_path):
    assert places(check_corpus(write(tmp_path / "c.tsv", row()[:5], [""]))) == [(2, "line", None), (3, "line", None)]


def test_ids_are_unique(tmp_path):
    other = row(text="জানালার বাইরে মেঘ দেখতে কেমন লাগছে এখন?")
    (fault,) = [fault for fault in check_corpus(write(tmp_path / "c.tsv", row(), other)) if not fault.warning]
    assert str(fault) == "3:id: happy-0001 is already the id of line 2"


def test_near_duplicates_are_found(tmp_path):
    other = row(id="happy-0002", text="আজ মনটা বেশ ফুরফুরে মনে হচ্ছে।")
    (fault,) = [fault for fault in check_corpus(write(tmp_path / "c.tsv", row(), other)) if not fault.warning]
    assert (fault.line, fault.column) == (3, "text") and "alike with line 2" in fault.message


def test_near_duplicates_agree_with_the_edit_distance():
    texts = [sample.text for sample in read_corpus(SHIPPED)[:60]]
    texts += [texts[3].replace("।", "!"), texts[40][:-1] + "!", texts[7]]
    slow = {
        (later, earlier)
        for later in range(len(texts))
        for earlier in range(later)
        if 1 - edit_distance(texts[later], texts[earlier]) / max(len(texts[later]), len(texts[earlier])) >= 0.9
    }
    assert {pair[:2] for pair in near_duplicates(texts)} == slow
    assert len(slow) == 3


def test_edit_distance():
    assert edit_distance("আকাশ", "আকাশে") == 1
    assert edit_distance("", "মেঘ") == 3


def test_a_clause_in_two_splits_is_a_leak(tmp_path):
    other = row(id="happy-0002", text="আজ মনটা বেশ ফুরফুরে মনে হচ্ছে, গল্পটা শুরু থেকে শোনাবেন আমাকে?", split="test")
    (fault,) = [fault for fault in check_corpus(write(tmp_path / "c.tsv", row(), other)) if not fault.warning]
    assert str(fault) == "3:split: shares 5 words in a row with line 2, which is in train"


def test_a_clause_may_stand_in_twelve_samples_and_no_more(tmp_path):
    fillers = "আকাশ বাতাস পাখি নদী ফুল পাতা মেঘ চাঁদ তারা ঘাস মাঠ পাহাড় সাগর".split()
    rows = [
        row(id=f"happy-{n:04d}", text=f"{a} আর {b} দেখে মনটা আজ খুব হালকা লাগছে, {c} দেখে কেমন লাগে?")
        for n, (a, b, c) in enumerate(
            zip(fillers, fillers[5:] + fillers[:5], fillers[3:] + fillers[:3], strict=True), 1
        )
    ]
    clause = "দেখে মনটা আজ খুব হালকা"
    found = [fault for fault in check_corpus(write(tmp_path / "c.tsv", *rows)) if clause in fault.message]
    assert [(fault.line, fault.message) for fault in found] == [(14, f"more than 12 samples share {clause!r}")]


def test_three_opening_words_may_stand_in_forty_samples_and_no_more(tmp_path):
    stems = [a + b for a in "কখগঘচছজ" for b in "তথদধনপ"]
    rows = [row(id=f"happy-{n:04d}", text=f"আজ আপনার মন {stem} নাকি?") for n, stem in enumerate(stems, 1)]
    found = [fault for fault in check_corpus(write(tmp_path / "c.tsv", *rows)) if "open with" in fault.message]
    assert [(fault.line, fault.position) for fault in found] == [(42, 1), (43, 1)]


def test_a_cue_that_serves_two_intents_is_a_warning(tmp_path):
    other = row(id="happy-0002", intent="suggest", text="জানালার বাইরে মেঘ দেখতে কেমন লাগছে এখন?")
    faults = [fault for fault in check_corpus(write(tmp_path / "c.tsv", row(), other)) if fault.column == "cue"]
    assert (3, True, "the cue already stands for happy and ask") in [(f.line, f.warning, f.message) for f in faults]


def test_reading_names_file_line_and_column(tmp_path):
    path = write(tmp_path / "c.tsv", row(), row(register="tui"))
    with pytest.raises(DataError, match=r"c\.tsv:3:register: 'tui' is not one of apni, tumi"):
        read_corpus(path)


def test_reading_normalises_and_types(tmp_path):
    (sample,) = read_corpus(write(tmp_path / "c.tsv", [*ROW[:4], "ভ\u09af\u09bc কথা", ROW[5], ROW[6]]))
    assert sample.emotion is Emotion.HAPPY
    assert sample.cue == "ভ\u09df কথা"


@pytest.mark.parametrize("content", [b"", b"id\temotion\n", "\ufeff".encode() + "\t".join(COLUMNS).encode()])
def test_a_file_without_the_header_is_an_error(tmp_path, content):
    (tmp_path / "c.tsv").write_bytes(content)
    for function in (read_corpus, check_corpus):
        with pytest.raises(DataError, match=r"c\.tsv:1: the header"):
            function(tmp_path / "c.tsv")


def test_a_missing_file_and_a_wrong_byte_are_errors(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_corpus(tmp_path / "none.tsv")
    (tmp_path / "c.tsv").write_bytes("\t".join(COLUMNS).encode() + b"\nhappy\xff\n")
    with pytest.raises(DataError, match=r"c\.tsv:2: byte 47 is not UTF-8"):
        check_corpus(tmp_path / "c.tsv")


def test_building_assigns_ids_and_stratified_splits_and_is_repeatable(tmp_path):
    shipped = read_corpus(SHIPPED)
    batches = []
    for emotion in reversed(EMOTIONS):
        batches.append(tmp_path / f"{emotion}.tsv")
        own = [sample for sample in shipped if sample.emotion is emotion]
        lines = [
            "\t".join([s.emotion, s.register, s.intent, s.cue, s.text.replace("\u09df", "\u09af\u09bc")]) for s in own
        ]
        batches[-1].write_text("\n".join(lines) + "\n", encoding="utf-8")
    built = build_corpus(batches, tmp_path / "a.tsv", seed=0)
    assert built == read_corpus(tmp_path / "a.tsv")
    assert check_corpus(tmp_path / "a.tsv") == []
    assert built[0].id == "angry-0001" and built[0].text == shipped[0].text
    for emotion in EMOTIONS:
        for register in REGISTERS:
            own = [s.split for s in built if (s.emotion, s.register) == (emotion, register)]
            assert own.count("val") == own.count("test") == round(len(own) / 10)
    build_corpus(batches, tmp_path / "b.tsv", seed=0)
    assert (tmp_path / "a.tsv").read_bytes() == (tmp_path / "b.tsv").read_bytes()
    other = build_corpus(batches, tmp_path / "b.tsv", seed=1)
    assert [s.split for s in other] != [s.split for s in built]


def test_most_sentences_keep_their_split_when_the_corpus_grows(tmp_path):
    shipped = read_corpus(SHIPPED)
    path = tmp_path / "batch.tsv"

    def build(samples):
        path.write_text("\n".join("\t".join([s.emotion, s.register, s.intent, s.cue, s.text]) for s in samples) + "\n")
        return {sample.text: sample.split for sample in build_corpus([path], tmp_path / "c.tsv", seed=0)}

    before, after = build(shipped[::2]), build(shipped)
    assert sum(after[text] == split for text, split in before.items()) > 0.9 * len(before)


def test_a_broken_batch_is_named(tmp_path):
    (tmp_path / "batch.tsv").write_text("happy\tapni\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"batch\.tsv:1: 2 columns instead of 5"):
        build_corpus([tmp_path / "batch.tsv"], tmp_path / "c.tsv")
    assert not (tmp_path / "c.tsv").exists()


def test_stats_stand_beside_the_papers_table():
    stats = corpus_stats(SHIPPED)
    assert sum(stats["splits"].values()) == sum(stats["intents"].values()) == stats["samples"]
    assert stats["emotions"]["sad"]["paper_samples"] == 840
    assert stats["emotions"]["sad"]["paper_average_words"] == 9.1
    assert sum(GOAL.values()) == 6065
    assert "| total | 6065 (rows: 5065) |" in stats["markdown"]
    assert set(stats["intents"]) == set(INTENTS)
