import django.db.models.deletion
from django.conf import settings
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    """A keeper's chair counts once a second keeper has confirmed it; a mail address waits until its link was opened."""

    dependencies = [("accounts", "0006_identity")]

    operations = [
        migrations.AddField("invitation", "confirmed_at", models.DateTimeField(null=True)),
        migrations.AddField(
            "invitation",
            "confirmed_by",
            models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        AddConstraintNotValid(
            "invitation",
            models.CheckConstraint(
                condition=Q(confirmed_by=None)
                | (~Q(confirmed_by=F("invited_by")) & ~Q(confirmed_by=F("accepted_by")) & Q(accepted_by__isnull=False)),
                name="invitation_two_keepers",
            ),
        ),
        migrations.AddField(
            "user",
            "mail_wanted",
            models.EmailField(blank=True, db_default="", max_length=254, verbose_name="待确认的邮箱"),
        ),
    ]
