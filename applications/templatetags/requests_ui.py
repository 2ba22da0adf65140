"""How a request is named in templates."""

from django import template

from applications import wording
from applications.models import Application

register = template.Library()


@register.filter
def term(months: int) -> str:
    """24 → 2 年期."""
    return wording.term(months)


@register.filter
def about(case: Application) -> str:
    """融资 800 万元，2 年期."""
    return wording.about(case)


@register.filter
def person(label: str) -> str:
    """The person of a journal label: 林示例（重庆示例公司） → 林示例."""
    return label.partition("（")[0]
