"""A power cut at any moment leaves what was synced: every durable transaction, and every one before it (META-1)."""

import json
import random
from pathlib import Path

import pytest
from meta_rig import faulty_disk, names, part

from sv.meta.db import Meta
from sv.meta.parts import Parts
from sv.meta.persons import Persons


def test_numbers_given_before_a_flush_survive_whatever_the_flush_survives(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sv.meta.checkpoint.PASSIVE_PAGES", 30)
    monkeypatch.setattr("sv.meta.db.RESTART_PAGES", 300)
    chance = random.Random(5)
    given: dict[str, int] = {}
    flushed: dict[str, int] = {}
    images: list[tuple[Path, int, dict[str, int]]] = []
    (tmp_path / "synced").mkdir()
    with faulty_disk() as disk:
        disk.synced = tmp_path / "synced"
        with Meta.open(path) as meta:
            persons, parts, seq = Persons(meta), Parts(meta), 0
            for step in range(120):
                if chance.random() < 0.7:
                    ids = [f"{chance.getrandbits(40)}@example.com" for _ in range(chance.randint(1, 60))]
                    given |= zip(ids, json.loads(persons.number_persons("dev", json.dumps(ids))), strict=True)
                else:
                    seq += 1
                    parts.commit_flush([part(str(seq))], seq)
                    flushed = dict(given)
                if chance.random() < 0.3:
                    image = tmp_path / f"image{step}"
                    disk.cut_power(image)
                    images.append((image, seq, flushed))
    assert len(images) > 20
    for image, seq, numbers in images:
        with Meta.open(image / "sv.db") as meta:
            assert Parts(meta).covered_seq() == seq
            assert names(Parts(meta)) == [str(n) for n in range(1, seq + 1)]
            kept = json.loads(Persons(meta).number_persons("dev", json.dumps(list(numbers))))
            assert dict(zip(numbers, kept, strict=True)) == numbers
            assert meta.check() == []
