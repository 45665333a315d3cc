"""Tables of other layouts as a corpus file: what is read, what is left out, and what is said about it."""

import sys

import pytest

from bengali_feedback.emotion import EMOTIONS, Emotion
from bengali_feedback.errors import DataError, MissingDependencyError
from bengali_feedback.nlg.dataset import check_corpus, read_corpus
from bengali_feedback.nlg.importing import default_cue, import_corpus, register_of, tidy
from bengali_feedback.nlg.tables import emotion_of, read_table

HAPPY = "আপনার হাসিটা দেখে খুব ভালো লাগল।"
QUESTION = "তোমার খুশির গল্পটা শোনাবে নাকি?"
SAD = "মনটা ভারী লাগছে বুঝি, একটু গান শোনা যাক।"
ROWS = [("joy", HAPPY), ("happy", QUESTION), ("sadness", SAD)]


@pytest.fixture
def table(tmp_path):
    """Write a table as text; gives its path."""

    def write(rows, name="table.csv", delimiter=",", encoding="utf-8"):
        def cell(text):
            return f'"{text}"' if delimiter in text else text

        path = tmp_path / name
        lines = [delimiter.join(map(cell, row)) for row in rows]
        path.write_text("\n".join(lines) + "\n", encoding=encoding)
        return path

    return write


@pytest.fixture
def imported(tmp_path):
    """Import a table into new.tsv."""
    return lambda path, **options: import_corpus(path, tmp_path / "new.tsv", **options)


def pairs(result):
    return sorted((str(sample.emotion), sample.text) for sample in result.samples)


EXPECTED = sorted([("happy", HAPPY), ("happy", QUESTION), ("sad", SAD)])


def dropped(result):
    return [(row.line, row.reason) for row in result.dropped]


# --- What is read


@pytest.mark.parametrize(
    "header", [None, ("emotion", "text"), ("Class", "bangla_sentence"), ("আবেগ", "বাক্য"), ("x", "y")]
)
@pytest.mark.parametrize("swapped", [False, True])
def test_columns_are_found_with_and_without_a_header(table, imported, header, swapped):
    rows = [header, *ROWS] if header else ROWS
    result = imported(table([row[::-1] for row in rows] if swapped else rows))
    assert pairs(result) == EXPECTED and result.dropped == []
    assert (result.columns.label, result.columns.text) == ((1, 0) if swapped else (0, 1))
    assert result.columns.header == ((list(header)[::-1] if swapped else list(header)) if header else None)


@pytest.mark.parametrize("name, delimiter", [("a.csv", ";"), ("a.csv", "\t"), ("a.tsv", "\t"), ("a.txt", "\t")])
def test_semicolons_and_tabs_separate_columns_too(table, imported, name, delimiter):
    assert pairs(imported(table([("label", "comment"), *ROWS], name, delimiter))) == EXPECTED


def test_a_byte_order_mark_is_not_part_of_the_header(table, imported):
    result = imported(table([("label", "comment"), *ROWS], encoding="utf-8-sig"))
    assert result.columns.header == ["label", "comment"] and pairs(result) == EXPECTED


def test_columns_may_be_given_by_name_or_number(table, imported):
    rows = [
        ("id", "first", "second", "note"),
        *(("1", text, label, "সত্যি খুব সুন্দর একটা লেখা এটা।") for label, text in ROWS),
    ]
    path = table(rows)
    for label, text in (("second", "first"), ("3", "2")):
        result = imported(path, label_column=label, text_column=text, overwrite=True)
        assert pairs(result) == EXPECTED
    assert str(result.columns) == "labels in column 3 (second), texts in column 2 (first)"


@pytest.mark.parametrize("column", ["mood", "0", "3"])
def test_a_column_that_is_not_there_is_named(table, imported, column):
    with pytest.raises(
        DataError, match=rf"table.csv has no column '{column}': name one of a, b, or give a number from 1"
    ):
        imported(table([("a", "b"), *ROWS]), label_column=column)


