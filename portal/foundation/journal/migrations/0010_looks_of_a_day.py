from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Whose requests somebody opened today is asked on each page of a request."""

    atomic = False

    dependencies = [
        ("journal", "0009_request_of_an_entry"),
    ]

    operations = [
        AddIndexConcurrently("look", models.Index(fields=["user_id", "what", "hour"], name="look_of_a_day")),
    ]
