"""Numbers, years, days, times and fractions in Bengali words.

We keep our own table: num2words 0.5.14 has চৌচল্লিশ for 44 (চুয়াল্লিশ), পঁইত্রিশ for 35 (পঁয়ত্রিশ), সাতত্রিশ for 37
(সাঁইত্রিশ) and ছিষট্টি for 66 (ছেষট্টি), and knows no Bengali ordinals.
"""

# 0 to 99, in the spelling of the Bangla Academy where several are in use (উনিশ, পনেরো, লাখ).
_SMALL_NUMBERS = """
শূন্য এক দুই তিন চার পাঁচ ছয় সাত আট নয়
দশ এগারো বারো তেরো চৌদ্দ পনেরো ষোলো সতেরো আঠারো উনিশ
বিশ একুশ বাইশ তেইশ চব্বিশ পঁচিশ ছাব্বিশ সাতাশ আটাশ উনত্রিশ
ত্রিশ একত্রিশ বত্রিশ তেত্রিশ চৌত্রিশ পঁয়ত্রিশ ছত্রিশ সাঁইত্রিশ আটত্রিশ উনচল্লিশ
চল্লিশ একচল্লিশ বিয়াল্লিশ তেতাল্লিশ চুয়াল্লিশ পঁয়তাল্লিশ ছেচল্লিশ সাতচল্লিশ আটচল্লিশ উনপঞ্চাশ
পঞ্চাশ একান্ন বাহান্ন তিপ্পান্ন চুয়ান্ন পঞ্চান্ন ছাপ্পান্ন সাতান্ন আটান্ন উনষাট
ষাট একষট্টি বাষট্টি তেষট্টি চৌষট্টি পঁয়ষট্টি ছেষট্টি সাতষট্টি আটষট্টি উনসত্তর
সত্তর একাত্তর বাহাত্তর তিয়াত্তর চুয়াত্তর পঁচাত্তর ছিয়াত্তর সাতাত্তর আটাত্তর উনআশি
আশি একাশি বিরাশি তিরাশি চুরাশি পঁচাশি ছিয়াশি সাতাশি অষ্টাশি উননব্বই
নব্বই একানব্বই বিরানব্বই তিরানব্বই চুরানব্বই পঁচানব্বই ছিয়ানব্বই সাতানব্বই আটানব্বই নিরানব্বই
"""
SMALL_NUMBERS: tuple[str, ...] = tuple(_SMALL_NUMBERS.split())
_VOWEL_SIGNS = "ািীুূৃেৈোৌ"
LARGEST = 10**14  # longer numbers are read digit by digit

# ordinals by their written endings: ১ম, ২য়, ৪র্থ, ৬ষ্ঠ; from the eleventh on the number with তম
ORDINALS: tuple[str, ...] = ("প্রথম", "দ্বিতীয়", "তৃতীয়", "চতুর্থ", "পঞ্চম", "ষষ্ঠ", "সপ্তম", "অষ্টম", "নবম", "দশম")
_DAYS = ("পয়লা", "দোসরা", "তেসরা", "চৌঠা")  # the first four days of a month; then পাঁচই … আঠারোই, উনিশে …
_PARTS = ((4, "রাত"), (6, "ভোর"), (12, "সকাল"), (16, "দুপুর"), (18, "বিকেল"), (20, "সন্ধ্যা"), (24, "রাত"))


