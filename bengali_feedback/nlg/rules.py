"""What one feedback sentence must obey: its characters, marks, length, register and words.

``corpus check`` holds the written samples to these rules and the generator's guard holds every drawn
sentence to them, so that nothing is spoken that could not stand in the corpus. The word lists are written
by hand. They catch forms that belong to one register alone and leave out what is ambiguous without its
context: the conditional in -লে, most futures in -বে (tumi and third person), ``পান``, ``খান``, and verbal
nouns with -ও (``হাঁটাও``: "walk it", or "walking too").
"""

import re
from functools import lru_cache
from importlib.resources import files

from ..text import normalize_bengali

REGISTERS = ("apni", "tumi")
INTENTS = ("acknowledge", "comfort", "encourage", "suggest", "ask")
MARKS = "।?!,"
END_MARKS = "।?!"
MIN_WORDS, MAX_WORDS = 4, 20


def _set(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


Problem = tuple[int, str]
"""Position of the first wrong character, counted from 1, and what is wrong."""

_WORD = re.compile("[\u0980-\u09ff\u200d]+")
# Bengali letters and signs, without digits, currency signs and the nukta of two-code-point য় ড় ঢ়.
_LETTERS = (
    "\u0981-\u0983\u0985-\u098c\u098f\u0990\u0993-\u09a8\u09aa-\u09b0\u09b2\u09b6-\u09b9"
    "\u09be-\u09c4\u09c7\u09c8\u09cb-\u09ce\u09dc\u09dd\u09df"
)
_FOREIGN = re.compile(f"[^{_LETTERS}{MARKS} ](?<!\u09b0\u200d)")
_SPACING = (
    (re.compile("^ "), "blank at the beginning"),
    (re.compile(" $"), "blank at the end"),
    (re.compile(" {2,}"), "more than one blank"),
    (re.compile(f" [{MARKS}]"), "blank before a mark"),
    (re.compile(f"[{MARKS}](?=[^ {MARKS}])"), "no blank after a mark"),
    (re.compile(f"[{MARKS}]{{2,}}"), "two marks in a row"),
    (re.compile(f"^[{MARKS}]"), "begins with a mark"),
)

_TUI = _set("তুই তোর তোরা তোরই তোকে তোদের তুইও তোরও")
_GENDERED = _set("ভাই ভাইয়া ভাইজান আপু আপা আপামণি বোন দাদা দিদি মা মামণি স্যার ম্যাডাম ম্যাম")

_TUMI_PRONOUN = re.compile("তুমি|তোমা|তোমরা")
# Present tense and imperative in -ো or -ও, and the future imperative.
_TUMI_VERBS = _set(
    """
    করো কোরো বলো বোলো চলো চোলো দেখো শোনো শুনো বসো বোসো থামো থেমো হাসো হেসো জানো জেনো মানো মেনো রাখো রেখো
    থাকো থেকো লেখো লিখো আঁকো এঁকো পড়ো ধরো ছাড়ো ছেড়ো ভাবো ভেবো বোঝো বুঝো খোঁজো খুঁজো খোলো খুলো তোলো নামো
    নেমো আসো এসো ওঠো উঠো ঘোরো ঘুরো মেলো মোছো মুছো ডাকো ডেকো হাঁটো হেঁটো খেলো নাচো নেচো জাগো জেগো আনো এনো টানো
    টেনো ফেলো গোনো গুনো শেখো শিখো পারো পেরো চেনো চিনো বাঁচো বেঁচো কাটো কেটো ফেরো ফিরো সরো ঢালো মাখো পাতো পেতো
    বাঁধো জুড়ো গোছাও আছো আছ যাও যেয়ো যেও খাও খেয়ো খেও দাও দিয়ো দিও নাও নিয়ো নিও চাও চেয়ো চেও পাও পেয়ো পেও
    হও হয়ো হোয়ো গাও গেয়ো ধোও ধুয়ো শোও শুয়ো জানাও জানিয়ো জানিও তাকাও তাকিয়ো তাকিও ঘুমাও ঘুমিয়ো ঘুমিও
    দাঁড়াও দাঁড়িয়ো দাঁড়িও পাঠাও পাঠিয়ো পাঠিও সাজাও সাজিয়ো জিরোও জিরিয়ো জিরিও এগোও এগিয়ো সামলাও সামলিয়ো লুকাও
    লুকিয়ো লুকোও বাড়াও বাড়িয়ো দেখিয়ো দেখিও শুনিয়ো শুনিও বসিয়ো থামিয়ো বুঝিয়ো চেঁচাও লাফাও রাঙাও রাঙিয়ো ছড়িয়ো মেলিয়ো ভুলো ভোলো
    """
)
# করছো, করেছ, যাচ্ছো; করেছিলে; পারোনি. Not বাঁশগাছ, স্বচ্ছ.
_TUMI_ENDING = re.compile("(?:ছো|ছ|ছিলে|োনি)(?:ই|ও)?$")
_NOT_TUMI = re.compile("(?:[কগম]াছ|গোছ|পিছ|^স্বচ্ছ|^তুচ্ছ|^গুচ্ছ|^পুচ্ছ|^উচ্ছ)(?:ই|ও)?$")
# The future in -বে is also third person; before a question mark these verbs speak to the listener.
_TUMI_QUESTION = re.compile(
    "(?<![\u0980-\u09ff])(?:বলবে|শুনবে|দেখবে|দেখাবে|আঁকবে|খেলবে|বসবে|হাঁটবে|গাইবে|লিখবে|ডাকবে|পারবে|"
    "খাবে|নেবে|শোনাবে|জানাবে|(?:চেষ্টা|গল্প) করবে)"
    "(?: [^ ।?!]+){0,3}\\?"
)

_APNI_PRONOUN = re.compile("আপনি(?!আপনি)|আপনা(?!আপনি)")
_APNI_REFLEXIVE = re.compile("আপনা (?:থেকে|হতে)")  # "of its own accord": not the pronoun
_APNI_IMPERATIVE = re.compile("ুন$")
_NOT_IMPERATIVE = _set(
    """
    আগুন নতুন বেগুন ফাগুন ফাল্গুন গুন গুনগুন নুন চুন খুন জুন দারুন তরুন কানুন শকুন ঝুনঝুন রুনুঝুন রুনঝুন টুনটুন বেলুন রসুন
    উনুন সেগুন লেগুন ধুন অর্জুন কার্টুন
    """
)
_APNI_VERBS = _set("নিন যান চান হন দাঁড়ান তাকান ঘুমান সাজান শোনান সামলান জিরোন এগোন লুকান দেখান বাড়ান ছড়ান")
_HONORIFIC = re.compile("েন(?:ই|ও)?$")  # করেন, করছেন, করবেন, চেয়েছিলেন: apni, or an honoured third person
_APNI_GIVE = re.compile("(?:[খরল]ে|য়ে|ড়ে|সময়|ছুটি|সুযোগ|চুমুক|কাঁদতে|থাকতে) (দিন)(?=[।,!])")  # elsewhere দিন is "day"
_NOT_HONORIFIC = _set("কেন কেনই কেনও যেন যেনই হেন সেন ট্রেন ট্রেনও চেন লেন পেন ব্রেন")
_THIRD_PERSON = re.compile(
    "(?:^| )(?:তিনি|উনি|ইনি|যিনি|তাঁ|ওঁ|শিক্ষক|শিক্ষিকা|টিচার|দাদু|নানু|নানি|দাদি|দিদা|ঠাকু|ডাক্তার|গুরুজন|বড়রা|মুরুব্বি)"
)


def words(text: str) -> list[str]:
    """The Bengali words of a text, without marks."""
    return _WORD.findall(text)


def text_problems(text: str, register: str) -> list[Problem]:
    """Everything in one feedback text that breaks the corpus's rules.

    Parameters
    ----------
    text
        One or two Bengali sentences.
    register
        ``apni`` or ``tumi``: how the text addresses the listener.

    Returns
    -------
    list of (position, message)
        Sorted by position, which counts characters from 1; empty for a text without a fault.
    """
    problems = character_problems(text)
    problems += [(match.start() + 1, message) for pattern, message in _SPACING for match in pattern.finditer(text)]
    count = len(words(text))
    if not MIN_WORDS <= count <= MAX_WORDS:
        problems.append((1, f"{count} words instead of {MIN_WORDS} to {MAX_WORDS}"))
    if text and text[-1] not in END_MARKS:
        problems.append((len(text), f"does not end with one of {' '.join(END_MARKS)}"))
    ends = [position for position, character in enumerate(text, 1) if character in END_MARKS]
    if len(ends) > 2:
        problems.append((ends[2], "more than two sentences"))
    return sorted(problems + address_problems(text, register) + blocked_problems(text))


def character_problems(text: str) -> list[Problem]:
    """Characters outside Bengali letters, blanks and the marks ``। ? ! ,``; and the wrong Unicode form."""
    problems = [
        (match.start() + 1, f"character {match.group()!r} (U+{ord(match.group()):04X}) is not allowed")
        for match in _FOREIGN.finditer(text)
    ]
    normal = normalize_bengali(text)
    if not problems and normal != " ".join(text.split()):
        same = next((i for i, (a, b) in enumerate(zip(text, normal, strict=False)) if a != b), len(normal))
        problems.append((same + 1, "not in the corpus's Unicode form (one code point for য়, ড়, ঢ়)"))
    return problems


def address_problems(text: str, register: str) -> list[Problem]:
    """Pronouns and verbs of another register, তুই, and gendered forms of address."""
    problems = []
    if register == "apni":
        match = _TUMI_QUESTION.search(text)
        if match:
            problems.append(
                (match.start() + 1, f"{match.group().split()[0].rstrip('?')} asks in the tumi form in an apni sample")
            )
    else:
        problems += [(m.start(1) + 1, "দিন is an apni form in a tumi sample") for m in _APNI_GIVE.finditer(text)]
    third_person = _THIRD_PERSON.search(text) is not None
    for match in _WORD.finditer(text):
        word, position = match.group(), match.start() + 1
        if word in _TUI:
            problems.append((position, f"{word} is the intimate তুই form"))
        elif word in _GENDERED:
            problems.append((position, f"{word} is a gendered form of address"))
        elif register == "apni" and _is_tumi(word):
            problems.append((position, f"{word} is a tumi form in an apni sample"))
        elif (
            register == "tumi"
            and not _APNI_REFLEXIVE.match(text, match.start())
            and (_is_apni(word) or (not third_person and _is_honorific(word)))
        ):
            problems.append((position, f"{word} is an apni form in a tumi sample"))
    return problems


def blocked_problems(text: str) -> list[Problem]:
    """Words of ``blocked_words.txt``: abuse, insults, self-harm, and subjects the corpus stays out of."""
    return [(match.start() + 1, f"{match.group()} is a blocked word") for match in _blocked().finditer(text)]


def _is_tumi(word: str) -> bool:
    if _TUMI_PRONOUN.match(word) or word in _TUMI_VERBS:
        return True
    return _TUMI_ENDING.search(word) is not None and not _NOT_TUMI.search(word)


def _is_apni(word: str) -> bool:
    if _APNI_PRONOUN.match(word) or word in _APNI_VERBS:
        return True
    return _APNI_IMPERATIVE.search(word) is not None and word not in _NOT_IMPERATIVE


def _is_honorific(word: str) -> bool:
    return _HONORIFIC.search(word) is not None and word not in _NOT_HONORIFIC


@lru_cache(maxsize=1)
def _blocked() -> re.Pattern:
    letter = "[\u0980-\u09ff]"
    listed = files(__package__).joinpath("blocked_words.txt").read_text(encoding="utf-8").splitlines()
    entries = [normalize_bengali(line) for line in listed if line.strip() and not line.startswith("#")]
    patterns = [re.escape(entry.rstrip("*")) + (f"{letter}*" if entry.endswith("*") else "") for entry in entries]
    return re.compile(f"(?<!{letter})(?:{'|'.join(patterns)})(?!{letter})")
