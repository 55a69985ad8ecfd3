async def websocket_application(scope, receive, send):
    while True:
        event = await receive()
        if event["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        elif event["type"] == "websocket.disconnect":
            break
        elif event["type"] == "websocket.receive" and event.get("text") == "ping":
            await send({"type": "websocket.send", "text": "pong!"})
