from __future__ import annotations

from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from gallery import models
from gallery.models import STEP, Photo, prune

pytestmark = pytest.mark.django_db


def make(name: str, **fields: object) -> Photo:
    values = {
        "album": "",
        "owner": "visitor:me",
        "size": 1,
        "sha256": "0" * 64,
        "width": 1,
        "height": 1,
        "position": Photo.next_position(""),
    }
    return Photo.objects.create(name=name, **{**values, **fields})


def order(album: str = "") -> list[str]:
    return [photo.name for photo in Photo.objects.of(album)]


def test_the_newest_photo_is_first() -> None:
    make("a")
    make("b")

    assert order() == ["b", "a"]


def test_albums_are_apart() -> None:
    make("mine", album="visitor:me")
    make("theirs", album="visitor:you")

    assert order("visitor:me") == ["mine"]


def test_a_photo_moves_behind_another_or_to_the_front() -> None:
    a, b, c = make("a"), make("b"), make("c")

    c.move(after=a)
    assert order() == ["b", "a", "c"]

    a.move(after=None)
    assert order() == ["a", "b", "c"]

    a.move(after=b)
    assert order() == ["b", "a", "c"]


def test_moving_between_the_same_two_photos_never_runs_out_of_room() -> None:
    low, high = make("low"), make("high")
    movers = [make(str(number)) for number in range(3)]

    for turn in range(80):
        high.refresh_from_db()
        mover = movers[turn % 3]
        mover.refresh_from_db()
        mover.move(after=high)
        assert order()[order().index("high") + 1] == mover.name

    assert order()[-1] == low.name


def test_what_may_be_brought_back_keeps_its_place_whatever_is_moved_around_it() -> None:
    low, gone, high = make("low"), make("gone"), make("high")
    movers = [make(str(number)) for number in range(2)]
    Photo.objects.filter(pk=gone.pk).update(deleted_at=timezone.now())

    for turn in range(60):  # no number is left between the two, and all get new ones
        high.refresh_from_db()
        mover = movers[turn % 2]
        mover.refresh_from_db()
        mover.move(after=high)
    Photo.objects.filter(pk=gone.pk).update(deleted_at=None)

    assert order() == ["high", "1", "0", "gone", low.name]


def test_a_new_photo_is_first_after_any_moving() -> None:
    make("a")
    make("b").move(after=None)
    make("c")

    assert order()[0] == "c"
    assert Photo.next_position("") >= 3 * STEP


def test_a_deleted_photo_goes_for_good_with_its_files_when_it_is_overdue(
    monkeypatch: pytest.MonkeyPatch, settings: object
) -> None:
    path = default_storage.save(f"gallery/{'a' * 32}.jpg", ContentFile(b"x"))
    make("gone", deleted_at=timezone.now(), full=path, medium=path, thumb=path)
    make("kept")

    assert prune() == 0
    settings.GALLERY = {"UNDO": -1}

    assert prune() == 1
    assert not default_storage.exists(path)
    assert order() == ["kept"]
    assert models.Photo.objects.count() == 1


def test_what_a_storage_that_is_away_has_kept_goes_with_the_next_round(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.GALLERY = {"UNDO": -1}
    for name in ("stuck", "gone"):
        path = default_storage.save(f"gallery/{name}.jpg", ContentFile(b"x"))
        make(name, deleted_at=timezone.now(), full=path, medium=path, thumb=path)
    delete = default_storage.delete

    def away(name: str) -> None:
        if "stuck" in name:
            raise OSError("away")
        delete(name)

    with monkeypatch.context() as patched:
        patched.setattr(default_storage, "delete", away)
        assert prune() == 1
        with pytest.raises(OSError):  # for the log
            prune()

    assert [photo.name for photo in Photo.objects.all()] == ["stuck"]
    assert prune() == 1
    assert not default_storage.exists("gallery/stuck.jpg")


def test_many_are_moved_to_the_front_in_one_transaction(django_assert_num_queries: Any) -> None:
    made = [make(str(number)) for number in range(6)]  # the last one is first
    with django_assert_num_queries(4):
        Photo.move_to_front("", [made[3], made[1], made[0]])
    assert order() == ["3", "1", "0", "5", "4", "2"]
