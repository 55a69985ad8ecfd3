from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("videos", "0001_initial")]

    operations = [
        migrations.AddField(
            "video", "is_mirrored", models.BooleanField(default=False, db_default=False, verbose_name="mirrored")
        ),
        migrations.AddField(
            "video", "warnings", models.JSONField(blank=True, default=list, null=True, verbose_name="warnings")
        ),
    ]
