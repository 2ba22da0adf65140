from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("core", "0002_rate_count"),
    ]

    operations = [
        migrations.CreateModel(
            name="OnceAnswer",
            fields=[
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("body", models.CharField(max_length=64)),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("answer", models.JSONField(null=True)),
                ("at", models.DateTimeField(db_index=True)),
            ],
            options={
                "verbose_name": "接口应答",
                "verbose_name_plural": "接口应答",
            },
        ),
    ]
