from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("otherways", "0002_names")]

    operations = [
        migrations.AddField(
            "received", "deleted_at", models.DateTimeField(blank=True, null=True, verbose_name="deleted at")
        )
    ]