def cardinal(n: int) -> str:
    """A number in words, in the Bengali system of হাজার (10³), লাখ (10⁵) and কোটি (10⁷).

    Examples
    --------
    >>> cardinal(12_345_678)
    'এক কোটি তেইশ লাখ পঁয়তাল্লিশ হাজার ছয়শো আটাত্তর'
    """
    if n < 0:
        return "মাইনাস " + cardinal(-n)
    if n < 100:
        return SMALL_NUMBERS[n]
    if n >= LARGEST:
        return spell_digits(str(n))
    words = []
    for value, name in ((10**7, " কোটি"), (10**5, " লাখ"), (10**3, " হাজার"), (100, "শো")):
        if n >= value:
            words.append(cardinal(n // value) + name)
            n %= value
    return " ".join([*words, SMALL_NUMBERS[n]] if n else words)


def spell_digits(digits: str) -> str:
    """Digit by digit: ``"017"`` is শূন্য এক সাত."""
    return " ".join(SMALL_NUMBERS[int(digit)] for digit in digits)


def number(written: str) -> str:
    """A written number, with or without a decimal part; three or more digits after a leading 0 are spelled."""
    whole, _, decimals = written.partition(".")
    spelled = len(whole) > 15 or len(whole) > 2 and whole[0] == "0"
    words = spell_digits(whole) if spelled else cardinal(int(whole))
    return f"{words} দশমিক {spell_digits(decimals)}" if decimals else words


def inflect(word: str, ending: str) -> str:
    """A word with the ending এ or এর, in the form its last letter asks for: পাঁচে, দুইয়ে, আশিতে; পাঁচের, দুইয়ের, আশির."""
    if not ending:
        return word
    if word[-1] in "ইউ":
        return word + ("য়ের" if ending == "এর" else "য়ে")
    if word[-1] in _VOWEL_SIGNS:
        return word + ("র" if ending == "এর" else "তে")
    return word + ("ের" if ending == "এর" else "ে")


def year(n: int) -> str:
    """A year: hundreds from 1100 to 1999 (১৯৭১ is উনিশশো একাত্তর), otherwise as a number."""
    if 1100 <= n <= 1999:
        return SMALL_NUMBERS[n // 100] + "শো" + (f" {SMALL_NUMBERS[n % 100]}" if n % 100 else "")
    return cardinal(n)


def ordinal(n: int) -> str:
    """First, second, …: প্রথম to দশম, then the number with তম."""
    return ORDINALS[n - 1] if 1 <= n <= len(ORDINALS) else cardinal(n) + "তম"


def day(n: int) -> str:
    """A day of the month: পয়লা, দোসরা, তেসরা, চৌঠা, পাঁচই … আঠারোই, উনিশে … একত্রিশে."""
    if n <= 4:
        return _DAYS[n - 1]
    return SMALL_NUMBERS[n] + ("ই" if n <= 18 else "ে")


def clock(hour: int, minute: int, part_of_day: bool = False) -> str:
    """A time of day: সাড়ে পাঁচটা (5:30), দেড়টা (1:30), আড়াইটা (2:30), সোয়া চারটা, পৌনে ছয়টা (5:45).

    Parameters
    ----------
    hour, minute
        0 to 24, 0 to 59.
    part_of_day
        Begin with ভোর, সকাল, দুপুর, বিকেল, সন্ধ্যা or রাত.
    """
    hour %= 24
    part = next(name for end, name in _PARTS if hour < end) + " " if part_of_day else ""
    if minute == 45:
        return f"{part}পৌনে {_hour(hour + 1)}"
    if minute == 30:
        return part + {1: "দেড়টা", 2: "আড়াইটা"}.get((hour - 1) % 12 + 1, "সাড়ে " + _hour(hour))
    if minute == 15:
        return f"{part}সোয়া {_hour(hour)}"
    return part + _hour(hour) + (f" {SMALL_NUMBERS[minute]} মিনিট" if minute else "")


def _hour(hour: int) -> str:
    return SMALL_NUMBERS[(hour - 1) % 12 + 1] + "টা"


def fraction(numerator: int, denominator: int, whole: int = 0) -> str:
    """A fraction: অর্ধেক, চার ভাগের তিন ভাগ; with a whole number দেড়, আড়াই, সাড়ে তিন, সোয়া দুই, পৌনে চার."""
    if whole and denominator in (2, 4):
        if (numerator, denominator) == (1, 2):
            return {1: "দেড়", 2: "আড়াই"}.get(whole, f"সাড়ে {cardinal(whole)}")
        if numerator in (1, 3) and denominator == 4:
            return f"সোয়া {cardinal(whole)}" if numerator == 1 else f"পৌনে {cardinal(whole + 1)}"
    if not whole and (numerator, denominator) == (1, 2):
        return "অর্ধেক"
    part = f"{cardinal(denominator)} ভাগের {cardinal(numerator)} ভাগ"
    return f"{cardinal(whole)} পূর্ণ {part}" if whole else part
