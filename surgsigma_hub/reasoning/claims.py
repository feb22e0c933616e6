"""What a trace claims, sentence by sentence: things named, places, boxes, relations, verdicts, times, and their lack.

Words that the ontology does not know claim nothing. Where English leaves open what belongs to what, the nearer label
before is taken; a reader of claims is to be strict rather than generous.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from ..ontology import NULL, Kind
from ..tasks.reading.triplets import unwrapped
from .claim import WARRANTED, Claim, Region, Relation, Role, What
from .claimed_measures import MOVED, measured, owner_of, text_before
from .label_spans import Mention, find

_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+|;\s*")
_NO = re.compile(
    r"\b(?:no|without|nor|neither|free of|lack of|(?:absence|sign|trace) of|not|instead of|rather than)\s+"
    r"(?:(?:any|an?|the|visible|other|clear|further|surgical)\s+)*$",
    re.IGNORECASE,
)
_NO_LIST = re.compile(r"\s*(?:,|,?\s*\b(?:or|nor)\b)\s*(?:(?:any|an?|the)\s+)*", re.IGNORECASE)
_NOT_SEEN = re.compile(
    r"\s*(?:is|are|was|were|can|could)\s*(?:not|n['’]t|never|no longer|nowhere)\s+(?:be\s+)?(?:\w+ly\s+)?"
    r"(?:visible|seen|present|in view|in sight|detected|found|identified|recognized|observed|exposed|shown|there)\b"
    r"|\s*(?:is|are)\s+(?:absent|missing|out of view)\b|-free\b",
    re.IGNORECASE,
)
_FILL = r"(?:(?:other|further|surgical|laparoscopic|visible|named|single|more|such)\s+){0,2}"
_NONE = re.compile(
    rf"\b(?:no|without(?: any)?|neither|zero)\s+{_FILL}"
    r"(?:(?P<instrument>instruments?|tools?)|(?P<target>tissues?|organs?|anatomy)|(?P<action>actions?|activity))\b"
    r"(?P<rest>[^,.:]*)",
    re.IGNORECASE,
)
_NO_BOX = re.compile(
    r"\bno (?:box|boxes|outline)\s+(?:of|for|around)\s+(?:any\s+|an?\s+)?"
    r"(?:(?P<instrument>instruments?|tools?)|(?:tissues?|organs?|anatomy))\b",
    re.IGNORECASE,
)
_WORKS = re.compile(
    r"\b(?:act|acts|acting|interact\w*|perform\w*|at work|works?|working|engag\w*|touch\w*|manipulat\w*)\b", re.I
)
_IDLE = re.compile(
    r"\bwithout (?:acting|any action|doing)|\bnot (?:act|acting|do|doing)\b|\b(?:idle|inactive)\b|\bno action\b", re.I
)
_NO_TARGET = re.compile(r"\b(?:without a named|no(?: named)?) target\b", re.IGNORECASE)
_EARLIER = re.compile(
    r"\b(?:after|before (?:was|came|is|this|that|it)\b|previous\w*|preced(?:ed by|ing)|prior|following|left behind|"
    r"earlier|already over|finished|went before|so far)\b",
    re.IGNORECASE,
)
_LATER = re.compile(
    r"\b(?:next(?! to)|will|upcoming|soon|subsequent\w*|to come|to follow|followed by|"
    r"before (?!was|came|is|this|that|it)|prior to|preced(?:es?|ed)(?! by))\b",
    re.IGNORECASE,
)
_WARRANT = re.compile(
    r"(?P<defined>\bbelongs? to\b)"
    r"|(?P<typical>\b(?:typical(?:ly)?|characteristic|suggestive|indicative)\b(?:\s+(?:of|followed by))?)"
    r"|(?P<fits>\bfits?\b|\b(?:in keeping|consistent|compatible) with\b|\bwent on with\b|\bgave way to\b)"
    r"|(?P<against>\bagainst\b)",
    re.IGNORECASE,
)
"""Words before the label that something seen speaks for, or against."""
_NUMBER = r"\s*(-?[0-9]{1,6}(?:\.[0-9]{1,6})?)\s*"
_BOX = re.compile(
    rf"[\[(]{_NUMBER},{_NUMBER},{_NUMBER},{_NUMBER}[\])]"
    rf"|[\[(]{_NUMBER},{_NUMBER}[\])]\s*,?\s*(?:to|and|-)?\s*[\[(]{_NUMBER},{_NUMBER}[\])]"
)
_CELL = r"(?:top|upper|bottom|lower|middle|mid|cent(?:er|re|ral)|left|right)"
_REGION = re.compile(
    rf"(?:\b(?P<level>high|low|halfway|at mid-height)(?:\s+(?:up|down))?\s+)?"
    rf"(?P<lead>\b(?:in|at|on|to|from|near|towards?|within|of)\s+the\s+(?:far\s+|extreme\s+)?)?"
    rf"\b(?P<one>{_CELL})(?:[\s-]+(?P<two>{_CELL}))?\b"
    r"(?P<noun>\s+(?:area|region|corner|part|quadrant|side|portion|third|edge|section)\b)?",
    re.IGNORECASE,
)
_RELATIVE = re.compile(
    r"\s*of\s+(?!(?:the\s+)?(?:whole |operative |surgical |laparoscopic |video )?(?:image|picture|frame|view|field|"
    r"scene|screen|footage)\b)\w",
    re.IGNORECASE,
)
_SIZE = re.compile(r"\b(small|large)\s+(?:part|share|portion)\s+of\s+the\s+(?:picture|view|image|frame|field)\b", re.I)
_SIZED = re.compile(r"\b(small|large)\s+$", re.IGNORECASE)
_UNMET = (
    r"(?:\bnot|\bnever|n['’]t|\bnor)\s+(?:yet\s+|\w+ly\s+)?(?:be\s+|been\s+)?"
    r"(?:met|fulfilled|satisfied|achieved|reached|given|clear|visible|established)\b"
    r"|\bunmet\b|\bunfulfilled\b|\bfails?\b|\bmissing\b|\black\w*\b|\bno\b|\bnot\b|\bfalse\b"
)
_VERDICT = re.compile(
    rf"(?P<unmet>{_UNMET})|(?P<met>\b(?:met|fulfilled|satisfied|achieved|reached|established|yes|true|holds?)\b)", re.I
)
_NTH = re.compile(r"\bcriteri(?:on|a)\s+([1-9])\b", re.IGNORECASE)
_WHOLE_VIEW = re.compile(r"\bcritical view of safety\b", re.IGNORECASE)
_TIME = re.compile(r"(?<![\w.])([0-9]{1,7}(?:\.[0-9]{1,6})?)[\s-]*(seconds?|secs?|s|minutes?|mins?)\b", re.IGNORECASE)
_SMOKE = re.compile(r"\b(?P<no>smoke-free|smokeless)\b|\b(?:smok(?:e|y|ey)|plumes?)\b", re.IGNORECASE)
_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8}
_COUNT = re.compile(
    rf"\b(?P<sure>exactly|only|identify|see|are|is|detect\w*|find|shows?|contains?)?\s*"
    rf"\b(?P<n>{'|'.join(_WORDS)}|[0-9]{{1,2}})\s+(?:(?:distinct|different|surgical|laparoscopic|visible)\s+){{0,2}}"
    r"(?:instruments?|tools?)\b",
    re.IGNORECASE,
)


def claims(text: str) -> tuple[Claim, ...]:
    """All claims of a text, in no particular order within a sentence.

    >>> [(c.what.value, c.text) for c in claims("No hook is in view.")]
    [('absent', 'hook')]
    """
    found: list[Claim] = []
    for sentence in _SENTENCE.split(unwrapped(text)):
        if sentence.strip():
            found += _sentence(sentence)
    return tuple(found)


def _sentence(text: str) -> Iterator[Claim]:
    mentions = find(text)
    absent = _absent(text, mentions)
    verdicts = list(_VERDICT.finditer(text))
    warrants = list(_WARRANT.finditer(text))
    cited: set[Mention] = set()  # what a warrant speaks for is done by nobody here
    present = [m for m in mentions if m not in absent]
    for mention in mentions:
        only_criterion = all(kind == "criterion" for kind, _ in mention.readings)
        if only_criterion:
            yield Claim(What.NAMED, mention.text, mention.readings)
            holds = _verdict(verdicts, mention.start, mention.end)
            if holds is not None:
                yield Claim(What.VERDICT, mention.text, mention.readings, holds=holds)
        elif mention in absent:
            yield Claim(What.ABSENT, mention.text, mention.readings)
        else:
            role = _role(text, mention, warrants)
            yield Claim(What.NAMED, mention.text, mention.readings, role)
            if role in WARRANTED:
                cited.add(mention)
    yield from _nothing(text, mentions)
    things = [m for m in present if m.ids("instrument") or m.ids("target")]
    yield from _attached(text, things)
    yield from measured(text, things)
    yield from _relations(text, [m for m in present if m not in cited])
    for nth in _NTH.finditer(text):
        holds = _verdict(verdicts, nth.start(), nth.end())
        if holds is not None:
            yield Claim(What.VERDICT, nth.group(), number=float(nth[1]), holds=holds)
    for view in _WHOLE_VIEW.finditer(text):
        holds = _verdict(verdicts, view.start(), view.end())
        if holds is not None:
            yield Claim(What.VERDICT, view.group(), number=0.0, holds=holds)
    for time in _TIME.finditer(text):
        yield Claim(What.SECONDS, time.group(), number=float(time[1]) * (60 if time[2][0] in "mM" else 1))
    for smoke in _SMOKE.finditer(text):
        clear = smoke["no"] or _NO.search(text_before(text, smoke.start())) or _NOT_SEEN.match(text, smoke.end())
        yield Claim(What.SMOKE, smoke.group(), holds=not clear)
    for count in _COUNT.finditer(text):
        n = _WORDS.get(count["n"].lower())
        number = n if n is not None else int(count["n"])
        if number > 1 or (number == 1 and count["sure"]):
            yield Claim(What.COUNT, count.group().strip(), number=float(number))


# ------------------------------------------------------------------------------------------------ parts of a sentence


def _absent(text: str, mentions: Sequence[Mention]) -> set[Mention]:
    found: set[Mention] = set()
    for n, mention in enumerate(mentions):
        listed = (
            n > 0
            and mentions[n - 1] in found
            and _NO_LIST.fullmatch(text, mentions[n - 1].end, mention.start) is not None
        )
        if listed or _NO.search(text_before(text, mention.start)) or _NOT_SEEN.match(text, mention.end):
            found.add(mention)
    return found


def _role(text: str, mention: Mention, warrants: Sequence[re.Match[str]]) -> Role:
    """Whether words before a mention put it into the past or the future, or make it what a warrant speaks for.

    The past and the future reach to the next comma, a warrant to the end of its sentence.
    """
    clause = re.split(r"[,:]", text_before(text, mention.start))[-1]
    offset = mention.start - len(clause)
    marks: list[tuple[int, int, Role]] = [(offset + m.end(), 0, "earlier") for m in _EARLIER.finditer(clause)]
    marks += [(offset + m.end(), 0, "later") for m in _LATER.finditer(clause)]
    if any(kind in ("phase", "step", "action") for kind, _ in mention.readings):
        marks += [(m.end(), 1, m.lastgroup) for m in warrants if m.end() <= mention.start]  # type: ignore[misc]
    return max(marks)[2] if marks else "present"


def _verdict(verdicts: Sequence[re.Match[str]], start: int, end: int) -> bool | None:
    """The first verdict after a criterion, or else the last one before it."""
    after = bisect_left(verdicts, end, key=lambda m: m.start())
    if after < len(verdicts):
        return verdicts[after]["met"] is not None
    before = bisect_right(verdicts, start, key=lambda m: m.end())
    return verdicts[before - 1]["met"] is not None if before else None


def _nothing(text: str, mentions: Sequence[Mention]) -> Iterator[Claim]:
    for match in _NO_BOX.finditer(text):
        yield Claim(What.NO_BOX, match.group(), kind="instrument" if match["instrument"] else "target")
    for match in _NONE.finditer(text):
        if match["action"] and any(m.ids("instrument") and m.end <= match.start() for m in mentions):
            continue  # "the hook performs no action" is about the hook
        kind: Kind = "instrument" if match["instrument"] else "target" if match["target"] else "action"
        acts = kind == "instrument" and (_WORKS.search(match["rest"]) or _ids(mentions, "action", match.start()))
        if acts:
            if not _ids(mentions, "action", match.start()):
                yield Claim(What.UNRELATED, match.group().strip())
        else:
            yield Claim(What.NONE_OF, match.group().strip(), kind=kind)


def _ids(mentions: Sequence[Mention], kind: Kind, start: int) -> bool:
    return any(m.start >= start and m.ids(kind) for m in mentions)


def _attached(text: str, things: Sequence[Mention]) -> Iterator[Claim]:
    """Places, sizes and boxes, each with the thing that it belongs to."""
    boxes = list(_BOX.finditer(text))
    for match in boxes:
        owner = owner_of(text, things, match)
        x1, y1, x2, y2 = (float(n) for n in match.groups() if n is not None)
        readings = owner.readings if owner else ()
        quote = f"{owner.text} {match.group()}" if owner else match.group()
        yield Claim(What.BOXED, quote, readings, corners=(x1, y1, x2, y2))
    for match in _SIZE.finditer(text):
        owner = owner_of(text, things, match)
        if owner:
            yield Claim(What.SIZED, f"{owner.text}: {match.group()}", owner.readings, size=match[1].lower())
    for thing in things:
        sized = _SIZED.search(text_before(text, thing.start))
        if sized:
            yield Claim(What.SIZED, f"{sized[1]} {thing.text}", thing.readings, size=sized[1].lower())
    moves = [m.span() for m in MOVED.finditer(text)]
    last: tuple[int, Mention, Region] | None = None  # "on the left near the top" is one place
    for match in _REGION.finditer(text):
        if not (match["lead"] or match["noun"]) and not match["two"]:
            continue
        if (match["noun"] or "").strip().lower() == "edge":
            continue  # what reaches the left edge need not lie in the left part
        if any(start <= match.start() < end for start, end in moves):
            continue  # where it goes, not where it is
        if _RELATIVE.match(text, match.end()):
            continue  # "the left side of the gallbladder" is no part of the picture
        owner = owner_of(text, things, match)
        if owner:
            quote = f"{owner.text}: {match.group().strip()}"
            region = _region(match["one"], match["two"])
            if match["level"] and region.row is None:
                region = Region(_LEVELS[match["level"].lower()], region.column)
            if last is not None and last[1] is owner and not text[last[0] : match.start()].strip():
                region = Region(last[2].row or region.row, last[2].column or region.column)
            last = match.end(), owner, region
            yield Claim(What.PLACED, quote, owner.readings, region=region)


_LEVELS = {"high": "top", "low": "bottom", "halfway": "middle", "at mid-height": "middle"}


def _region(one: str, two: str | None) -> Region:
    row: str | None = None
    column: str | None = None
    middles = 0
    for word in (one.lower(), (two or "").lower()):
        if word in ("top", "upper"):
            row = "top"
        elif word in ("bottom", "lower"):
            row = "bottom"
        elif word in ("left", "right"):
            column = word
        elif word:
            middles += 1
    if middles:
        row, column = row or "middle", column or "center"
    return Region(row, column)


_BY = re.compile(
    r"\b(?:by(?: means of)?|using|with|through)\s+(?:(?:an?|the|another|one|a further)\s+)?(?:pair of\s+)?$", re.I
)
_AT = re.compile(r"\b(?:at|on|into|in|from|to|of|near|inside)\s+(?:(?:an?|the)\s+)?$", re.IGNORECASE)


_WITH = re.compile(
    r"\b(?:by(?: means of)?|using|with)\s+(?:(?:an?|the|another|one|a further)\s+)?(?:pair of\s+)?$", re.IGNORECASE
)
_ONE_OF = re.compile(r"\b(?:one|another|a further)\s+(?:pair of\s+)?$", re.IGNORECASE)
_LIES_THERE = re.compile(r"\s+(?:is|are)\s+(?:also\s+)?in\s+view\b", re.IGNORECASE)
_ACTS = re.compile(
    r"\s+(?:(?:is|are)\s+(?:(?:now|currently|at present|visibly)\s+)?"
    r"(?:(?:being\s+)?(?:used|employed|engaged|applied|seen|observed|shown|put to use)\b"
    r"|in use\b|at work\b|(?!being\b|going\b)[a-z]+ing\b)"
    r"|can\s+(?:clearly\s+|plainly\s+)?be\s+seen\b|performs?\b|carr(?:y|ies)\s+out\b|serves?\s+for\b)",
    re.IGNORECASE,
)


def _relations(text: str, mentions: Sequence[Mention]) -> Iterator[Claim]:
    """Who does what to what: an action belongs to the instrument before it, or to the one after "by"."""
    instrument: Mention | None = None
    action: Mention | None = None
    target: Mention | None = None  # named since the action, or before it where no instrument was
    start = 0

    def made(end: int) -> Iterator[Claim]:
        stretch = text[start:end]
        instruments = instrument.ids("instrument") if instrument else ()
        targets = target.ids("target") if target else ()
        quote = " ".join(m.text for m in (instrument, action, target) if m)
        if action is not None:
            if not targets and _NO_TARGET.search(stretch):
                targets = (NULL,)
            if instruments or targets:
                yield Claim(What.RELATED, quote, relation=Relation(instruments, action.ids("action"), targets))
        elif instrument is not None and _IDLE.search(stretch):
            yield Claim(What.RELATED, f"{quote} without acting", relation=Relation(instruments, (NULL,), targets))

    for mention in mentions:
        as_target = bool(mention.ids("target"))
        as_instrument = bool(mention.ids("instrument"))
        if as_target and as_instrument:  # a bag can do something, or have something done to it
            waits = action is not None and target is None and not _NO_TARGET.search(text[start : mention.start])
            led = text_before(text, mention.start)
            subject = _LIES_THERE.match(text, mention.end) or _ACTS.match(text, mention.end)
            waits = waits and not (subject or _ONE_OF.search(led) or _WITH.search(led))
            lies_at = instrument is not None and _AT.search(led) and not _WITH.search(led)
            as_instrument = not (waits or lies_at)
        if as_instrument:
            if action is not None and instrument is None and _BY.search(text_before(text, mention.start)):
                instrument = mention
                yield from made(mention.end)
                instrument, action, target, start = None, None, None, mention.end
                continue
            yield from made(mention.start)
            instrument, action, target, start = mention, None, None, mention.start
        elif mention.ids("action"):
            if action is not None:
                yield from made(mention.start)
                target, start = None, mention.start
            elif instrument is not None:
                target = None  # "the hook near the liver is dissecting the gallbladder"
            action = mention
        elif as_target:
            if action is not None and target is not None:
                yield from made(mention.start)  # "grasping the liver and the gallbladder"
            target = mention
    yield from made(len(text))
