"""Products in the administration: to look and to search. They are written by the library and, later, by institutions."""

from django.contrib import admin
from django.http import HttpRequest

from .models import Product


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "institution", "mode", "state", "example", "updated_on")
    list_filter = ("mode", "state", "example")
    search_fields = ("name", "institution__organisation__name")
    list_select_related = ("institution__organisation",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Product | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Product | None = None) -> bool:
        return False
