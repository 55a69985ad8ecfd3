from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("avatars", "0001_initial")]

    operations = [
        migrations.AddField(
            "avatar", "deleted_at", models.DateTimeField(blank=True, null=True, verbose_name="deleted at")
        )
    ]
