"""The shipped generator: what it says, and what its guard refuses."""

import numpy as np
import pytest

from bengali_feedback.emotion import EMOTIONS, Emotion
from bengali_feedback.errors import CheckpointError, DataError, TextError
from bengali_feedback.nlg.dataset import Sample
from bengali_feedback.nlg.generator import (
    ATTEMPTS,
    METHODS,
    MIN_BOLDEST,
    MIN_LOG_PROBABILITY,
    ROUNDS,
    FeedbackGenerator,
    phrases,
    repetitions,
    shared_beginnings,
)
from bengali_feedback.nlg.rules import END_MARKS, INTENTS, MARKS, REGISTERS, text_problems, words
from bengali_feedback.nlg.sampling import CONTEXT, Draw, WordLattice, nucleus
from bengali_feedback.nlg.text import CUE_TOKENS, END, START, Vocabulary, cue_tokens, tokenize


@pytest.fixture
def generator(shipped):
    shipped.restart()
    return shipped


def draw(text, finished=True, log_probability=-0.5):
    return Draw(tokenize(text), finished, log_probability)


def drawing(monkeypatch, generator, *draws):
    """Let the network draw these, one each attempt; returns the list of what was asked of it."""
    left, made = list(draws), []
    monkeypatch.setattr("bengali_feedback.nlg.generator.ROUNDS", 1)

    def fixed(asked, *_):
        made.extend(asked)
        return [[left[min(len(made), len(left)) - 1]] for _ in asked]

    monkeypatch.setattr(generator, "draw", fixed)
    return made


def test_every_emotion_register_and_intent_is_answered(generator):
    for emotion in EMOTIONS:
        for register in REGISTERS:
            for intent in INTENTS:
                answer = generator.generate(emotion, register, intent, seed=1)
                assert text_problems(answer.text, register) == []
                assert 4 <= len(words(answer.text)) <= 20 and answer.text[-1] in END_MARKS
                assert (answer.emotion, answer.register, answer.intent) == (emotion, register, intent)
                assert answer.source in ("generated", "corpus") and 1 <= answer.attempts <= ATTEMPTS


def test_nearly_all_answers_are_the_networks_own(generator):
    answers = [generator.generate(EMOTIONS[n % 7], REGISTERS[n % 2], seed=n) for n in range(140)]
    known = {sample.text for sample in generator.corpus}
    assert sum(answer.source == "generated" for answer in answers) >= 0.9 * len(answers)
    assert sum(answer.text not in known for answer in answers) >= 0.1 * len(answers)
    assert len({answer.text for answer in answers}) >= 0.8 * len(answers)


