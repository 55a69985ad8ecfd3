from djust.uploads.stores import UploadStateStore

class MyUploadStateStore(UploadStateStore):
    async def get_offset(self, upload_id: str) -> int | None:
        # Return byte offset, or None if upload_id not found
        ...

    async def set_offset(self, upload_id: str, offset: int) -> None:
        # Persist chunk offset
        ...

    async def clear_offset(self, upload_id: str) -> None:
        # Called on completion or explicit cancel
        ...
