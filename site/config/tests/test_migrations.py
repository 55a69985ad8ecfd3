"""While a new version takes over, the one before still serves, with the database already migrated: steps only add.

What takes away comes a release later, when nobody reads it any more; such a migration says so: `takes_away = "…"`, with
the version whose code did without.
"""

from __future__ import annotations

import pytest
from django.apps import apps
from django.conf import settings
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation

OURS = {app.label for app in apps.get_app_configs() if str(app.path).startswith(str(settings.ROOT / "apps"))}
MIGRATIONS = {
    f"{label}.{name}": migration
    for (label, name), migration in MigrationLoader(None).disk_migrations.items()
    if label in OURS
}
TAKES_AWAY = (
    migrations.RemoveField,
    migrations.RenameField,
    migrations.DeleteModel,
    migrations.RenameModel,
    migrations.AlterModelTable,
    migrations.RunSQL,
)


def what_hurts_the_version_before(migration: migrations.Migration) -> list[str]:
    is_first = bool(migration.initial) or not migration.dependencies
    return [operation.describe() for operation in migration.operations if _hurts(operation, is_first)]


def _hurts(operation: Operation, is_first: bool) -> bool:
    """Also a new column that must be filled: code that doesn't know it leaves it empty."""
    match operation:
        case migrations.AddField(field=field) if not is_first:
            fills_itself = field.null or field.many_to_many or field.db_default is not models.NOT_PROVIDED
            return not fills_itself
        case migrations.AlterField(field=field):
            return not field.null and field.db_default is models.NOT_PROVIDED
        case _:
            return isinstance(operation, TAKES_AWAY)


def test_the_migrations_are_found() -> None:
    assert {"avatars.0001_initial", "gallery.0001_initial", "uploads.0001_initial", "videos.0001_initial"} <= set(
        MIGRATIONS
    )


@pytest.mark.parametrize("name", sorted(MIGRATIONS))
def test_the_version_before_can_live_with_every_migration(name: str) -> None:
    migration = MIGRATIONS[name]

    assert what_hurts_the_version_before(migration) == [] or getattr(migration, "takes_away", "")


@pytest.mark.parametrize(
    ("operation", "hurts"),
    [
        (migrations.RemoveField("video", "title"), True),
        (migrations.RenameField("video", "title", "name"), True),
        (migrations.DeleteModel("video"), True),
        (migrations.AddField("video", "note", models.TextField(default="")), True),
        (migrations.AddField("video", "note", models.TextField(db_default="")), False),
        (migrations.AddField("video", "note", models.TextField(null=True)), False),  # noqa: DJ001
        (migrations.AlterField("video", "title", models.CharField(max_length=10)), True),
        (migrations.CreateModel("tag", [("id", models.BigAutoField(primary_key=True))]), False),
    ],
)
def test_a_step_that_takes_away_is_seen(operation: Operation, hurts: bool) -> None:
    migration = migrations.Migration("0002_x", "videos")
    migration.dependencies, migration.operations = [("videos", "0001_initial")], [operation]

    assert bool(what_hurts_the_version_before(migration)) == hurts
