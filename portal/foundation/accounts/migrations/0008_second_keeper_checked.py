from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    """The rule about second keepers holds for the rows there were, too."""

    dependencies = [("accounts", "0007_second_keeper")]

    operations = [ValidateConstraint("invitation", "invitation_two_keepers")]
