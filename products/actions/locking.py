"""Locking a product with its open version, in the house's order."""

from portal.foundation.core.db import busy_when_held, lock
from products.models import Product, ProductVersion


def locked(product_id: int) -> tuple[Product, ProductVersion | None]:
    """The product and its open version (draft, submitted or returned), both locked and fresh. Raises Product.DoesNotExist."""
    product = lock(Product.objects.filter(pk=product_id).select_related("institution__organisation"))
    with busy_when_held():
        version = product.versions.select_for_update(of=("self",)).open().first()
    if version is not None:
        version.product = product
    return product, version


def locked_version(version_id: int) -> tuple[Product, ProductVersion]:
    """A product and one of its versions, locked. Raises ProductVersion.DoesNotExist."""
    product_id = ProductVersion.objects.values_list("product_id", flat=True).get(pk=version_id)
    product = lock(Product.objects.filter(pk=product_id).select_related("institution__organisation"))
    version = lock(ProductVersion.objects.filter(pk=version_id))
    version.product = product
    return product, version
