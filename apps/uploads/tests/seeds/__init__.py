"""The views and templates of the seeds' samples, to the letter but for their imports."""