def test_columns_that_cannot_be_told_apart_are_an_error(table, imported):
    with pytest.raises(DataError, match="cannot tell which column holds the emotion labels"):
        imported(table([(HAPPY,), (SAD,)]))
    with pytest.raises(DataError, match="cannot tell"):
        imported(table(ROWS), label_column="2", text_column="2")


def test_a_workbook_is_read_and_its_numbers_are_codes(tmp_path, imported):
    openpyxl = pytest.importorskip("openpyxl")
    workbook = openpyxl.Workbook()
    for row in [("label", "text"), (3, HAPPY), (3.0, QUESTION), (None, None), (4, SAD), (4, None)]:
        workbook.active.append(row)
    workbook.save(tmp_path / "table.xlsx")
    result = imported(tmp_path / "table.xlsx")
    assert pairs(result) == EXPECTED
    assert dropped(result) == [(6, "empty")]


def test_a_workbook_without_openpyxl_says_what_to_do(tmp_path, imported, monkeypatch):
    (tmp_path / "table.xlsx").write_bytes(b"PK")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(MissingDependencyError, match="run `pip install openpyxl`, or save the table as CSV"):
        imported(tmp_path / "table.xlsx")


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("none.csv", None, "cannot be read"),
        ("a.csv", b"\n \n", "is empty"),
        ("a.csv", b"joy,\xff\n", "a.csv:1: byte 4 is not UTF-8"),
        ("a.xlsx", b"joy", "is not an XLSX workbook"),
        ("a.ods", b"joy", "neither CSV, TSV nor XLSX"),
    ],
)
def test_a_table_that_cannot_be_read_is_one_sentence(tmp_path, imported, name, content, message):
    if name.endswith("xlsx"):
        pytest.importorskip("openpyxl")
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        imported(tmp_path / name)
    assert not (tmp_path / "new.tsv").exists()


def test_rows_know_their_lines(tmp_path):
    (tmp_path / "a.csv").write_text('joy,"দুই\nসারি"\n\nsad,এক\n', encoding="utf-8")
    assert [row.line for row in read_table(tmp_path / "a.csv")] == [1, 4]
    (tmp_path / "a.tsv").write_text('joy\t"কে?" বলল সে\nsad\t"আমি ""এক"" জন"\n', encoding="utf-8")
    assert [row.cells[1] for row in read_table(tmp_path / "a.tsv")] == ['"কে?" বলল সে', 'আমি "এক" জন']


@pytest.mark.parametrize(
    "label, emotion",
    [
        *((str(emotion), emotion) for emotion in EMOTIONS),
        *((emotion.bengali, emotion) for emotion in EMOTIONS),
        *((str(emotion.index), emotion) for emotion in EMOTIONS),
        ("ভ\u09af\u09bc", Emotion.FEAR),
        ("Joy ", Emotion.HAPPY),
        ("ANGER", Emotion.ANGRY),
        ("sadness", Emotion.SAD),
        ("no_emotion", Emotion.NEUTRAL),
        ("৩", Emotion.HAPPY),
        ("6.0", Emotion.NEUTRAL),
        ("7", None),
        ("-1", None),
        ("2.5", None),
        ("nan", None),
        ("love", None),
        ("", None),
    ],
)
def test_labels_in_english_bengali_and_codes(label, emotion):
    assert emotion_of(label) is emotion


def test_a_label_of_ones_own_can_be_given_an_emotion(table, imported):
    result = imported(table([("Love", HAPPY), ("love", QUESTION), ("3", SAD)]), labels={"love": "happy", "3": "sad"})
    assert pairs(result) == EXPECTED
    assert result.labels == {"Love": (Emotion.HAPPY, 1), "love": (Emotion.HAPPY, 1), "3": (Emotion.SAD, 1)}


# --- What becomes of it


def test_what_is_imported_is_a_corpus_without_a_fault(table, imported, tmp_path):
    result = imported(table(ROWS))
    assert read_corpus(tmp_path / "new.tsv") == result.samples
    assert [fault for fault in check_corpus(tmp_path / "new.tsv") if not fault.warning] == []
    assert [sample.id for sample in result.samples] == ["happy-0001", "happy-0002", "sad-0001"]


