"""Before: an order did not say which office asked. Now it does, so that the answer can be told to it, and rows are whole.

No order was ever stored by an earlier version (there was no page to issue one), so the new column needs no default.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("reports", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="supervisionorder",
            name="issuing_organisation",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.organisation",
                verbose_name="督办单位",
            ),
        ),
        migrations.AddIndex(
            model_name="supervisionorder",
            index=models.Index(fields=["organisation", "-issued_at", "-id"], name="order_list"),
        ),
        migrations.AddIndex(
            model_name="supervisionorder",
            index=models.Index(condition=Q(("replied_at", None)), fields=["reply_due"], name="order_waiting"),
        ),
        migrations.AddConstraint(
            model_name="supervisionorder",
            constraint=models.CheckConstraint(condition=Q(("reply_due__gt", F("issued_at"))), name="order_leaves_time"),
        ),
        migrations.AddConstraint(
            model_name="supervisionorder",
            constraint=models.CheckConstraint(
                condition=Q(("replied_at", None), ("reply", ""))
                | Q(("replied_at__isnull", False), Q(("reply", ""), _negated=True)),
                name="order_reply_is_whole",
            ),
        ),
    ]
