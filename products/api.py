"""Published products for other platforms (measure 10: the library is kept current in two places)."""

from rest_framework import serializers, viewsets
from rest_framework.permissions import AllowAny

from portal.foundation.core.paging import Pages

from .models import Product


class ProductSerializer(serializers.ModelSerializer[Product]):
    """Amounts in yuan, terms in months, rates in percent a year; null means the institution has not published it."""

    institution = serializers.CharField(source="institution.organisation.name")
    mode_label = serializers.CharField(source="get_mode_display")

    class Meta:
        model = Product
        fields = (
            "id",
            "institution",
            "name",
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
            "pledge_rate",
            "online",
            "conditions",
            "summary",
            "source",
            "example",
            "updated_on",
        )


class ProductViewSet(viewsets.ReadOnlyModelViewSet[Product]):
    """The public product library, oldest first."""

    queryset = Product.objects.published().select_related("institution__organisation")
    serializer_class = ProductSerializer
    pagination_class = Pages
    permission_classes = (AllowAny,)
    authentication_classes = ()
