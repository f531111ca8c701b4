"""Numbers under five are said to no group: not in words, not in a chart or its words, and not by what is left between
two shown numbers. The only thing that goes to a group is how things stand (`status` there, or shared)."""

import json
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.dates import Cycle
from audits.state import CORE, Audit, CaseFile
from cards import adaptive, blocks, html, plain, status
from cards.blocks.figures import Picture
from cards.card import Card
from cards.pictures import alt
from handlers.commands import GROUP_WORDS

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
FEW = status.FEW
KINDS = [kind for kind, _ in status.STAGES]
COUNTS = st.lists(st.integers(0, 14), min_size=len(KINDS), max_size=len(KINDS))


def audits(counts: list[int]) -> list[Audit]:
    """So many audits that stand at each stage, the last stage first."""
    case = CaseFile(1, "C-1", "CP")
    return [
        Audit(number, "southampton", CORE, Cycle.parse("2026-03"), case, None, done={kind: (NOW, None)})
        for kind, count in zip(KINDS, counts, strict=True)
        for number in range(count)
    ]


def everywhere(card: Card) -> list[str]:
    """The card as each platform shows it, and what its picture says in words."""
    return [
        plain.render(card),
        html.render(card, action_url="/", event_id="e"),
        json.dumps(adaptive.render(card, card_id="c")),
        str(blocks.render_all(card, card_id="c", picture=Picture("F1", alt(card.bars)) if card.bars else None)),
        *([alt(card.bars)] if card.bars else []),
    ]


def bars(card: Card) -> dict[str, int]:
    return dict(card.bars.bars) if card.bars else {}


@given(COUNTS, st.integers(0, 12))
@settings(max_examples=60, deadline=None)
def test_no_small_number_stands_in_what_goes_to_a_group(counts: list[int], late: int) -> None:
    card = status.for_group("spring", audits(counts), late)
    said = [int(number) for line in card.text[:1] for number in re.findall("[0-9]+", line.replace(f"than {FEW}", ""))]
    assert [number for number in (*said, *bars(card).values()) if 0 < number < FEW] == []
    few = [words for (_, words), count in zip(status.STAGES, counts, strict=True) if 0 < count < FEW]
    for text in everywhere(card):
        assert [words for words in few if f"{words}:" in text or f"{words} " in text or f'"{words}"' in text] == []


@given(COUNTS)
@settings(max_examples=200, deadline=None)
def test_what_is_left_out_cannot_be_worked_out_from_what_is_shown(counts: list[int]) -> None:
    card = status.for_group("spring", audits(counts), 0)
    real = {words: count for (_, words), count in zip(status.STAGES, counts, strict=True) if count}
    found = bars(card)
    together = found.pop(status.ELSEWHERE, 0)
    hidden = {words: count for words, count in real.items() if words not in found}
    if card.bars is None:
        # Only the total is said, and it stands for two stages at least wherever one of them is small.
        assert not real or len(real) > 1 or sum(real.values()) < FEW
        return
    assert {words: real[words] for words in found} == found
    assert together == sum(hidden.values())
    assert not hidden or (len(hidden) > 1 and together >= FEW)


@pytest.mark.parametrize("counts", [[0] * len(KINDS), [4, *[0] * (len(KINDS) - 1)], [3, 0, 0, 9, 0, 0, 0, 0]])
def test_with_one_number_left_there_is_no_chart(counts: list[int]) -> None:
    assert status.for_group("spring", audits(counts), 0).bars is None


def test_nothing_but_how_things_stand_goes_to_a_group() -> None:
    assert {"help", "status"} == GROUP_WORDS
