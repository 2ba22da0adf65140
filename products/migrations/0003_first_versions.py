"""What stood in public before there were versions becomes version 1, as it stood."""

import datetime
import json

from django.core.serializers.json import DjangoJSONEncoder
from django.db import migrations, models
from django.db.migrations.state import StateApps
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

_LIFE = {"id", "institution", "state", "current", "suspended_by", "state_note", "confirmed_at", "alarmed_at", "updated_on", "example", "source"}
SHANGHAI = datetime.timezone(datetime.timedelta(hours=8))


def _json(field: models.Field, value: object) -> object:  # type: ignore[type-arg]
    return json.loads(json.dumps(value, cls=DjangoJSONEncoder))


def number_them(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    product_model, version_model = apps.get_model("products", "Product"), apps.get_model("products", "ProductVersion")
    change_model = apps.get_model("products", "PublicChange")
    for product in product_model.objects.filter(state__in=["published", "suspended"], current=None).order_by("pk"):
        moment = datetime.datetime.combine(product.updated_on, datetime.time(), tzinfo=SHANGHAI)
        terms = {f.name: _json(f, getattr(product, f.name)) for f in product_model._meta.concrete_fields if f.name not in _LIFE}
        version = version_model.objects.create(
            product=product, number=1, state="published", terms=terms, drafted_by="系统", drafted_at=moment, saved_at=moment,
            reviewed_by="系统", reviewed_at=moment, published_at=moment,
        )
        change_model.objects.create(product=product, version=version, kind="published", at=moment)
        product_model.objects.filter(pk=product.pk).update(current=version, confirmed_at=moment)


class Migration(migrations.Migration):
    dependencies = [("products", "0002_library")]

    operations = [migrations.RunPython(number_them, migrations.RunPython.noop)]