def test_every_sentence_of_the_shipped_corpus_comes_through(tmp_path, imported, table):
    from bengali_feedback.checkpoints import home

    shipped = read_corpus(home() / "corpus" / "feedback.tsv")[::12]
    result = imported(table([(str(s.emotion), s.text) for s in shipped], "a.tsv", "\t"))
    assert result.dropped == [] and result.tidied == 0
    assert [(s.emotion, s.text) for s in result.samples] == [(s.emotion, s.text) for s in shipped]
    told = [(s.register, r) for s, r in zip(shipped, map(register_of, (s.text for s in shipped)), strict=True) if r]
    assert len(told) > 0.7 * len(shipped) and all(own == found for own, found in told)
    assert result.counts("split").keys() == {"train", "val", "test"}


@pytest.mark.parametrize(
    "text, register",
    [(HAPPY, "apni"), (QUESTION, "tumi"), ("একটু জিরিয়ে নিন এখন।", "apni"), ("আকাশটা আজ বেশ পরিষ্কার।", None),
     ("আপনি বসুন, তুমি হাসো।", None)],
)  # fmt: skip
def test_the_register_is_told_by_pronouns_and_verbs(text, register):
    assert register_of(text) == register


def test_the_given_register_is_for_texts_that_tell_none(table, imported):
    result = imported(table(ROWS), register="tumi")
    assert {sample.text: sample.register for sample in result.samples} == {HAPPY: "apni", QUESTION: "tumi", SAD: "tumi"}
    assert result.undecided == 1


def test_a_question_asks_and_the_rest_acknowledges_unless_an_intent_is_given(table, imported):
    path = table(ROWS)
    assert [s.intent for s in imported(path).samples] == ["acknowledge", "ask", "acknowledge"]
    assert {s.intent for s in imported(path, intent="comfort", overwrite=True).samples} == {"comfort"}


def test_the_cue_shares_words_with_the_text_or_is_the_most_used(table):
    from collections import Counter

    cues = {(Emotion.SAD, "suggest"): Counter({"মন খারাপ পরামর্শ গান": 3, "মন খারাপ পরামর্শ হাঁটা": 5})}
    assert default_cue(cues, Emotion.SAD, "suggest", "পছন্দের একটা গানের কথা ভাবা যাক।") == "মন খারাপ পরামর্শ গান"
    assert default_cue(cues, Emotion.SAD, "suggest", "জানালা দিয়ে বৃষ্টি দেখা যাক।") == "মন খারাপ পরামর্শ হাঁটা"
    assert default_cue(cues, Emotion.SAD, "comfort", SAD) == "দুঃখ সান্ত্বনা"


@pytest.mark.parametrize(
    "text, tidied",
    [
        ("আজ মনটা বেশ ভালো", "আজ মনটা বেশ ভালো।"),
        ("আজ মনটা বেশ ভালো,", "আজ মনটা বেশ ভালো।"),
        ("আজ মনটা , বেশ ভালো !!", "আজ মনটা, বেশ ভালো!"),
        ("আজ মনটা বেশ ভালো...", "আজ মনটা বেশ ভালো।"),
        ("“আজ মনটা বেশ ভালো|”", "আজ মনটা বেশ ভালো।"),
        ("কী হলো?!বলো তো 😀", "কী হলো? বলো তো।"),
        ("সময\u09bc  আছে।", "সম\u09df আছে।"),
        ("দেখো https://example.com", "দেখো।"),
        ("অ.আ. ক-খ", "অ.আ. ক-খ।"),
    ],
)
def test_marks_blanks_and_unicode_form_are_put_right(text, tidied):
    assert tidy(text) == tidied


# --- What is left out