def test_a_seed_repeats_the_answers():
    one, other = FeedbackGenerator.load(), FeedbackGenerator.load()
    calls = [(EMOTIONS[n % 7], REGISTERS[n % 2], None, n // 3) for n in range(20)]
    assert [one.generate(*call) for call in calls] == [other.generate(*call) for call in calls]


def test_no_answer_follows_itself(generator):
    answers = [generator.generate("happy", "tumi", "ask", seed=5).text for _ in range(12)]
    assert all(a != b for a, b in zip(answers, answers[1:], strict=False))


def test_no_answer_follows_itself_from_the_corpus_either(generator, monkeypatch):
    drawing(monkeypatch, generator, draw("আজ।"))
    answers = [generator.generate("sad", "apni", "comfort", seed=3) for _ in range(12)]
    assert {answer.source for answer in answers} == {"corpus"}
    assert all(a.text != b.text for a, b in zip(answers, answers[1:], strict=False))


@pytest.mark.parametrize(
    "refused",
    [
        draw(""),
        draw("মনটা আজ ভালো লাগছে"),
        draw("মনটা আজ ভালো লাগছে।", finished=False),
        draw("মনটা ভালো।"),
        draw("আজ " * 20 + "আজ।"),
        draw("মনটা আজ ভালো, মনটা আজ ভালো।"),
        draw("আজ তোমার মনটা ভালো লাগছে।"),
        draw("আজ একটু জিরিয়ে নাও, কেমন?"),
        draw("আজ মনটা অজানাশব্দ লাগছে।"),
        draw("আজ মনটা <unknown> লাগছে।"),
        draw("আজ সবাইকে বোকা লাগছে নাকি?"),
        draw("আজ মরে যাওয়ার কথা ভাবুন।"),
        draw("মনটা আজ ভালো লাগছে!?"),
        draw("মনটা আজ ভালো লাগছে।", log_probability=-3.0),
    ],
)
def test_the_guard_refuses_and_the_network_is_asked_again(generator, monkeypatch, refused):
    good = draw("মনটা আজ বেশ ভালো লাগছে।")
    made = drawing(monkeypatch, generator, refused, refused, good)
    answer = generator.generate("happy", "apni", "acknowledge", seed=0)
    assert (answer.text, answer.source, answer.attempts) == ("মনটা আজ বেশ ভালো লাগছে।", "generated", 3)
    assert len(made) == 3


def test_after_five_refusals_the_corpus_answers_and_says_so(generator, monkeypatch):
    made = drawing(monkeypatch, generator, draw("আজ।"))
    answer = generator.generate("fear", "tumi", "suggest", seed=0)
    assert (answer.source, answer.attempts, len(made)) == ("corpus", 5, 5)
    (sample,) = [sample for sample in generator.corpus if sample.text == answer.text]
    assert (sample.emotion, sample.register, sample.intent) == (Emotion.FEAR, "tumi", "suggest")
    assert answer.cue == sample.cue


def test_of_the_candidates_that_may_be_spoken_the_first_new_one_is_spoken(generator, monkeypatch):
    written = next(s.text for s in generator.corpus if (s.emotion, s.register) == ("happy", "apni"))
    draws = [
        draw(written),
        draw("আজ তোমার মনটা ভালো লাগছে।"),
        draw("মনটা আজ ভালো লাগছে।", log_probability=MIN_LOG_PROBABILITY - 0.1),
        draw("আজ মনটা বেশ ভালো লাগছে।"),
        draw("মনটা আজ বেশ ভালো লাগছে।"),
    ]
    monkeypatch.setattr(generator, "draw", lambda *_: [draws])
    assert generator.generate("happy", "apni").text == "আজ মনটা বেশ ভালো লাগছে।"
    monkeypatch.setattr(generator, "draw", lambda *_: [draws[:1]])
    assert generator.generate("happy", "apni").text == written


def test_nearly_every_corpus_sentence_would_pass_the_guard(generator):
    refused = [s for s in generator.corpus if generator.refusals(draw(s.text), s.register)]
    assert len(refused) <= 0.01 * len(generator.corpus)


def test_a_corpus_with_one_sentence_cannot_answer_twice(generator, monkeypatch):
    drawing(monkeypatch, generator, draw("আজ।"))
    only = [sample for sample in generator.corpus if (sample.emotion, sample.register) == ("sad", "apni")][:1]
    monkeypatch.setattr(generator, "corpus", only)
    assert generator.generate("sad", "apni", "ask").text == only[0].text  # another intent rather than none
    with pytest.raises(DataError, match="no second apni sentence for sad"):
        generator.generate("sad", "apni", "ask")


def test_a_batch_answers_each_request_in_its_place(generator):
    requests = ["happy", ("sad", "tumi"), (Emotion.FEAR, "apni", "encourage"), ("angry", None, "ask"), "happy"]
    answers = generator.generate_batch(requests, seed=7)
    assert [answer.emotion.value for answer in answers] == ["happy", "sad", "fear", "angry", "happy"]
    assert [answer.register for answer in answers] == ["apni", "tumi", "apni", "apni", "apni"]
    assert (answers[2].intent, answers[3].intent) == ("encourage", "ask")
    assert all(text_problems(answer.text, answer.register) == [] for answer in answers)
    generator.restart()
    assert generator.generate_batch(requests, seed=7) == answers
    assert generator.generate_batch([]) == []


def test_in_a_batch_no_answer_follows_itself_not_even_from_the_corpus(generator, monkeypatch):
    last = generator.generate("sad", "tumi", "comfort", seed=1).text
    texts = [last, *(a.text for a in generator.generate_batch([("sad", "tumi", "comfort")] * 24, seed=1))]
    assert all(a != b for a, b in zip(texts, texts[1:], strict=False))
    drawing(monkeypatch, generator, draw("মনটা আজ বেশ ভালো লাগছে।"))
    answers = generator.generate_batch([("sad", "apni", "comfort")] * 9, seed=1)
    assert {answer.source for answer in answers} == {"generated", "corpus"}
    assert all(a.text != b.text for a, b in zip(answers, answers[1:], strict=False))


def test_an_attempt_draws_several_times_to_one_cue_until_a_sentence_may_be_spoken(generator, monkeypatch):
    refused, good = draw("আজ।"), draw("মনটা আজ বেশ ভালো লাগছে।")
    made = drawing(monkeypatch, generator, *[refused] * (ROUNDS + 1), good)
    monkeypatch.setattr("bengali_feedback.nlg.generator.ROUNDS", ROUNDS)
    answer = generator.generate("happy", "apni", "acknowledge", seed=0)
    assert (answer.attempts, len(made)) == (2, ROUNDS + 2)
    cues = [asked[0] for asked in made]
    assert set(cues[:ROUNDS]) != set(cues[ROUNDS:]) and len(set(cues[:ROUNDS])) == 1 and cues[-1] == answer.cue


def test_only_what_was_refused_is_drawn_again(generator, monkeypatch):
    made = drawing(monkeypatch, generator, draw("আজ।"), draw("আজ।"), draw("মনটা আজ বেশ ভালো লাগছে।"))
    answers = generator.generate_batch(["happy", ("sad", "tumi")], seed=0)
    assert [len([asked for asked in made if asked[1] == emotion]) for emotion in ("happy", "sad")] == [2, 2 + 3]
    assert [answer.source for answer in answers] == ["generated", "corpus"]  # the same sentence is not said twice


def test_beam_search_finds_likelier_sentences_than_drawing_and_repeats_them(generator):
    asked = [("মন খারাপ সান্ত্বনা", Emotion.SAD, "tumi", "comfort")]
    (found,) = generator.draw(asked, np.random.default_rng(0), "beam")
    (drawn,) = generator.draw(asked, np.random.default_rng(0), "nucleus", 8)
    assert found == sorted(found, key=lambda draw: -draw.log_probability)
    assert found[0].finished and found[0].log_probability >= max(d.log_probability for d in drawn if d.finished)
    assert found == generator.draw(asked, np.random.default_rng(1), "beam")[0]


def test_beam_search_is_guarded_like_drawing(generator):
    for register in REGISTERS:
        answer = generator.generate("angry", register, "suggest", seed=2, method="beam")
        assert text_problems(answer.text, register) == [] and answer.source == "generated"
    with pytest.raises(TextError, match="method 'greedy' is not one of nucleus, beam"):
        generator.generate("angry", method="greedy")


def test_both_ways_walk_along_written_sequences_and_leave_one_sentence_for_another(generator):
    written = {
        tuple(tokens)
        for sample in generator.corpus
        if (sample.emotion, sample.register) == ("surprise", "apni")
        for tokens in sequences(tokenize(sample.text))
    }
    asked = [("", Emotion.SURPRISE, "apni", "comfort")]
    met = 0
    for method in METHODS:
        for one in generator.draw(asked, np.random.default_rng(3), method, 24)[0]:
            for tokens in sequences(one.tokens):
                assert tokens in written or not set(MARKS).isdisjoint(tokens)
                met += tokens not in written
    assert met > 0


def sequences(tokens):
    """Every token with the ``CONTEXT`` before it."""
    tokens = [""] * CONTEXT + tokens
    return [tuple(tokens[end - CONTEXT : end + 1]) for end in range(CONTEXT, len(tokens))]


def test_a_drawn_sentence_s_probability_is_the_network_s(generator):
    """Exact where it matters, and else an upper bound that the guard refuses as well."""
    cue = ("মন খারাপ", Emotion.SAD, "apni", "comfort")
    vocabulary = generator.vocabulary
    cues = vocabulary.encode(cue_tokens(cue[0], cue[2], cue[1], cue[3]), CUE_TOKENS)[None]
    draws = [d for d in generator.draw([cue], np.random.default_rng(0), count=12)[0] if d.finished]
    for one in draws:
        words = [vocabulary.ids[token] for token in (*one.tokens, END)]
        scores = generator.model([cues, np.array([[vocabulary.ids[START], *words[:-1]]])]).numpy()[0].astype(float)
        own = scores[range(len(words)), words] - np.log(np.exp(scores).sum(axis=-1))
        if one.log_probability >= MIN_LOG_PROBABILITY:
            assert one.log_probability == pytest.approx(own.mean(), abs=1e-3)
            assert min(own[1:]) - 1e-3 <= one.boldest <= 0
        else:
            assert own.mean() <= one.log_probability + 1e-3
    assert len(draws) > 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("joy",), "emotion 'joy' is not one of angry, disgust"),
        (("happy", "tui"), "register 'tui' is not one of apni, tumi"),
        (("happy", "apni", "scold"), "intent 'scold' is not one of acknowledge"),
    ],
)
def test_wrong_arguments_are_text_errors(generator, arguments, message):
    with pytest.raises(TextError, match=message):
        generator.generate(*arguments)
    with pytest.raises(TextError, match=message):
        generator.generate_batch(["happy", arguments])


