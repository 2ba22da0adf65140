"""WSGI entry for gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

from portal.foundation.core import logs

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
application = get_wsgi_application()
logs.adopt("gunicorn.error")
