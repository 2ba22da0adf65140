from django.db import migrations, models


class Migration(migrations.Migration):
    """What an enterprise states about itself and products ask for."""

    dependencies = [("accounts", "0002_attempt")]

    operations = [
        migrations.AddField("organisation", "founded_on", models.DateField(blank=True, null=True, verbose_name="成立日期")),
        migrations.AddField("organisation", "tiers", models.JSONField(blank=True, default=dict, verbose_name="企业资质")),
        migrations.AddField(
            "organisation",
            "pledged_before",
            models.BooleanField(blank=True, null=True, verbose_name="办理过知识产权质押"),
        ),
    ]