def test_a_request_with_too_many_parts_is_a_text_error(generator):
    with pytest.raises(TextError, match="is not an emotion or a tuple"):
        generator.generate_batch([("happy", "apni", "ask", "loudly")])


def test_attention_names_the_cue_words(generator):
    weights = generator.attention("মন খারাপ", "apni", "sad", "comfort")
    assert list(weights) == ["<apni>", "<sad>", "<comfort>", "মন", "খারাপ"]
    assert sum(weights.values()) == pytest.approx(1, abs=1e-5)
    assert list(generator.attention("মন খারাপ")) == ["মন", "খারাপ"]  # the rest is optional


def sample(text, emotion="sad", register="tumi", intent="comfort"):
    return Sample("sad-0001", Emotion(emotion), register, intent, "মন খারাপ", text, "train")


def lattice_of(*samples):
    tokens = sorted({token for one in samples for token in tokenize(one.text)})
    vocabulary = Vocabulary(tokens)
    lattice = WordLattice(list(samples), vocabulary)

    def following(text, emotion="sad", register="tumi", intent="comfort"):
        before = [vocabulary.ids[START]] * CONTEXT + [vocabulary.ids[token] for token in tokenize(text)]
        return [vocabulary.tokens[n] for n in lattice.following(before, Emotion(emotion), register, intent)]

    return following


