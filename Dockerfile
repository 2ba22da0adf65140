# One image for web, worker, beat, clock and prepare; docker-compose.yml says which command makes which.
FROM python:3.11-slim-bookworm

RUN apt-get update \
    && apt-get install -y --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin portal \
    && install -d -o portal /data /app/staticfiles

WORKDIR /app
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PORTAL_ENV=production PORTAL_DATA=/data

COPY requirements/base.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/base.txt

COPY . .
USER portal
# The names are needed to read the settings and reach nothing; real ones come from the environment at run time.
RUN SECRET_KEY=build ALLOWED_HOSTS=build PUBLIC_URL=https://build DATABASE_URL=postgres://build/build python manage.py collectstatic --noinput

EXPOSE 8000
CMD ["python", "-m", "gunicorn", "portal.wsgi:application", "--bind", "0.0.0.0:8000", "--worker-class", "portal.run.patience.PatientWorker", "--threads", "4"]
