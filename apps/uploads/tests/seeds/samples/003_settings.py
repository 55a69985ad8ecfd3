INSTALLED_APPS = [
    # ...
    'channels',
]