def test_words_follow_only_where_somebody_wrote_them_for_this_emotion_and_register():
    following = lattice_of(sample("একটু বসে আমার সব কথা শোনো।"), sample("একটু বসে আমার সব কাজ দেখো।", intent="ask"))
    assert following("একটু বসে আমার সব") == ["কথা", "কাজ"]
    assert following("আমার একটু বসে সব") == following("একটু বসে আমার সব", emotion="fear") == []
    assert following("একটু বসে আমার সব", register="apni") == []


def test_a_sentence_may_end_or_go_on_where_another_does_behind_the_same_two_words():
    following = lattice_of(sample("আজ ছাদে একটু হেঁটে এসো।"), sample("মাঠে গিয়ে একটু হেঁটে এসো, ভালো লাগবে।"))
    assert following("আজ ছাদে একটু হেঁটে এসো") == following("মাঠে গিয়ে একটু হেঁটে এসো") == [",", "।"]
    assert following("আজ ছাদে একটু হেঁটে এসো,") == []
    assert following("মাঠে গিয়ে একটু হেঁটে এসো।") == [END]


def test_a_sentence_does_not_end_before_its_negation():
    following = lattice_of(sample("একা একা বসে থাকতে হবে।"), sample("রাগ চেপে চুপ থাকতে হবে না।"))
    assert following("রাগ চেপে চুপ থাকতে হবে") == ["না"]
    assert following("একা একা বসে থাকতে হবে") == ["।"]


def test_neither_a_question_nor_a_clause_of_two_words_stops_where_another_sentence_does():
    following = lattice_of(
        sample("আজ সকাল থেকে মন খারাপ।"), sample("কেন তোমার রোজ মন খারাপ লাগে?"), sample("মন খারাপ হলে ডেকো।")
    )
    assert following("কেন তোমার রোজ মন খারাপ") == ["লাগে"]
    assert following("মন খারাপ") == ["হলে"]
    assert following("আজ সকাল থেকে মন খারাপ") == ["।"]


def test_a_clause_of_several_samples_follows_any_that_ends_likewise_and_asks_no_less():
    following = lattice_of(
        sample("একটু বসে থাকো, আমি আছি।"),
        sample("মন ভার হলে ডাকো, আমি আছি।"),
        sample("ছবি এঁকে দেখো, ভালো লাগবে।"),
        sample("জানালায় গিয়ে থাকো, ভালো লাগবে।", intent="ask"),
        sample("কী নিয়ে ভাবছ? গান শুনে থাকো, মেঘ দেখো।"),
        sample("কখন একা একা থাকো, ভোরে?"),
    )
    assert following("কী নিয়ে ভাবছ? গান শুনে থাকো,") == ["আমি", "মেঘ"]
    assert following("কী নিয়ে ভাবছ? গান শুনে থাকো, আমি") == ["আছি"]
    assert following("কী নিয়ে ভাবছ? গান শুনে থাকো, আমি আছি") == ["।"]
    assert following("কী নিয়ে ভাবছ? গান শুনে থাকো,", intent="ask") == ["মেঘ"]
    assert following("ছবি এঁকে দেখো,") == ["ভালো"]
    assert following("কখন একা একা থাকো,") == ["ভোরে"]


def test_what_answers_a_question_belongs_to_the_whole_of_it():
    following = lattice_of(sample("কোথায় বসে তুমি একা একা পড়ো, ঘরে?"), sample("কখন বসে তুমি একা একা পড়ো, ভোরে?"))
    assert following("কোথায় বসে তুমি একা একা পড়ো,") == ["ঘরে"]
    assert following("কখন বসে তুমি একা একা পড়ো, ঘরে") == []


