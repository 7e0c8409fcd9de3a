"""Makes up people of two tastes, items that their words tell apart, and an event log of them; it knows no test."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import tiny
from lextune.histories import Event, HistoryInput

#: Two of these are in the title of each item of a taste; the last ones of each taste are new: nobody took them.
TASTES = {"good": tiny.GOOD, "bad": tiny.BAD}
EACH, NEW = 24, 3


class People(list[HistoryInput]):
    """Histories, and what their items are in words."""

    items: dict[str, str]


def made_up_items() -> dict[str, str]:
    draw = random.Random(0)
    return {
        f"{taste}{number:02}": " ".join([*draw.sample(words, 2), draw.choice(tiny.PLAIN)])
        for taste, words in TASTES.items()
        for number in range(EACH + NEW)
    }


def made_up_people(count: int, seed: int) -> People:
    """Half of them take good items alone, half bad ones; item 0 of each taste is taken by all of it."""
    draw = random.Random(seed)
    people = People()
    for person in range(count):
        taste = "good" if person % 2 else "bad"
        numbers = [0, *draw.sample(range(1, EACH), 9)]
        draw.shuffle(numbers)
        taken = [f"{taste}{number:02}" for number in numbers]
        events = tuple(Event(name, 100.0 * place) for place, name in enumerate(taken[:-1]))
        people.append(HistoryInput(events, (taken[-1],)))
    people.items = made_up_items()
    return people


def write_events(folder: Path, count: int, seed: int = 0) -> Path:
    """`events.csv` (user, item, time) of so many people, and `items.csv` beside it.

    Each has one taste, and mostly goes on with the item of the next number.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "items.csv", "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["item", "title", "genres"])
        writer.writerows((key, words, key[:-2]) for key, words in made_up_items().items())
    draw = random.Random(seed)
    with open(folder / "events.csv", "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["user", "item", "time"])
        for person in range(count):
            left = list(range(EACH))
            item = draw.choice(left)
            for place in range(10):
                left.remove(item)
                name = f"{tuple(TASTES)[person % 2]}{item:02}"
                writer.writerow([f"u{person}", name, 1000 + 60 * place])
                after = (item + 1) % EACH
                item = after if after in left and draw.random() < 0.7 else draw.choice(left)
    return folder / "events.csv"
