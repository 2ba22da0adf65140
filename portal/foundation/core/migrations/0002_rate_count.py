from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("core", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="RateCount",
            fields=[
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=40)),
                ("until", models.DateTimeField(db_index=True)),
            ],
            options={
                "verbose_name": "频次计数",
                "verbose_name_plural": "频次计数",
            },
        ),
        # A count is worth no write-ahead log: the commit of one waits for no disk.
        migrations.RunSQL("ALTER TABLE core_ratecount SET UNLOGGED", migrations.RunSQL.noop),
    ]
