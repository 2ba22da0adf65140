"""`|area`, `|kind`, `|role`: the words of the journal and of the refusals."""

from django import template

from portal.oversight import labels

register = template.Library()
register.filter("area", labels.area)
register.filter("kind", labels.kind)
register.filter("role", labels.role)
