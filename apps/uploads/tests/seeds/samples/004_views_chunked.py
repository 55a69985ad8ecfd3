@csrf_exempt
@require_POST
def upload_chunk(request):
    upload_id   = request.headers.get("X-Upload-Id", "")
    chunk_index = int(request.headers.get("X-Chunk-Index", 0))
    chunk_count = int(request.headers.get("X-Chunk-Count", 0))
    file_name   = request.headers.get("X-File-Name", "unknown")
    file_size   = int(request.headers.get("X-File-Size", 0))

    if not upload_id or not chunk_count:
        return JsonResponse({"success": False, "error": "Missing headers"}, status=400)

    session_dir = os.path.join(CHUNK_DIR, upload_id)
    os.makedirs(session_dir, exist_ok=True)

    # Save this chunk from raw body
    chunk_path = os.path.join(session_dir, f"chunk_{chunk_index}")
    with open(chunk_path, "wb") as f:
        f.write(request.body)

    # Count received chunks
    received = len([
        name for name in os.listdir(session_dir)
        if name.startswith("chunk_")
    ])

    if received == chunk_count:
        # Assemble final file
        file_guid = str(uuid.uuid4())
        ext = os.path.splitext(file_name)[1] if file_name else ""
        final_path = os.path.join(UPLOAD_DIR, file_guid + ext)

        with open(final_path, "wb") as output:
            for i in range(chunk_count):
                cp = os.path.join(session_dir, f"chunk_{i}")
                with open(cp, "rb") as chunk_file:
                    output.write(chunk_file.read())

        # Clean up chunks
        shutil.rmtree(session_dir)

        return JsonResponse({
            "success": True,
            "fileGuid": file_guid,
            "fileName": file_name,
            "fileSize": file_size,
        })

    return JsonResponse({"success": True, "chunksReceived": received})
