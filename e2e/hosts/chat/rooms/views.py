from django.shortcuts import render


def room(request, name="lobby"):
    return render(request, "rooms/room.html", {"name": name})
