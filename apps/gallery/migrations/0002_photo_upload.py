from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("gallery", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="photo",
            name="upload",
            field=models.CharField(
                blank=True, db_default="", default="", editable=False, max_length=64, verbose_name="upload"
            ),
        ),
        migrations.AddIndex(
            model_name="photo",
            index=models.Index(condition=~models.Q(upload=""), fields=["upload"], name="gallery_photo_upload"),
        ),
    ]
