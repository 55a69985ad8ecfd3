from channels.generic.websocket import AsyncWebsocketConsumer
from django.core.files.base import ContentFile

class FileUploadConsumer(AsyncWebsocketConsumer):
    async def connect(self):
        # Connect to the websocket
        await self.accept()

    async def receive(self, text_data):
        # Process the file upload
        file_data = ContentFile(text_data)
        # Save the file or perform any other necessary processing
        # Notify the client about the progress
        await self.send(text_data='File uploaded successfully!')
