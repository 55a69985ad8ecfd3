# The site as an image, for hosts that take one and for compose.yaml. The web process by itself; other lines of the
# Procfile are other commands. It listens at PORT, and all that it writes is below /data.
FROM python:3.13-slim

WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt

COPY . .
ENV PYTHONPATH=site:apps PYTHONUNBUFFERED=1 DATA_DIR=/data STATIC_ROOT=/app/static-files PORT=8000
RUN SECRET_KEY=build python manage.py collectstatic --noinput \
    && useradd --system uplift && chown -R uplift /data
USER uplift
VOLUME /data

CMD ["sh", "-c", "exec python -m liveview.daphne --verbosity 0 --bind 0.0.0.0 --port $PORT --proxy-headers config.asgi:application"]
