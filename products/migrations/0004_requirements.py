from django.db import migrations, models


class Migration(migrations.Migration):
    """Conditions as data beside their words."""

    dependencies = [("products", "0003_first_versions")]

    operations = [
        migrations.AddField(
            model_name="product",
            name="requirements",
            field=models.JSONField(blank=True, default=list, verbose_name="可核对的条件"),
        ),
    ]