@pytest.mark.parametrize(
    "row, reason, detail",
    [
        (("love", HAPPY), "unknown label", "'love'"),
        (("", HAPPY), "empty", "no label"),
        (("sad", "😀 । "), "empty", "no text"),
        (("sad", "আজ একটু nervous লাগছে মনে হয়।"), "Latin letters", "character 'n'"),
        (("sad", "আজ ৫টা বই পড়া হলো।"), "digits", "character '৫'"),
        (("sad", "আজ ভালো-মন্দ সব মিলিয়ে গেল।"), "other characters", "character '-'"),
        (("sad", "খুব খারাপ।"), "too short", "2 words instead of 4 to 20"),
        (("sad", "খুব " * 21), "too long", "21 words instead of 4 to 20"),
        (("sad", "মন ভালো নেই। আকাশ মেঘলা। গান শোনা যাক।"), "too long", "more than two sentences"),
        (("sad", "গাধার মতো কথা বলা ঠিক না।"), "blocked word", "গাধার"),
        (("sad", "তুই এখন কোথায় বসে থাকবি?"), "tui address", "তুই"),
        (("sad", "মন খারাপ লাগছে বুঝি আপু?"), "gendered address", "আপু"),
        (("sad", "আপনি বসুন আর তুমি হাসো।"), "apni and tumi mixed", "তুমি"),
        (("happy", HAPPY), "duplicate", "the text of line 1 (happy)"),
        (("sad", HAPPY.replace("।", "!")), "near duplicate", "alike with line 1"),
        (("sad", SAD, "বাড়তি"), "number of columns", "3 instead of 2"),
    ],
)
def test_a_row_that_breaks_a_rule_is_dropped_with_line_and_reason(table, imported, row, reason, detail):
    result = imported(table([ROWS[0], row, ROWS[1]]))
    assert dropped(result) == [(2, reason)] and detail in result.dropped[0].detail
    assert len(result.samples) == 2 and result.reasons == {reason: 1}
    assert result.report().startswith(f"2: {reason}: {result.dropped[0].detail}: ")


def test_sentences_that_too_many_share_an_opening_are_dropped(table, imported):
    stems = [a + b for a in "কখগঘচজঝ" for b in "তথদধনপ"]
    result = imported(table([("happy", f"আজ আপনার মন {stem * 6} {stem[::-1] * 6}?") for stem in stems]))
    assert dropped(result) == [(41, "too common"), (42, "too common")]


def test_nothing_is_written_when_nothing_can_be_imported(table, imported, tmp_path):
    result = imported(table([("happy", "ভালো।")]))
    assert result.samples == [] and not (tmp_path / "new.tsv").exists()
    assert result.report().endswith("imported: 0") and result.to_dict()["out"] is None


def test_a_header_alone_is_nothing_to_import(table, imported):
    assert imported(table([("label", "text")]), label_column="1", text_column="2").samples == []


def test_the_report_counts(table, imported, tmp_path):
    report = imported(table([("emotion", "text"), *ROWS, ("love", HAPPY), ("1", "ছি")])).report().splitlines()
    assert report[0] == f"5: unknown label: 'love': {HAPPY}"
    assert report[1] == "6: too short: 1 words instead of 4 to 20: ছি"
    assert "labels: joy → happy 1, happy → happy 1, sadness → sad 1, love → unknown 1, 1 → disgust 1" in report
    assert "registers: apni 2, tumi 1" in report and "intents: acknowledge 2, ask 1" in report
    assert report[-3:] == [
        "for an unknown label name its emotion, for example: --map love=happy",
        "dropped: 2 (unknown label 1, too short 1)",
        f"imported: 3, in {tmp_path / 'new.tsv'}",
    ]


def test_an_existing_corpus_is_not_replaced_unasked_and_the_table_never(table, imported):
    path = table(ROWS)
    imported(path)
    with pytest.raises(DataError, match="new.tsv exists already"):
        imported(path)
    assert len(imported(path, overwrite=True).samples) == 3
    with pytest.raises(DataError, match="exists already"):
        import_corpus(path, path, overwrite=True)
    assert len(read_table(path)) == 3


@pytest.mark.parametrize(
    "options, message",
    [
        ({"register": "tui"}, "register 'tui' is not one of apni, tumi"),
        ({"intent": "scold"}, "intent 'scold' is not one of"),
        ({"labels": {"love": "joy"}}, "emotion 'joy' is not one of angry"),
    ],
)
def test_a_wish_that_cannot_be_met_is_an_error(table, imported, options, message):
    with pytest.raises(DataError, match=message):
        imported(table(ROWS), **options)
