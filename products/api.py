"""Published products for other platforms (measure 10: the library is kept current in two places)."""

from rest_framework import serializers, viewsets
from rest_framework.permissions import AllowAny

from portal.foundation.core.paging import Pages

from .models import Product


class ProductSerializer(serializers.ModelSerializer[Product]):
    """Amounts in yuan, terms in months, rates in percent a year; null means the institution has not published it.

    `requirements` are the conditions as data (docs/contracts/products.md), `conditions` the same in words.
    `lpr_spread` is in basis points, `districts` are codes (none: the whole city), `version` counts the published versions.
    """

    institution = serializers.CharField(source="institution.organisation.name")
    version = serializers.IntegerField(source="current.number", allow_null=True, read_only=True)
    mode_label = serializers.CharField(source="get_mode_display")

    class Meta:
        model = Product
        fields = (
            "id",
            "institution",
            "name",
            "version",
            "mode",
            "mode_label",
            "ip_kinds",
            "combined",
            "amount_min",
            "amount_max",
            "term_min",
            "term_max",
            "rate_from",
            "rate_to",
            "rate_note",
            "lpr_term",
            "lpr_rate",
            "lpr_spread",
            "lpr_date",
            "pledge_rate",
            "pledge_rates",
            "repayment",
            "online",
            "districts",
            "documents",
            "valid_from",
            "valid_until",
            "conditions",
            "requirements",
            "summary",
            "source",
            "example",
            "updated_on",
            "confirmed_at",
        )


class ProductViewSet(viewsets.ReadOnlyModelViewSet[Product]):
    """The public product library, oldest first."""

    queryset = Product.objects.published().select_related("institution__organisation", "current")
    serializer_class = ProductSerializer
    lookup_value_converter = "int"
    pagination_class = Pages
    permission_classes = (AllowAny,)
    authentication_classes = ()
