from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("videos", "0002_shape_and_warnings")]

    operations = [
        migrations.AddField(
            "video", "deleted_at", models.DateTimeField(blank=True, null=True, verbose_name="deleted at")
        )
    ]
