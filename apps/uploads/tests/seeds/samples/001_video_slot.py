# views.py — pass store config to the slot
self.allow_upload(
    'video',
    resumable=True,
    resumable_store='redis',       # selects the configured store
    resumable_store_options={
        'redis_url': 'redis://localhost:6379/0',
        'ttl': 3600,
    },
)
