"""An album: many photos at once, each on its own, live in every open tab."""
