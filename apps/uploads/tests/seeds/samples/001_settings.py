# settings.py
DJUST = {
    'upload_state_store': 'djust.uploads.stores.RedisUploadState',
    'upload_state_redis_url': 'redis://localhost:6379/0',
    # Optional: TTL for upload state records (default: 1 hour)
    'upload_state_ttl': 3600,
}
