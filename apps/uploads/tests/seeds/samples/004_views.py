# views.py
import os
import uuid
import shutil
import json
from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from django.conf import settings

UPLOAD_DIR = os.path.join(settings.BASE_DIR, "uploads")
CHUNK_DIR = os.path.join(UPLOAD_DIR, "chunks")
os.makedirs(UPLOAD_DIR, exist_ok=True)


@csrf_exempt
@require_POST
def upload_file(request):
    uploaded_file = request.FILES.get("file")
    if not uploaded_file:
        return JsonResponse({"success": False, "error": "No file uploaded"}, status=400)

    file_guid = str(uuid.uuid4())
    ext = os.path.splitext(uploaded_file.name)[1]
    dest_path = os.path.join(UPLOAD_DIR, file_guid + ext)

    with open(dest_path, "wb") as dest:
        for chunk in uploaded_file.chunks():
            dest.write(chunk)

    return JsonResponse({
        "success": True,
        "fileGuid": file_guid,
        "fileName": uploaded_file.name,
        "fileSize": uploaded_file.size,
    })