def test_a_word_that_came_after_the_training_is_not_said_and_bridges_nothing():
    one = sample("একটু বসে আমার সব কথা শোনো।")
    vocabulary = Vocabulary([token for token in tokenize(one.text) if token != "কথা"])
    lattice = WordLattice([one], vocabulary)
    before = [vocabulary.ids[token] for token in tokenize("একটু বসে আমার সব")]
    place = (one.emotion, one.register, one.intent)
    assert lattice.following(before, *place).tolist() == []


def test_nucleus_keeps_the_fewest_words_that_suffice():
    scores = np.log([0.5, 0.3, 0.15, 0.05])
    drawn = [nucleus(scores, 0.8, np.random.default_rng(n)) for n in range(300)]
    assert set(drawn) == {0, 1}
    assert drawn.count(0) / 300 == pytest.approx(0.5 / 0.8, abs=0.08)
    assert nucleus(scores, 0.01, np.random.default_rng(0)) == 0


def test_two_clauses_of_a_new_sentence_must_not_say_one_thing_twice():
    assert shared_beginnings(tokenize("চমকে গেলে যে, খুব চমকে গেছ বুঝি!")) == ["begins words of two clauses with 'চমক'"]
    assert shared_beginnings(tokenize("চমকে চমকে উঠছ যে, একটু বসো।")) == []


def test_a_new_sentence_that_goes_an_unlikely_way_is_refused_and_a_written_one_is_not(generator):
    written = next(sample for sample in generator.corpus if "," in sample.text)
    bold = Draw(tokenize(written.text), True, -0.5, MIN_BOLDEST - 1)
    assert generator.refusals(bold, written.register) == []
    new = Draw(tokenize("আজ মনটা বেশ ভালো লাগছে।"), True, -0.5, MIN_BOLDEST - 1)
    assert generator.refusals(new, "apni") == [
        f"goes a way that is unlikely ({MIN_BOLDEST - 1:.1f} nats for one token)"
    ]


def test_repetitions_spare_the_doubled_words_of_bengali():
    assert repetitions(tokenize("ধীরে ধীরে শ্বাস নিন, ভালো লাগবে।")) == []
    assert repetitions(tokenize("একটু বসুন, একটু থামুন, একটু ভাবুন।")) == ["says 'একটু' again"]
    assert repetitions(tokenize("পানি খান, আবার পানি খান।")) == ["says 'পানি খান' again"]


@pytest.mark.parametrize("damage", ["missing", "truncated", "other vocabulary"])
def test_a_damaged_checkpoint_is_a_clear_error(generator, tmp_path, damage):
    generator.vocabulary.save(tmp_path / "vocabulary.json")
    if damage != "missing":
        generator.model.save(tmp_path / "generator.keras")
    if damage == "truncated":
        (tmp_path / "generator.keras").write_bytes((tmp_path / "generator.keras").read_bytes()[:5000])
    if damage == "other vocabulary":
        Vocabulary(["ভালো"]).save(tmp_path / "vocabulary.json")
    with pytest.raises(CheckpointError, match="train"):
        FeedbackGenerator.load(tmp_path)


def test_no_four_words_of_the_last_hundred_answers_are_drawn_again(generator):
    answers = [generator.generate("sad", "tumi", "comfort") for _ in range(30)]
    answers += [generator.generate("sad", "apni") for _ in range(30)]
    said = set()
    for answer in answers:
        assert answer.source == "corpus" or not phrases(answer.text) & said
        said |= phrases(answer.text)
    batch = generator.generate_batch([("sad", "apni", "comfort")] * 24)
    drawn = [phrases(answer.text) for answer in batch if answer.source == "generated"]
    assert sum(map(len, drawn)) == len(set().union(*drawn)) and set().union(*drawn).isdisjoint(said)
    assert len({answer.text for answer in [*answers, *batch]}) == len(answers) + len(batch)


def test_phrases_reach_over_marks_and_a_short_text_is_one():
    assert phrases("মন ভার? একটু বসে থাকো।") == {("মন", "ভার", "একটু", "বসে"), ("ভার", "একটু", "বসে", "থাকো")}
    assert phrases("মন ভার?") == {("মন", "ভার")}


def test_a_restart_repeats_answers_that_have_no_seed_of_their_own(generator):
    generator.restart(seed=3)
    texts = [generator.generate("fear").text for _ in range(5)]
    generator.restart(seed=3)
    assert [generator.generate("fear").text for _ in range(5)] == texts
