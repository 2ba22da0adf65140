"""The chair of an API key is told from those in which people sit."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_second_keeper_checked")]

    operations = [
        migrations.AddField(
            model_name="membership",
            name="machine",
            field=models.BooleanField(db_default=False, default=False, verbose_name="系统接口"),
        )
    ]
